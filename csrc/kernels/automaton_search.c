/* automaton_search.c - the next match in a text: candidates, the longest pattern at one, and the way out of bad cases.
 * Contract: never reads outside of the text; without ill will no memory is taken. */
#include <stdlib.h>

#include "automaton.h"
#include "folding_tables.h"
#include "simd.h"
#include "utf8.h"
#include "word_tables.h"

/* ---- words -------------------------------------------------------------------------------------------------------- */

static inline int is_word(uint32_t point) { return sl_is_word(point) || point == '_'; }

static int begins_word(const automaton_search *s, const char *at) {
    return at == s->begin || !is_word(sl_utf8_previous(s->begin, &at));
}

static int ends_word(const automaton_search *s, const char *at) {
    return at == s->end || !is_word(sl_utf8_next(&at, s->end));
}

/* 1 if the byte is not the first of a character. */
static inline int is_inside(const char *at) { return ((unsigned char)*at & 0xC0) == 0x80; }

/* ---- text without its case ---------------------------------------------------------------------------------------- */

/* The bytes of the next character without its case, and *p behind it. */
static inline size_t fold_next(const char **p, const char *end, char *to) {
    unsigned char c = (unsigned char)**p;
    if (SL_LIKELY(c < 0x80)) {
        *p += 1;
        *to = (char)(c + ((unsigned char)(c - 'A') < 26 ? 32 : 0));
        return 1;
    }
    return sl_utf8_put(to, sl_fold_point(sl_utf8_next(p, end)));
}

/* The same for eight bytes of ASCII: adding carries into the top bit of bytes from 'A' on, and of those behind 'Z'. */
static inline uint64_t fold_eight(uint64_t word) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return word | (((word + ones * (0x80 - 'A')) ^ (word + ones * (0x7F - 'Z'))) & ones * 0x80) >> 2;
}

enum { WINDOW = 256 };

/* The text at a candidate in the form of the patterns: itself, or folded as far as was asked for. */
typedef struct subject {
    const char *ptr;
    size_t len;
    const char *next; /* where in the text folding goes on */
    char *room;       /* if `local` is too small */
    size_t cap;
    char local[WINDOW];
} subject;

/* Folds on until `wanted` bytes are there, or the text ends. */
static sl_status fold_to(subject *f, const char *end, size_t wanted) {
    if (wanted + 4 > f->cap) {
        char *room = malloc(wanted + 4);
        if (!room) return SL_ENOMEM;
        memcpy(room, f->ptr, f->len);
        free(f->room);
        f->ptr = f->room = room;
        f->cap = wanted + 4;
    }
    char *to = f->room ? f->room : f->local;
    while (f->len < wanted && f->next < end) {
        if (f->len + 8 <= f->cap && end - f->next >= 8) {
            uint64_t word = automaton_load(f->next);
            if (!(word & UINT64_C(0x8080808080808080))) {
                word = fold_eight(word);
                memcpy(to + f->len, &word, 8);
                f->next += 8;
                f->len += 8;
                continue;
            }
        }
        f->len += fold_next(&f->next, end, to + f->len);
    }
    return SL_OK;
}

/* ---- the longest pattern at a place ------------------------------------------------------------------------------- */

/* How many bytes are equal, at most `len`. */
static inline size_t common(const char *a, const char *b, size_t len) {
    size_t i = 0;
    for (; i + 8 <= len; i += 8)
        if (automaton_load(a + i) != automaton_load(b + i)) break;
    while (i < len && a[i] == b[i]) i++;
    return i;
}

/* The last pattern of a range that does not sort behind the text, and how many bytes they share. */
static uint32_t last_before(automaton_search *s, const automaton_range *range, const char *ptr, size_t len,
                            size_t *shared) {
    const automaton_pattern *patterns = s->automaton->patterns;
    uint32_t low = range->first, high = low + range->count;
    size_t low_shared = s->automaton->key_bytes, high_shared = low_shared;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const automaton_pattern *p = &patterns[middle];
        /* What both neighbours share with the text, all in between do. */
        size_t at = low_shared < high_shared ? low_shared : high_shared, least = p->len < len ? p->len : len;
        at += common(p->ptr + at, ptr + at, least - at);
        s->compared += at;
        if (at == p->len || (at < len && (unsigned char)p->ptr[at] < (unsigned char)ptr[at])) {
            low = middle + 1;
            low_shared = at;
        } else {
            high = middle;
            high_shared = at;
        }
    }
    *shared = low_shared;
    return low > range->first ? low - 1 : AUTOMATON_NONE;
}

