/* distance.c - edit distance.
 * Contract: O(len(a) * len(b) / 64) steps; with a cutoff k below the lengths O(longer * k / 64). No allocation unless a
 * text is long. The table of distances between beginnings is kept as the differences of neighbours, a bit each.
 * Source: Myers 1999, doi:10.1145/316542.316550; Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and
 * Damerau edit distances" (also its diagonal band); Ukkonen 1985, doi:10.1016/S0019-9958(85)80046-2. */
#include "../streamliner.h"
#include "symbols.h"

/* word[0]: cutoff. */
sl_status sl_prepare_distance_cutoff(const sl_value *values, sl_options *options, sl_error *error) {
    int64_t cutoff = values[0].integer;
    if (cutoff < 0) return sl_error_set(error, "expected cutoff >= 0, got %lld", (long long)cutoff);
    options->word[0] = (uint64_t)cutoff;
    return SL_OK;
}

/* ---- one column ---------------------------------------------------------------------------------------------------- */

/* The differences down a column of 64 rows: one more than above, one less than above. */
typedef struct column {
    uint64_t rise;
    uint64_t fall;
} column;

/* One column to the right. `edge` comes in as the difference to the right in the row above (1: bit 0 grows, 2: it falls)
 * and leaves as that of the last row. */
static inline uint32_t step(column *c, uint64_t equal, uint32_t edge) {
    uint64_t upright = equal | c->fall;
    equal |= edge >> 1;
    uint64_t diagonal = (((equal & c->rise) + c->rise) ^ c->rise) | equal | upright;
    uint64_t right_rise = c->fall | ~(diagonal | c->rise);
    uint64_t right_fall = diagonal & c->rise;
    uint32_t out = (uint32_t)(right_rise >> 63 | right_fall >> 63 << 1);
    right_rise = right_rise << 1 | (edge & 1);
    right_fall = right_fall << 1 | edge >> 1;
    c->rise = right_fall | ~(diagonal | right_rise);
    c->fall = right_rise & diagonal;
    return out;
}

/* The same for the first 64 rows, above which every column is one more than the one before. */
static inline void step_first(column *c, uint64_t equal) {
    uint64_t diagonal = (((equal & c->rise) + c->rise) ^ c->rise) | equal | c->fall;
    uint64_t right_rise = c->fall | ~(diagonal | c->rise);
    uint64_t right_fall = diagonal & c->rise;
    right_rise = right_rise << 1 | 1;
    right_fall <<= 1;
    c->rise = right_fall | ~(diagonal | right_rise);
    c->fall = right_rise & diagonal;
}

/* How much the value at the end of `rows` rows is above that at their start. */
static inline int64_t height(column c, uint32_t rows) {
    uint64_t mask = sl_low_bits(rows);
    return (int64_t)sl_count_bits(c.rise & mask) - (int64_t)sl_count_bits(c.fall & mask);
}

static const column first_column = {~UINT64_C(0), 0};

/* ---- patterns of at most 64 symbols -------------------------------------------------------------------------------- */

static uint64_t short_ascii_plain(sl_str a, sl_str b) {
    uint64_t places[128];
    /* Of the table only what will be read is cleared. */
    if (b.len > 64) memset(places, 0, sizeof(places));
    for (uint32_t j = 0; j < b.len && b.len <= 64; j++) places[b.ptr[j] & 127] = 0;
    for (uint32_t i = 0; i < a.len; i++) places[a.ptr[i] & 127] = 0;
    for (uint32_t i = 0; i < a.len; i++) places[a.ptr[i] & 127] |= UINT64_C(1) << i;
    column c = first_column;
    for (uint32_t j = 0; j < b.len; j++) step_first(&c, places[b.ptr[j] & 127]);
    return (uint64_t)(b.len + height(c, a.len));
}

#if defined(SL_WIDE)

/* Three inputs an instruction make the chain from one column to the next six instructions long, and not eleven. */
typedef struct column_512 {
    __m128i rise;
    __m128i fall;
} column_512;

