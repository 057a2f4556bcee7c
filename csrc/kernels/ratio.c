/* ratio.c - similarity of two texts from 0 to 100, equal to RapidFuzz's functions to the last bit.
 * Contract: O(len(a) * len(b) / 64) steps, for partial_ratio up to len(shorter) times that. No allocation unless a text is
 * long. What is counted is the longest common subsequence: in its table for the beginnings of both texts the value grows
 * by one or not at all from row to row, so a column is one bit a row, set where it does not grow.
 * Source: Hyyrö 2004, "Bit-parallel LCS-length computation revisited"; RapidFuzz 3.14, whose formulas and order of rounding
 * these are. */
#include "../streamliner.h"
#include "ratio_words.h"
#include "symbols.h"

/* word[0]: the bits of the cutoff. */
sl_status sl_prepare_similarity_cutoff(const sl_value *values, sl_options *options, sl_error *error) {
    double cutoff = values[0].real;
    if (cutoff != cutoff) return sl_error_set(error, "expected cutoff >= 0, got nan");
    if (cutoff < 0) return sl_error_set(error, "expected cutoff >= 0, got %g", cutoff);
    memcpy(&options->word[0], &cutoff, sizeof(cutoff));
    return SL_OK;
}

static double cutoff_of(const sl_options *options) {
    double cutoff;
    memcpy(&cutoff, &options->word[0], sizeof(cutoff));
    return cutoff;
}

/* ---- one column ---------------------------------------------------------------------------------------------------- */

static const uint64_t first_column = ~UINT64_C(0);

static inline uint64_t step(uint64_t same, uint64_t equal) {
    uint64_t found = same & equal;
    return (same + found) | (same - found);
}

/* For one of several words: the carry of the addition comes from the word before, and goes to the next. */
static inline uint32_t step_word(uint64_t *same, uint64_t equal, uint32_t carry) {
    uint64_t found = *same & equal, sum = *same + found;
    uint32_t out = sum < found;
    sum += carry;
    out |= sum < carry;
    *same = sum | (*same - found);
    return out;
}

/* Growths in the first `rows` rows. */
static inline uint32_t grown(uint64_t same, uint32_t rows) { return sl_count_bits(~same & sl_low_bits(rows)); }

/* ---- the longest common subsequence of two texts --------------------------------------------------------------------- */

typedef struct common {
    uint64_t a_points;
    uint64_t b_points;
    uint64_t length;
} common;

static uint32_t short_ascii_plain(sl_str a, sl_str b) {
    uint64_t places[128];
    /* Of the table only what will be read is cleared. */
    if (b.len > 64) memset(places, 0, sizeof(places));
    for (uint32_t j = 0; j < b.len && b.len <= 64; j++) places[b.ptr[j] & 127] = 0;
    for (uint32_t i = 0; i < a.len; i++) places[a.ptr[i] & 127] = 0;
    for (uint32_t i = 0; i < a.len; i++) places[a.ptr[i] & 127] |= UINT64_C(1) << i;
    uint64_t same = first_column;
    for (uint32_t j = 0; j < b.len; j++) same = step(same, places[b.ptr[j] & 127]);
    return grown(same, a.len);
}

#if defined(SL_WIDE)

SL_AVX512 static uint32_t short_ascii_512(sl_str a, sl_str b) {
    __m512i bytes = sl_v64_load_part(a.ptr, a.len);
    uint64_t same = first_column;
    for (uint32_t j = 0; j < b.len; j++) same = step(same, sl_v64_find(bytes, b.ptr[j]));
    return grown(same, a.len);
}

SL_AVX512_INLINE uint32_t short_keys_of(const sl_symbols *s, uint32_t parts) {
    sl_v64_keys keys = sl_v64_keys_load(s->pattern, parts);
    uint64_t same = first_column;
    for (uint32_t j = 0; j < s->text_len; j++) same = step(same, sl_v64_find_key(&keys, parts, s->text[j]));
    return grown(same, s->pattern_len);
}

SL_AVX512 static uint32_t short_keys_512(const sl_symbols *s) {
    if (s->pattern_len <= 16) return short_keys_of(s, 1);
    return s->pattern_len <= 32 ? short_keys_of(s, 2) : short_keys_of(s, 4);
}