static const automaton_range *find_range(const automaton *a, uint64_t key) {
    uint32_t mask = (uint32_t)(UINT64_MAX >> a->range_shift), slot = (uint32_t)automaton_hash(key, a->range_shift);
    for (; a->ranges[slot].count; slot = (slot + 1) & mask)
        if (a->ranges[slot].key == key) return &a->ranges[slot];
    return NULL;
}

/* 0 if the byte behind the key is that of no pattern, which saves a look at any. */
static inline int may_go_on(const automaton_range *range, const subject *f, uint32_t at) {
    return f->len > at ? range->next >> (f->ptr[at] & 63) & 1 : range->next == UINT64_MAX;
}

static uint32_t find_short(const automaton *a, const char *ptr, size_t len) {
    uint32_t mask = (uint32_t)(UINT64_MAX >> a->short_shift);
    for (size_t size = len < 3 ? len : 3; size; size--) {
        uint32_t key = (uint32_t)size << 24;
        for (size_t i = 0; i < size; i++) key |= (uint32_t)(unsigned char)ptr[i] << 8 * i;
        for (uint32_t slot = (uint32_t)automaton_hash(key, a->short_shift); a->shorts[slot].key; slot = (slot + 1) & mask)
            if (a->shorts[slot].key == key) return a->shorts[slot].pattern;
    }
    return AUTOMATON_NONE;
}

/* The longest pattern that the text at `at` begins with, in the form of the patterns. */
static uint32_t longest_at(automaton_search *s, subject *f, sl_status *status) {
    const automaton *a = s->automaton;
    if (a->ranges) {
        if (a->ignore_case) *status = fold_to(f, s->end, a->key_bytes + 1);
        if (*status == SL_OK && f->len >= a->key_bytes) {
            char bytes[8] = {0};
            if (f->len < 8) memcpy(bytes, f->ptr, f->len);
            const automaton_range *range = find_range(a, automaton_load(f->len < 8 ? bytes : f->ptr) & a->key_mask);
            if (range && may_go_on(range, f, a->key_bytes)) {
                if (a->ignore_case && (*status = fold_to(f, s->end, range->longest)) > SL_OK) return AUTOMATON_NONE;
                if (a->ignore_case) s->compared += f->len;
                size_t shared;
                uint32_t found = last_before(s, range, f->ptr, f->len, &shared);
                if (found != AUTOMATON_NONE) {
                    while (found != AUTOMATON_NONE && a->patterns[found].len > shared) {
                        uint32_t jump = a->patterns[found].jump;
                        found = jump != AUTOMATON_NONE && a->patterns[jump].len > shared ? jump : a->patterns[found].parent;
                    }
                    return found;
                }
            }
        }
    }
    if (!a->shorts) return AUTOMATON_NONE;
    if (a->ignore_case && *status == SL_OK) *status = fold_to(f, s->end, AUTOMATON_LONG - 1);
    return *status == SL_OK ? find_short(a, f->ptr, f->len) : AUTOMATON_NONE;
}

/* The match at `at` of the longest that counts of the pattern and those that it begins with. */
static int accept(const automaton_search *s, uint32_t pattern, const char *at, automaton_match *match) {
    const automaton_pattern *patterns = s->automaton->patterns;
    int ignore_case = s->automaton->ignore_case;
    char bytes[4];
    const char *stop = at;
    size_t folded = 0; /* bytes from `at` to `stop` in the form of the patterns */
    if (ignore_case)
        while (folded < patterns[pattern].len && stop < s->end) folded += fold_next(&stop, s->end, bytes);
    else
        stop = at + patterns[pattern].len;
    while (s->whole_words && !ends_word(s, stop)) {
        pattern = patterns[pattern].parent;
        if (pattern == AUTOMATON_NONE) return 0;
        if (!ignore_case) stop = at + patterns[pattern].len;
        while (ignore_case && folded > patterns[pattern].len && stop > at) {
            sl_utf8_previous(at, &stop);
            const char *next = stop;
            folded -= fold_next(&next, s->end, bytes);
        }
    }
    if (ignore_case && folded != patterns[pattern].len) return 0; /* ill-formed text */
    *match = (automaton_match){pattern, at, stop};
    return 1;
}