SL_AVX512_INLINE void step_first_512(column_512 *c, uint64_t found) {
    __m128i equal = _mm_cvtsi64_si128((long long)found);
    __m128i sum = _mm_add_epi64(_mm_and_si128(equal, c->rise), c->rise);
    __m128i upright = _mm_or_si128(equal, c->fall);
    __m128i diagonal = _mm_ternarylogic_epi64(sum, c->rise, upright, (0xF0 ^ 0xCC) | 0xAA);
    __m128i right_rise = _mm_ternarylogic_epi64(c->fall, diagonal, c->rise, (0xF0 | ~(0xCC | 0xAA)) & 0xFF);
    __m128i not_right_rise = _mm_ternarylogic_epi64(c->fall, diagonal, c->rise, ~(0xF0 | ~(0xCC | 0xAA)) & 0xFF);
    __m128i right_fall = _mm_and_si128(diagonal, c->rise);
    right_rise = _mm_sub_epi64(right_rise, not_right_rise); /* twice and one */
    right_fall = _mm_add_epi64(right_fall, right_fall);
    c->rise = _mm_ternarylogic_epi64(right_fall, diagonal, right_rise, (0xF0 | ~(0xCC | 0xAA)) & 0xFF);
    c->fall = _mm_and_si128(right_rise, diagonal);
}

SL_AVX512_INLINE uint64_t distance_512(column_512 c, uint32_t rows, uint32_t columns) {
    column plain = {(uint64_t)_mm_cvtsi128_si64(c.rise), (uint64_t)_mm_cvtsi128_si64(c.fall)};
    return (uint64_t)(columns + height(plain, rows));
}

SL_AVX512_INLINE column_512 first_column_512(void) {
    return (column_512){_mm_set1_epi64x(-1), _mm_setzero_si128()};
}

SL_AVX512 static uint64_t short_ascii_512(sl_str a, sl_str b) {
    column_512 c = first_column_512();
    if (a.len <= 16) {
        __m128i bytes = _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xFFFF, a.len), a.ptr);
        for (uint32_t j = 0; j < b.len; j++)
            step_first_512(&c, _mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8(b.ptr[j])));
    } else {
        __m512i bytes = sl_v64_load_part(a.ptr, a.len);
        for (uint32_t j = 0; j < b.len; j++) step_first_512(&c, sl_v64_find(bytes, b.ptr[j]));
    }
    return distance_512(c, a.len, b.len);
}

SL_AVX512_INLINE uint64_t short_keys_of(const sl_symbols *s, uint32_t parts) {
    sl_v64_keys keys = sl_v64_keys_load(s->pattern, parts);
    column_512 c = first_column_512();
    for (uint32_t j = 0; j < s->text_len; j++) step_first_512(&c, sl_v64_find_key(&keys, parts, s->text[j]));
    return distance_512(c, s->pattern_len, s->text_len);
}

SL_AVX512 static uint64_t short_keys_512(const sl_symbols *s) {
    if (s->pattern_len <= 16) return short_keys_of(s, 1);
    return s->pattern_len <= 32 ? short_keys_of(s, 2) : short_keys_of(s, 4);
}

/* 65 to 256 rows: a few words, each handing its last row's difference to the next. */
SL_AVX512_INLINE uint64_t wide_ascii_of(sl_str a, sl_str b, uint32_t words) {
    __m512i bytes[SL_STRIPE];
    column c[SL_STRIPE];
    for (uint32_t w = 0; w < words; w++) {
        bytes[w] = sl_v64_load_part(a.ptr + SL_WORD * w, a.len - SL_WORD * w);
        c[w] = first_column;
    }
    for (uint32_t j = 0; j < b.len; j++) {
        uint32_t edge = 1;
        for (uint32_t w = 0; w < words; w++) edge = step(&c[w], sl_v64_find(bytes[w], b.ptr[j]), edge);
    }
    int64_t sum = b.len;
    for (uint32_t w = 0; w < words; w++) sum += height(c[w], a.len - SL_WORD * w);
    return (uint64_t)sum;
}

SL_AVX512 static uint64_t wide_ascii_512(sl_str a, sl_str b) {
    if (a.len <= 128) return wide_ascii_of(a, b, 2);
    return a.len <= 192 ? wide_ascii_of(a, b, 3) : wide_ascii_of(a, b, 4);
}
#endif