SL_AVX512_INLINE uint32_t wide_ascii_of(sl_str a, sl_str b, uint32_t words) {
    __m512i bytes[SL_STRIPE];
    uint64_t same[SL_STRIPE];
    for (uint32_t w = 0; w < words; w++) {
        bytes[w] = sl_v64_load_part(a.ptr + SL_WORD * w, a.len - SL_WORD * w);
        same[w] = first_column;
    }
    for (uint32_t j = 0; j < b.len; j++) {
        uint32_t carry = 0;
        for (uint32_t w = 0; w < words; w++) carry = step_word(&same[w], sl_v64_find(bytes[w], b.ptr[j]), carry);
    }
    uint32_t length = 0;
    for (uint32_t w = 0; w < words; w++) length += grown(same[w], a.len - SL_WORD * w);
    return length;
}

SL_AVX512 static uint32_t wide_ascii_512(sl_str a, sl_str b) {
    if (a.len <= 128) return wide_ascii_of(a, b, 2);
    return a.len <= 192 ? wide_ascii_of(a, b, 3) : wide_ascii_of(a, b, 4);
}
#endif

static uint32_t short_ascii(sl_str a, sl_str b) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) return short_ascii_512(a, b);
#endif
    return short_ascii_plain(a, b);
}

/* Four words of the pattern over the whole text. `carries` come in from the stripe above and go out to the one below. */
static inline uint64_t run_words(const uint64_t *places, const sl_symbols *s, uint32_t row, uint8_t *carries, uint32_t words) {
    uint64_t same[SL_STRIPE], length = 0;
    for (uint32_t w = 0; w < words; w++) same[w] = first_column;
    for (uint32_t j = 0; j < s->text_len; j++) {
        const uint64_t *equal = places + (size_t)s->text[j] * words;
        uint32_t carry = carries[j];
        for (uint32_t w = 0; w < words; w++) carry = step_word(&same[w], equal[w], carry);
        carries[j] = (uint8_t)carry;
    }
    for (uint32_t w = 0; w < words && row + SL_WORD * w < s->pattern_len; w++)
        length += grown(same[w], s->pattern_len - row - SL_WORD * w);
    return length;
}

static sl_status common_of_symbols(const sl_symbols *s, sl_room *room, uint64_t *length) {
    uint32_t words = (s->pattern_len + SL_WORD - 1) / SL_WORD;
    if (words > SL_STRIPE) words = SL_STRIPE;
    uint64_t *places = sl_room_take(room, (size_t)s->kinds * words, sizeof(uint64_t));
    uint8_t *carries = sl_room_take(room, s->text_len, 1);
    if (!places || !carries) return SL_ENOMEM;
    memset(places, 0, (size_t)s->kinds * words * sizeof(uint64_t));
    memset(carries, 0, s->text_len);
    *length = 0;
    for (uint32_t row = 0; row < s->pattern_len;) {
        uint32_t rows = s->pattern_len - row < words * SL_WORD ? s->pattern_len - row : words * SL_WORD;
        sl_places_fill(places, words, s->pattern + row, rows);
        switch (words) {
            case 1: *length += run_words(places, s, row, carries, 1); break;
            case 2: *length += run_words(places, s, row, carries, 2); break;
            case 3: *length += run_words(places, s, row, carries, 3); break;
            default: *length += run_words(places, s, row, carries, SL_STRIPE);
        }
        sl_places_clear(places, words, s->pattern + row, rows);
        if (s->pattern_len - row <= rows) break;
        row += rows;
    }
    return SL_OK;
}

static sl_status common_of_any(sl_str a, sl_str b, sl_room *room, common *out) {
    sl_symbols s;
    SL_TRY(sl_pair_symbols(a, b, room, &s));
    out->a_points = s.swapped ? s.text_len : s.pattern_len;
    out->b_points = s.swapped ? s.pattern_len : s.text_len;
#if defined(SL_WIDE)
    if (sl_has_avx512() && s.pattern_len <= SL_WORD) {
        out->length = short_keys_512(&s);
        return SL_OK;
    }
#endif
    SL_TRY(sl_pair_number(room, &s));
    return common_of_symbols(&s, room, &out->length);
}