static int match_at(automaton_search *s, const char *at, automaton_match *match, sl_status *status) {
    const automaton *a = s->automaton;
    if (a->ignore_case && is_inside(at)) return 0;
    if (s->whole_words && !begins_word(s, at)) return 0;
    subject f;
    f.ptr = a->ignore_case ? f.local : at;
    f.len = a->ignore_case ? 0 : (size_t)(s->end - at);
    f.next = at;
    f.room = NULL;
    f.cap = WINDOW;
    uint32_t pattern = longest_at(s, &f, status);
    if (SL_UNLIKELY(f.room != NULL)) free(f.room);
    return pattern != AUTOMATON_NONE && accept(s, pattern, at, match);
}

/* ---- candidates --------------------------------------------------------------------------------------------------- */

enum { LONG = 1, SHORT = 2, FOLD = 4 };

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

/* Bit i: a pattern may begin at p + i, for PLACES of them; READ bytes are read. */
enum { PLACES = 32, READ = 48 };

ALWAYS_INLINE uint32_t candidates(const automaton *a, const char *p, int kind) {
    automaton_filter of_long = a->long_filter, of_short = a->short_filter;
    uint32_t mask = 0;
    for (uint32_t i = 0; i < PLACES; i++) {
        uint32_t bit = kind & LONG ? automaton_may_begin(&of_long, p + i, (kind & FOLD) != 0) : 0;
        if (kind & SHORT) bit |= automaton_may_begin(&of_short, p + i, (kind & FOLD) != 0);
        mask |= bit << i;
    }
    return mask;
}

#if defined(SL_WIDE)
typedef struct wide_filter {
    __m256i mask;
    __m128i shift;
    const int *bits;
    uint32_t second;
} wide_filter;

SL_AVX2 ALWAYS_INLINE wide_filter widen(const automaton_filter *f) {
    return (wide_filter){_mm256_set1_epi32((int)f->mask), _mm_cvtsi32_si128((int)f->shift), (const int *)f->bits, f->second};
}

/* The four bytes at each of eight places, as eight numbers. */
SL_AVX2 ALWAYS_INLINE __m256i words_at(const char *p, int kind) {
    const __m256i spread = _mm256_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8,
                                            9, 7, 8, 9, 10);
    __m256i v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
    v = _mm256_shuffle_epi8(v, spread);
    return kind & FOLD ? _mm256_or_si256(v, _mm256_set1_epi8(0x20)) : v;
}

/* Top bit of each of eight numbers: that of automaton_may_begin. */
SL_AVX2 ALWAYS_INLINE __m256i may_begin(const wide_filter *f, const char *p, __m256i first, int kind) {
    __m256i key = _mm256_and_si256(first, f->mask);
    if (f->second) {
        __m256i second = words_at(p + f->second, kind);
        key = _mm256_xor_si256(key, _mm256_or_si256(_mm256_slli_epi32(second, 13), _mm256_srli_epi32(second, 19)));
    }
    __m256i hash = _mm256_srl_epi32(_mm256_mullo_epi32(key, _mm256_set1_epi32((int)AUTOMATON_FACTOR)), f->shift);
    __m256i word = _mm256_i32gather_epi32(f->bits, _mm256_srli_epi32(hash, 5), 4);
    return _mm256_sllv_epi32(word, _mm256_andnot_si256(hash, _mm256_set1_epi32(31)));
}

SL_AVX2 ALWAYS_INLINE uint32_t candidates_wide(const automaton *a, const char *p, int kind) {
    wide_filter of_long = widen(&a->long_filter), of_short = widen(&a->short_filter);
    uint32_t mask = 0;
    for (uint32_t i = 0; i < PLACES; i += 8) {
        __m256i first = words_at(p + i, kind);
        __m256i hits = kind & LONG ? may_begin(&of_long, p + i, first, kind) : _mm256_setzero_si256();
        if (kind & SHORT) hits = _mm256_or_si256(hits, may_begin(&of_short, p + i, first, kind));
        mask |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(hits)) << i;
    }
    return mask;
}