static uint64_t short_ascii(sl_str a, sl_str b) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) return short_ascii_512(a, b);
#endif
    return short_ascii_plain(a, b);
}

/* ---- longer patterns, in stripes of four words ---------------------------------------------------------------------- */

typedef struct stripe {
    const uint64_t *places;
    const uint32_t *text;
    uint32_t from; /* columns [from, to) */
    uint32_t to;
    uint8_t *edges; /* a column's difference to the right in the row above the stripe, then in its last row */
    column c[SL_STRIPE];
} stripe;

static inline int64_t edge_value(uint32_t edge) { return (int64_t)(edge & 1) - (int64_t)(edge >> 1); }

/* Returns how much the row above the stripe grows from the first column to the last. */
static inline int64_t run_words(stripe *s, uint32_t words) {
    column c[SL_STRIPE];
    int64_t grown = 0;
    for (uint32_t w = 0; w < words; w++) c[w] = s->c[w];
    for (uint32_t j = s->from; j < s->to; j++) {
        const uint64_t *equal = s->places + (size_t)s->text[j] * words;
        uint32_t edge = s->edges[j];
        grown += edge_value(edge);
        for (uint32_t w = 0; w < words; w++) edge = step(&c[w], equal[w], edge);
        s->edges[j] = (uint8_t)edge;
    }
    for (uint32_t w = 0; w < words; w++) s->c[w] = c[w];
    return grown;
}

static int64_t run_stripe(stripe *s, uint32_t words) {
    switch (words) {
        case 1: return run_words(s, 1);
        case 2: return run_words(s, 2);
        case 3: return run_words(s, 3);
        default: return run_words(s, SL_STRIPE);
    }
}

/* The distance if it is at most `cutoff`, else anything above. Only cells at most `cutoff` off the diagonal are computed;
 * what is outside is taken to grow by one with each step away, which is never too little. */
static uint64_t banded(const sl_symbols *s, uint64_t cutoff, uint64_t *places, uint8_t *edges) {
    stripe run = {places, s->text, 0, 0, edges, {{0, 0}}};
    int64_t above = 0; /* the value above the stripe, in the column before `from` */
    for (uint32_t row = 0;;) {
        uint32_t rows = s->pattern_len - row < SL_STRIPE * SL_WORD ? s->pattern_len - row : SL_STRIPE * SL_WORD;
        uint32_t words = (rows + SL_WORD - 1) / SL_WORD, from = run.from, to = run.to;
        run.from = row > cutoff ? (uint32_t)(row - cutoff) : 0;
        run.to = s->text_len - row - rows > cutoff ? (uint32_t)(row + rows + cutoff) : s->text_len;
        for (; from < run.from; from++) above += edge_value(edges[from]);
        if (run.to > to) memset(edges + to, 1, run.to - to);
        for (uint32_t w = 0; w < words; w++) run.c[w] = first_column;
        sl_places_fill(places, words, s->pattern + row, rows);
        int64_t value = above + run_stripe(&run, words);
        sl_places_clear(places, words, s->pattern + row, rows);
        row += rows;
        if (row == s->pattern_len) {
            for (uint32_t w = 0; w < words; w++) value += height(run.c[w], rows - SL_WORD * w);
            return (uint64_t)value;
        }
        above += rows;
        /* The least that can still come of it: each cell of the last row, and the way from there to the end. */
        int64_t least = INT64_MAX, here = above;
        for (uint32_t j = run.from;; j++) {
            int64_t rest = (int64_t)(s->text_len - j) - (int64_t)(s->pattern_len - row);
            int64_t total = here + (rest < 0 ? -rest : rest);
            if (total < least) least = total;
            if (j == run.to) break;
            here += edge_value(edges[j]);
        }
        if (least > 0 && (uint64_t)least > cutoff) return (uint64_t)least;
    }
}

/* Without a small cutoff long texts are first tried with one: alike ones are done soon, and of others it is soon known
 * that they are not. */
enum { GUESS_FROM = 512 };