static sl_status find_common(sl_str a, sl_str b, common *out) {
    uint32_t trimmed = 0, least = a.len < b.len ? a.len : b.len;
    if (least > SL_WORD) {
        trimmed = sl_pair_trim(&a, &b);
        least = a.len < b.len ? a.len : b.len;
    }
    sl_status status = SL_OK;
    if (!least) {
        *out = (common){sl_utf8_count(a.ptr, a.len), sl_utf8_count(b.ptr, b.len), 0};
    } else if (least <= 256 && sl_is_ascii(a) && sl_is_ascii(b) && (least <= SL_WORD || sl_cpu_level() >= SL_CPU_AVX512)) {
        int swap = a.len > b.len;
        *out = (common){a.len, b.len, 0};
#if defined(SL_WIDE)
        if (least > SL_WORD)
            out->length = swap ? wide_ascii_512(b, a) : wide_ascii_512(a, b);
        else
#endif
            out->length = swap ? short_ascii(b, a) : short_ascii(a, b);
    } else {
        sl_room room;
        sl_room_open(&room);
        status = common_of_any(a, b, &room, out);
        sl_room_close(&room);
    }
    out->a_points += trimmed;
    out->b_points += trimmed;
    out->length += trimmed;
    return status;
}

/* ---- rounding: in the order in which RapidFuzz does it ------------------------------------------------------------------ */

/* From 0 to 1, of texts with `points` code points together. */
static double similarity(uint64_t length, uint64_t points) {
    return points ? 1.0 - (double)(points - 2 * length) / (double)points : 1.0;
}

/* Makes that a similarity from 0 to 100. */
static double kept(double similar, double cutoff) { return similar >= cutoff / 100 ? similar * 100 : 0.0; }

/* The same as the ratio of sets does it. */
static double percent(uint64_t distance, uint64_t points) { return 100.0 - 100.0 * (double)distance / (double)points; }

/* ---- ratio --------------------------------------------------------------------------------------------------------- */

static sl_status ratio_of(sl_str a, sl_str b, double cutoff, sl_cell *out) {
    common found;
    SL_TRY(find_common(a, b, &found));
    out->real = kept(similarity(found.length, found.a_points + found.b_points), cutoff);
    return SL_OK;
}

sl_status sl_ratio(sl_str a, sl_str b, const sl_options *options, sl_cell *out) {
    return ratio_of(a, b, cutoff_of(options), out);
}

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

static sl_status token_sort(sl_str a, sl_str b, double cutoff, sl_room *room, sl_cell *out) {
    word *a_words, *b_words;
    uint32_t a_count, b_count;
    SL_TRY(sorted_words(a, room, &a_words, &a_count));
    SL_TRY(sorted_words(b, room, &b_words, &b_count));
    char *a_text = sl_room_take(room, (size_t)a.len + 1, 1), *b_text = sl_room_take(room, (size_t)b.len + 1, 1);
    if (!a_text || !b_text) return SL_ENOMEM;
    return ratio_of(join(a_words, a_count, a_text), join(b_words, b_count, b_text), cutoff, out);
}

sl_status sl_token_sort_ratio(sl_str a, sl_str b, const sl_options *options, sl_cell *out) {
    sl_room room;
    sl_room_open(&room);
    sl_status status = token_sort(a, b, cutoff_of(options), &room, out);
    sl_room_close(&room);
    return status;
}

static uint32_t without_copies(word *words, uint32_t count) {
    uint32_t kept_count = count ? 1 : 0;
    for (uint32_t i = 1; i < count; i++)
        if (compare(&words[kept_count - 1], &words[i])) words[kept_count++] = words[i];
    return kept_count;
}