SL_AVX2 ALWAYS_INLINE uint32_t candidates_few(const automaton *a, const char *p, int kind) {
    const __m256i half = _mm256_set1_epi8(0x0F);
    __m256i groups = _mm256_set1_epi8(-1);
    for (uint32_t i = 0; i < 4; i++) {
        __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)a->few->low[i]));
        __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)a->few->high[i]));
        __m256i v = sl_v32_load(p + i);
        if (kind & FOLD) v = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
        groups = _mm256_and_si256(groups, _mm256_shuffle_epi8(low, _mm256_and_si256(v, half)));
        v = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
        groups = _mm256_and_si256(groups, _mm256_shuffle_epi8(high, v));
    }
    return ~sl_v32_mask(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256()));
}
#endif

static int compared_too_much(const automaton_search *s, const char *at) {
    return s->automaton->reversed.children != NULL &&
           s->compared > AUTOMATON_COMPARED * ((size_t)(at - s->begin) + AUTOMATON_COMPARED);
}

static sl_status next_reversed(automaton_search *s, automaton_match *match, int *found);

/* Fewer than READ bytes, zeros behind them. */
static inline void copy_tail(char *to, const char *from, size_t len) {
    for (size_t i = 0; i < READ; i += 16) sl_v16_store(to + i, sl_v16_fill(0));
    if (len < 16) {
        sl_v16_store(to, sl_v16_load_tail(from, len, 0));
        return;
    }
    sl_v16 last = sl_v16_load(from + len - 16);
    sl_v16_store(to, sl_v16_load(from));
    if (len >= 32) sl_v16_store(to + 16, sl_v16_load(from + 16));
    sl_v16_store(to + len - 16, last);
}

#define NEXT_OF_KIND(candidates_of, kind)                                              \
    const char *at = s->at;                                                            \
    sl_status status = SL_OK;                                                          \
    while (at < s->end) {                                                              \
        size_t left = (size_t)(s->end - at);                                           \
        char tail[READ];                                                               \
        const char *p = at;                                                            \
        if (SL_UNLIKELY(left < READ)) {                                                \
            copy_tail(tail, at, left);                                                 \
            p = tail;                                                                  \
        }                                                                              \
        uint32_t mask = candidates_of(s->automaton, p, kind);                          \
        if (left < PLACES) mask &= (UINT32_C(1) << left) - 1;                          \
        if (mask && (status = look(s, at, mask, match, found)) != SL_UNCHANGED) return status; \
        at += left < PLACES ? left : PLACES;                                           \
    }                                                                                  \
    s->at = s->end;                                                                    \
    return SL_OK;

/* Looks at the candidates of one mask; SL_UNCHANGED if none matches. */
static sl_status look(automaton_search *s, const char *at, uint32_t mask, automaton_match *match, int *found) {
    sl_status status = SL_OK;
    for (; mask; mask &= mask - 1) {
        const char *place = at + sl_first_bit(mask);
        if (match_at(s, place, match, &status)) {
            s->at = match->stop;
            *found = 1;
            return SL_OK;
        }
        if (SL_UNLIKELY(status > SL_OK)) return status;
        if (SL_UNLIKELY(compared_too_much(s, place))) {
            s->at = s->block_end = place + 1;
            s->is_reversed = 1;
            return next_reversed(s, match, found);
        }
    }
    return SL_UNCHANGED;
}

#define NEXT(name, kind)                                                                                       \
    static sl_status next_##name(automaton_search *s, automaton_match *match, int *found) {                     \
        NEXT_OF_KIND(candidates, kind)                                                                          \
    }
#define EACH(macro)                                                                                            \
    macro(long, LONG) macro(short, SHORT) macro(both, LONG | SHORT) macro(long_folded, LONG | FOLD)             \
        macro(short_folded, SHORT | FOLD) macro(both_folded, LONG | SHORT | FOLD)