static sl_status long_distance(const sl_symbols *s, uint64_t cutoff, sl_room *room, uint64_t *out) {
    uint32_t words = (s->pattern_len + SL_WORD - 1) / SL_WORD;
    if (words > SL_STRIPE) words = SL_STRIPE;
    uint64_t *places = sl_room_take(room, (size_t)s->kinds * words, sizeof(uint64_t));
    uint8_t *edges = sl_room_take(room, s->text_len, 1);
    if (!places || !edges) return SL_ENOMEM;
    memset(places, 0, (size_t)s->kinds * words * sizeof(uint64_t));
    if (s->pattern_len > GUESS_FROM) {
        for (uint64_t guess = s->text_len / 16; guess < cutoff && guess < s->text_len; guess *= 4) {
            if (guess < s->text_len - s->pattern_len) continue;
            *out = banded(s, guess, places, edges);
            if (*out <= guess) return SL_OK;
        }
    }
    *out = banded(s, cutoff < s->text_len ? cutoff : s->text_len, places, edges);
    return SL_OK;
}

/* ---- cutoffs below 64 ------------------------------------------------------------------------------------------- */

/* Where a symbol stands among the last 64 rows, with bit 63 for row `at`: older rows are shifted out when it is used. */
typedef struct recent {
    uint64_t bits;
    uint64_t at;
} recent;

/* A column keeps the 64 rows that end `below` the diagonal, and moves one row down with each column. A way of at most
 * `cutoff` steps never leaves them. Returns the distance if it is at most `cutoff`, else anything above. */
static sl_status diagonal_distance(const sl_symbols *s, uint64_t cutoff, sl_room *room, uint64_t *out) {
    recent *places = sl_room_take(room, s->kinds, sizeof(recent));
    if (!places) return SL_ENOMEM;
    memset(places, 0, s->kinds * sizeof(recent));
    uint32_t longer = s->text_len - s->pattern_len, below = (uint32_t)(cutoff - longer) / 2, row = 0;
    uint64_t rise = ~UINT64_C(0) << (63 - below), fall = 0, value = below, last = UINT64_C(1) << 63;
    /* The value in the last row kept; from the pattern's end on it moves to the right, where it can fall again. */
    uint64_t hopeless = cutoff + longer + below;
    for (uint32_t j = 0; j < s->text_len; j++) {
        for (; row < s->pattern_len && row <= j + below; row++) {
            recent *place = &places[s->pattern[row]];
            uint64_t age = row - place->at;
            *place = (recent){(age < 64 ? place->bits >> age : 0) | UINT64_C(1) << 63, row};
        }
        const recent *place = &places[s->text[j]];
        uint64_t age = j + below - place->at, equal = age < 64 ? place->bits >> age : 0;
        uint64_t diagonal = (((equal & rise) + rise) ^ rise) | equal | fall;
        uint64_t right_rise = fall | ~(diagonal | rise);
        uint64_t right_fall = diagonal & rise;
        if (j + below < s->pattern_len) {
            value += !(diagonal >> 63);
            if (value > hopeless) break;
        } else {
            last >>= 1;
            value += (right_rise & last) != 0;
            value -= (right_fall & last) != 0;
        }
        rise = right_fall | ~(diagonal >> 1 | right_rise);
        fall = right_rise & diagonal >> 1;
    }
    *out = value;
    return SL_OK;
}

/* ---- any texts ---------------------------------------------------------------------------------------------------- */

static sl_status distance_of_symbols(sl_str a, sl_str b, uint64_t cutoff, sl_room *room, uint64_t *out) {
    sl_symbols s;
    SL_TRY(sl_pair_symbols(a, b, room, &s));
    /* Without a code point: empty, or bytes that are not UTF-8. */
    if (!s.pattern_len || s.text_len - s.pattern_len > cutoff) {
        *out = s.text_len - s.pattern_len;
        return SL_OK;
    }
#if defined(SL_WIDE)
    if (sl_has_avx512() && s.pattern_len <= SL_WORD) {
        *out = short_keys_512(&s);
        return SL_OK;
    }
#endif
    SL_TRY(sl_pair_number(room, &s));
    return cutoff < SL_WORD && s.pattern_len > SL_WORD ? diagonal_distance(&s, cutoff, room, out)
                                                       : long_distance(&s, cutoff, room, out);
}