static sl_status token_set(sl_str a, sl_str b, double cutoff, sl_room *room, sl_cell *out) {
    word *a_words, *b_words;
    uint32_t a_count, b_count;
    out->real = 0.0;
    if (cutoff > 100) return SL_OK;
    SL_TRY(sorted_words(a, room, &a_words, &a_count));
    SL_TRY(sorted_words(b, room, &b_words, &b_count));
    if (!a_count || !b_count) return SL_OK;
    a_count = without_copies(a_words, a_count);
    b_count = without_copies(b_words, b_count);
    /* Shared words are counted and taken out of both lists. */
    uint32_t a_only = 0, b_only = 0, shared_count = 0, i = 0, j = 0;
    uint64_t shared = 0;
    while (i < a_count && j < b_count) {
        int order = compare(&a_words[i], &b_words[j]);
        if (order < 0) {
            a_words[a_only++] = a_words[i++];
        } else if (order > 0) {
            b_words[b_only++] = b_words[j++];
        } else {
            shared += sl_utf8_count(a_words[i].ptr, a_words[i].len) + (shared_count++ > 0);
            i++;
            j++;
        }
    }
    while (i < a_count) a_words[a_only++] = a_words[i++];
    while (j < b_count) b_words[b_only++] = b_words[j++];
    if (shared_count && (!a_only || !b_only)) {
        out->real = 100.0;
        return SL_OK;
    }
    char *a_text = sl_room_take(room, (size_t)a.len + 1, 1), *b_text = sl_room_take(room, (size_t)b.len + 1, 1);
    if (!a_text || !b_text) return SL_ENOMEM;
    common found;
    SL_TRY(find_common(join(a_words, a_only, a_text), join(b_words, b_only, b_text), &found));
    uint64_t space = shared_count > 0, with_a = shared + space + found.a_points, with_b = shared + space + found.b_points;
    double best = percent(found.a_points + found.b_points - 2 * found.length, with_a + with_b);
    if (shared_count) {
        double sole_a = percent(space + found.a_points, shared + with_a);
        double sole_b = percent(space + found.b_points, shared + with_b);
        if (sole_a > best) best = sole_a;
        if (sole_b > best) best = sole_b;
    }
    if (best >= cutoff) out->real = best;
    return SL_OK;
}

sl_status sl_token_set_ratio(sl_str a, sl_str b, const sl_options *options, sl_cell *out) {
    sl_room room;
    sl_room_open(&room);
    sl_status status = token_set(a, b, cutoff_of(options), &room, out);
    sl_room_close(&room);
    return status;
}

/* ---- parts of a text ------------------------------------------------------------------------------------------------- */

/* A part of the longer text, by what it has in common with the shorter one and by the code points of both. */
typedef struct part {
    uint64_t length;
    uint64_t points;
} part;

static inline void better(part *best, uint64_t length, uint64_t points) {
    if (length * best->points > best->length * points) *best = (part){length, points};
}

/* One column of all words; returns by how much the last row has grown. */
static inline uint32_t step_all(uint64_t *same, const uint64_t *equal, uint32_t words) {
    uint32_t carry = 0;
    for (uint32_t w = 0; w < words; w++) carry = step_word(&same[w], equal[w], carry);
    return carry;
}

static void reverse(uint32_t *symbols, uint32_t len) {
    for (uint32_t i = 0, j = len; i + 1 < j; i++) {
        uint32_t moving = symbols[i];
        symbols[i] = symbols[--j];
        symbols[j] = moving;
    }
}

/* The beginnings of the text (backwards: its ends) up to the length of the pattern: one run gives them all. Where both
 * texts are of one length its last column has the beginnings of the pattern against the whole text too. */
static void edges(const sl_symbols *s, const uint64_t *places, uint64_t *same, uint32_t words, int backwards, part *best) {
    uint32_t rows = s->pattern_len, equal_lengths = rows == s->text_len;
    /* A whole beginning is no edge of a longer text, but one of its parts. */
    uint32_t columns = backwards || equal_lengths ? rows : rows - 1;
    uint64_t length = 0;
    for (uint32_t w = 0; w < words; w++) same[w] = first_column;
    for (uint32_t j = 0; j < columns; j++) {
        uint32_t symbol = s->text[backwards ? s->text_len - 1 - j : j];
        length += step_all(same, places + (size_t)symbol * words, words);
        better(best, length, (uint64_t)rows + j + 1);
    }
    if (!equal_lengths) return;
    length = 0;
    for (uint32_t i = 0; i < rows; i++) {
        length += ~same[i / SL_WORD] >> i % SL_WORD & 1;
        better(best, length, (uint64_t)rows + i + 1);
    }
}