EACH(NEXT)
#if defined(SL_WIDE)
#define NEXT_WIDE(name, kind)                                                                                  \
    SL_AVX2 static sl_status next_##name##_wide(automaton_search *s, automaton_match *match, int *found) {      \
        NEXT_OF_KIND(candidates_wide, kind)                                                                     \
    }
#define NEXT_FEW(name, kind)                                                                                   \
    SL_AVX2 static sl_status next_##name(automaton_search *s, automaton_match *match, int *found) {             \
        NEXT_OF_KIND(candidates_few, kind)                                                                      \
    }
EACH(NEXT_WIDE)
NEXT_FEW(few, 0)
NEXT_FEW(few_folded, FOLD)
#endif

/* ---- the way out of bad cases ------------------------------------------------------------------------------------- */

enum { BLOCK = 16384 };

/* The longest match has at most so many bytes: a byte of a pattern stands for three at most (k for the sign of kelvin). */
static size_t reach_of(const automaton *a) { return (size_t)a->longest * (a->ignore_case ? 3 : 1); }

static sl_status fill_block(automaton_search *s) {
    const automaton *a = s->automaton;
    size_t reach = reach_of(a), left = (size_t)(s->end - s->at), size = reach > BLOCK ? reach : BLOCK;
    if (!s->heads) {
        if (size > left) size = left;
        s->heads = malloc(size * sizeof(*s->heads));
        if (!s->heads) return SL_ENOMEM;
        s->block_size = size;
    }
    size = s->block_size < left ? s->block_size : left;
    s->block = s->at;
    s->block_end = s->at + size;
    memset(s->heads, 0xFF, size * sizeof(*s->heads));
    const char *p = left - size < reach ? s->end : s->block_end + reach;
    uint32_t state = 0;
    if (!a->ignore_case) {
        while (p > s->block) {
            state = automaton_step(&a->reversed, state, (uint8_t)*--p);
            if (p < s->block_end) s->heads[p - s->block] = a->reversed.head[state];
        }
        return SL_OK;
    }
    while (p < s->end && is_inside(p)) p++;
    while (p > s->block) {
        char bytes[4];
        sl_utf8_previous(s->block, &p);
        const char *next = p;
        for (size_t i = fold_next(&next, s->end, bytes); i; i--)
            state = automaton_step(&a->reversed, state, (uint8_t)bytes[i - 1]);
        if (p < s->block_end) s->heads[p - s->block] = a->reversed.head[state];
    }
    return SL_OK;
}

static sl_status next_reversed(automaton_search *s, automaton_match *match, int *found) {
    for (; s->at < s->end; s->at++) {
        if (s->automaton->ignore_case && is_inside(s->at)) continue;
        if (s->at >= s->block_end) SL_TRY(fill_block(s));
        uint32_t pattern = s->heads[s->at - s->block];
        if (pattern == AUTOMATON_NONE || (s->whole_words && !begins_word(s, s->at))) continue;
        if (!accept(s, pattern, s->at, match)) continue;
        s->at = match->stop;
        *found = 1;
        break;
    }
    return SL_OK;
}

sl_status sl_automaton_next(automaton_search *s, automaton_match *match, int *found) {
    const automaton *a = s->automaton;
    *found = 0;
    if (SL_UNLIKELY(s->is_reversed)) return next_reversed(s, match, found);
    int kind = (a->long_filter.bits ? LONG : 0) | (a->short_filter.bits ? SHORT : 0) | (a->ignore_case ? FOLD : 0);
#if defined(SL_WIDE)
    if (sl_has_avx2() && a->few) return a->ignore_case ? next_few_folded(s, match, found) : next_few(s, match, found);
    if (sl_has_avx2()) switch (kind) {
#define CASE(name, kind)                                                                                       \
    case kind:                                                                                                 \
        return next_##name##_wide(s, match, found);
            EACH(CASE)
#undef CASE
        }
#endif
    switch (kind) {
#define CASE(name, kind)                                                                                       \
    case kind:                                                                                                 \
        return next_##name(s, match, found);
        EACH(CASE)
#undef CASE
        default:
            return SL_OK; /* no patterns */
    }
}

void sl_automaton_stop(automaton_search *s) { free(s->heads); }