static sl_status distance_in_room(sl_str a, sl_str b, uint64_t cutoff, uint64_t *out) {
    sl_room room;
    sl_room_open(&room);
    sl_status status = distance_of_symbols(a, b, cutoff, &room, out);
    sl_room_close(&room);
    return status;
}

static sl_status any_distance(sl_str a, sl_str b, uint64_t cutoff, uint64_t *out) {
    if (b.len > SL_WORD) {
        sl_pair_trim(&a, &b);
        if (!a.len) {
            *out = sl_utf8_count(b.ptr, b.len);
            return SL_OK;
        }
        if (a.len <= 256 && cutoff >= SL_WORD && sl_is_ascii(a) && sl_is_ascii(b)) {
            if (a.len <= SL_WORD) {
                *out = short_ascii(a, b);
                return SL_OK;
            }
#if defined(SL_WIDE)
            if (sl_has_avx512()) {
                *out = wide_ascii_512(a, b);
                return SL_OK;
            }
#endif
        }
    }
    return distance_in_room(a, b, cutoff, out);
}

#if defined(SL_WIDE)
static inline sl_str part_of(sl_str text, uint32_t from, uint32_t len) { return (sl_str){text.ptr + from, len}; }

/* Two texts of at most 64 bytes, `a` not the longer one. Most that are compared are alike, and then little is left between
 * what they begin and end with; and of names with accents what is left is often ASCII. */
SL_AVX512 static sl_status pair_512(sl_str a, sl_str b, uint64_t cutoff, uint64_t *out) {
    __m512i x = sl_v64_load_part(a.ptr, a.len), y = sl_v64_load_part(b.ptr, b.len);
    __m512i z = sl_v64_load_part(b.ptr + (b.len - a.len), a.len);
    uint64_t inside = _bzhi_u64(~UINT64_C(0), a.len);
    uint64_t x_wide = _mm512_movepi8_mask(x), y_wide = _mm512_movepi8_mask(y);
    uint64_t differ = _mm512_cmpneq_epi8_mask(x, y) | ~inside;
    uint32_t prefix = (uint32_t)_tzcnt_u64(differ);
    uint64_t x_inner = 0;
    if (SL_UNLIKELY(x_wide | y_wide)) {
        const __m512i first = _mm512_set1_epi8((char)0xC0); /* as signed numbers continuations are below, ASCII is not */
        x_inner = _mm512_cmplt_epi8_mask(x, first);
        uint64_t inner = x_inner | _mm512_cmplt_epi8_mask(y, first);
        while (prefix && prefix < 64 && inner >> prefix & 1) prefix--;
    }
    differ = _mm512_cmpneq_epi8_mask(x, z) | _bzhi_u64(~UINT64_C(0), prefix);
    uint32_t suffix = a.len + (uint32_t)_lzcnt_u64(differ) - 64;
    while (suffix && x_inner >> (a.len - suffix) & 1) suffix--;
    a = part_of(a, prefix, a.len - prefix - suffix);
    b = part_of(b, prefix, b.len - prefix - suffix);
    if (!a.len) {
        *out = sl_utf8_count(b.ptr, b.len);
        return SL_OK;
    }
    x_wide = _bzhi_u64(x_wide >> prefix, a.len);
    y_wide = _bzhi_u64(y_wide >> prefix, b.len);
    if (x_wide | y_wide) return distance_in_room(a, b, cutoff, out);
    *out = short_ascii_512(a, b);
    return SL_OK;
}
#endif

sl_status sl_edit_distance(sl_str a, sl_str b, const sl_options *options, sl_cell *out) {
    uint64_t cutoff = options->word[0], distance;
    if (a.len > b.len) {
        sl_str longer = a;
        a = b;
        b = longer;
    }
    if (!a.len)
        distance = sl_utf8_count(b.ptr, b.len);
#if defined(SL_WIDE)
    else if (b.len <= SL_WORD && sl_has_avx512())
        SL_TRY(pair_512(a, b, cutoff, &distance));
#endif
    else if (b.len <= SL_WORD && sl_is_ascii(a) && sl_is_ascii(b))
        distance = short_ascii(a, b);
    else
        SL_TRY(any_distance(a, b, cutoff, &distance));
    out->integer = (int64_t)(distance <= cutoff ? distance : cutoff + 1);
    return SL_OK;
}