/* How many symbols of a part are in the pattern too, copies counted: no subsequence in common is longer. */
typedef struct letters {
    int32_t *left; /* of each kind: those of the pattern less those of the part */
    uint32_t shared;
} letters;

static inline void letters_add(letters *l, uint32_t symbol) { l->shared += l->left[symbol]-- > 0; }
static inline void letters_remove(letters *l, uint32_t symbol) { l->shared -= ++l->left[symbol] > 0; }

/* What has been seen of the parts that are as long as the pattern. */
typedef struct search {
    const sl_symbols *s;
    letters letters;
    uint32_t at;     /* the part that `letters` is about */
    uint32_t stop;   /* one behind the last part */
    uint64_t wanted; /* shorter subsequences are of no use */
    uint64_t found;  /* the longest, if any was of use */
} search;

/* On to part number `to`, and then to the next that has enough letters. 0 if there is none. */
static int move(search *s, uint64_t to) {
    const uint32_t *text = s->s->text;
    uint32_t size = s->s->pattern_len;
    while (s->at < to || s->letters.shared < s->wanted) {
        if (s->at + 1 >= s->stop) return 0;
        letters_remove(&s->letters, text[s->at]);
        letters_add(&s->letters, text[s->at + size]);
        s->at++;
    }
    return 1;
}

static inline void take(search *s, uint64_t length) {
    if (length < s->wanted) return;
    s->found = length;
    s->wanted = length + 1;
}

/* The next part after number `at` that can be of use: from one to the next the length changes by at most one. */
static inline uint64_t next_after(const search *s, uint64_t at, uint64_t length) {
    return at + (s->wanted > length ? s->wanted - length : 1);
}

static void search_wide(search *s, const uint64_t *places, uint64_t *same, uint32_t words) {
    uint32_t size = s->s->pattern_len;
    for (uint64_t next = 0; s->wanted <= size && move(s, next);) {
        uint64_t length = 0;
        uint32_t left = size;
        for (uint32_t w = 0; w < words; w++) same[w] = first_column;
        for (const uint32_t *symbol = s->s->text + s->at; left && length + left >= s->wanted; left--)
            length += step_all(same, places + (size_t)*symbol++ * words, words);
        if (!left) take(s, length);
        next = next_after(s, s->at, length + left);
    }
}

/* Eight parts that begin one after the other, a lane each. `equal` has the places of the symbols of all of them. */
enum { LANES = 8 };
#if defined(__GNUC__)
typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));
#define LANES_BODY                                                        \
    lanes same = ~(lanes){0};                                             \
    for (uint32_t j = 0; j < size; j++) {                                 \
        lanes found;                                                      \
        memcpy(&found, equal + j, sizeof(found));                         \
        found &= same;                                                    \
        same = (same + found) | (same - found);                           \
    }                                                                     \
    memcpy(out, &same, sizeof(same));
#else
#define LANES_BODY                                                        \
    for (uint32_t i = 0; i < LANES; i++) {                                \
        out[i] = first_column;                                            \
        for (uint32_t j = 0; j < size; j++) out[i] = step(out[i], equal[i + j]); \
    }
#endif

static void run_lanes_plain(const uint64_t *equal, uint32_t size, uint64_t *out) { LANES_BODY }

#if defined(SL_WIDE)
SL_AVX2 static void run_lanes_avx2(const uint64_t *equal, uint32_t size, uint64_t *out) { LANES_BODY }
SL_AVX512 static void run_lanes_512(const uint64_t *equal, uint32_t size, uint64_t *out) { LANES_BODY }
#endif

static void run_lanes(const uint64_t *equal, uint32_t size, uint64_t *out) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) {
        run_lanes_512(equal, size, out);
        return;
    }
    if (sl_has_avx2()) {
        run_lanes_avx2(equal, size, out);
        return;
    }
#endif
    run_lanes_plain(equal, size, out);
}

enum { BLOCK = 512 };

/* `equal` has room for the places of BLOCK symbols and those of one group of parts more. */
static void search_lanes(search *s, const uint64_t *places, uint64_t *equal) {
    uint32_t size = s->s->pattern_len, start = 0, stop = 0; /* the block: parts from start to before stop */
    for (uint64_t next = 0; s->wanted <= size && move(s, next);) {
        if (s->at >= stop) {
            start = s->at;
            stop = s->stop - start < BLOCK ? s->stop : start + BLOCK;
            uint32_t count = stop - start + size - 1;
            for (uint32_t i = 0; i < count; i++) equal[i] = places[s->s->text[start + i]];
            memset(equal + count, 0, LANES * sizeof(uint64_t));
        }
        uint64_t same[LANES], length = 0;
        uint32_t parts = stop - s->at < LANES ? stop - s->at : LANES;
        run_lanes(equal + (s->at - start), size, same);
        for (uint32_t i = 0; i < parts; i++) take(s, length = grown(same[i], size));
        next = next_after(s, (uint64_t)s->at + parts - 1, length);
    }
}

static sl_status partial_of(const sl_symbols *s, double cutoff, sl_room *room, sl_cell *out) {
    uint32_t size = s->pattern_len, words = (size + SL_WORD - 1) / SL_WORD;
    uint64_t *places = sl_room_take(room, (size_t)s->kinds * words, sizeof(uint64_t));
    uint64_t *same = sl_room_take(room, words, sizeof(uint64_t));
    if (!places || !same) return SL_ENOMEM;
    memset(places, 0, (size_t)s->kinds * words * sizeof(uint64_t));
    part best = {0, 1};
    reverse(s->pattern, size);
    sl_places_fill(places, words, s->pattern, size);
    edges(s, places, same, words, 1, &best);
    sl_places_clear(places, words, s->pattern, size);
    reverse(s->pattern, size);
    sl_places_fill(places, words, s->pattern, size);
    edges(s, places, same, words, 0, &best);
    out->real = kept(similarity(best.length, best.points), cutoff);
    if (size == s->text_len) return SL_OK;

    search look = {s, {sl_room_take(room, s->kinds, sizeof(int32_t)), 0}, 0, s->text_len - size, 0, 0};
    if (!look.letters.left) return SL_ENOMEM;
    /* As good as the best edge will do: it is rounded otherwise, and the cutoff may leave the one and not the other. */
    look.wanted = (2 * (uint64_t)size * best.length + best.points - 1) / best.points;
    uint64_t least = (uint64_t)(cutoff * size / 100);
    if (look.wanted < least) look.wanted = least;
    if (!look.wanted) look.wanted = 1;
    memset(look.letters.left, 0, s->kinds * sizeof(int32_t));
    for (uint32_t i = 0; i < size; i++) look.letters.left[s->pattern[i]]++;
    for (uint32_t i = 0; i < size; i++) letters_add(&look.letters, s->text[i]);
    if (words > 1) {
        search_wide(&look, places, same, words);
    } else {
        uint64_t most = look.stop < BLOCK ? look.stop : BLOCK;
        uint64_t *equal = sl_room_take(room, most + size + LANES, sizeof(uint64_t));
        if (!equal) return SL_ENOMEM;
        search_lanes(&look, places, equal);
    }
    double whole = similarity(look.found, 2 * (uint64_t)size) * 100;
    if (look.found && whole >= cutoff && whole > out->real) out->real = whole;
    return SL_OK;
}

static sl_status partial_of_any(sl_str a, sl_str b, double cutoff, sl_room *room, sl_cell *out) {
    sl_symbols s;
    SL_TRY(sl_pair_symbols(a, b, room, &s));
    SL_TRY(sl_pair_number(room, &s));
    if (s.pattern_len) return partial_of(&s, cutoff, room, out);
    out->real = s.text_len ? 0.0 : 100.0;
    return SL_OK;
}

sl_status sl_partial_ratio(sl_str a, sl_str b, const sl_options *options, sl_cell *out) {
    double cutoff = cutoff_of(options);
    out->real = 0.0;
    if (cutoff > 100) return SL_OK;
    sl_room room;
    sl_room_open(&room);
    sl_status status = partial_of_any(a, b, cutoff, &room, out);
    sl_room_close(&room);
    return status;
}
