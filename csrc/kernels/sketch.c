/* sketch.c - MinHash and SimHash: short stand-ins for texts.
 * Contract: any bytes, any length, constant memory on the stack; nothing is allocated but prepared hash functions.
 * Source: Broder 1997 (MinHash), Charikar 2002 (SimHash); streamliner_udf/reference/sketch.py states the formulas. */
#include "sketch.h"

#include "simd.h"
#include "utf8.h"

#include <stdlib.h>

enum { HASHES_MAX = 4096, NGRAM_MAX = 64, CHUNK = 256 };

static int outside(const sl_value *value, int64_t most) { return value->integer < 1 || value->integer > most; }

static sl_status refuse(sl_error *error, const char *name, const sl_value *value, int most) {
    return sl_error_set(error, "expected %s from 1 to %d, got %lld", name, most, (long long)value->integer);
}

/* ---- n-grams ----------------------------------------------------------------------------------------------------- */

/* N-grams of a sequence of hashes that comes in pieces. Their polynomials are differences of those of the beginnings:
 * sums[i] belongs to the first i members, `known` of them have been seen since the start of `sums`. */
typedef struct ngrams {
    uint64_t sums[NGRAM_MAX + CHUNK + 1];
    size_t size, known;
    uint64_t power; /* SKETCH_STEP to the power of size */
    int any;        /* whether an n-gram has been made */
} ngrams;

static inline void ngrams_start(ngrams *n, uint64_t size, uint64_t power) {
    n->sums[0] = 0;
    n->size = size;
    n->known = 0;
    n->power = power;
    n->any = 0;
}

/* `count` <= CHUNK sums have been written behind sums[known]. Returns how many n-grams end with them; the first of them
 * has its polynomial from ngram(n, first, 0). */
static inline size_t ngrams_take(ngrams *n, size_t count, size_t *first) {
    size_t known = n->known += count;
    if (known < n->size) return 0;
    size_t made = n->any ? count : known - n->size + 1;
    n->any = 1;
    *first = known - made + 1;
    return made;
}

static inline uint64_t ngram(const ngrams *n, size_t last) {
    return n->sums[last] - n->sums[last - n->size] * n->power;
}

/* Makes room for the next piece. The next n-gram needs the sum before its first member: size of them, and the last. */
static inline void ngrams_move(ngrams *n) {
    if (n->known <= NGRAM_MAX) return;
    memmove(n->sums, n->sums + n->known - n->size, (n->size + 1) * sizeof(uint64_t));
    n->known = n->size;
}

/* At the end: whether the sequence was too short for any n-gram but the one of all its members. */
static inline int ngrams_short(const ngrams *n) { return !n->any && n->known; }

static uint64_t step_to_the(uint64_t exponent) {
    uint64_t power = 1;
    while (exponent--) power *= SKETCH_STEP;
    return power;
}

/* ---- MinHash ----------------------------------------------------------------------------------------------------- */

typedef struct plan {
    uint32_t count, lanes; /* hash functions, and padded */
    uint64_t ngram_size, power;
    uint32_t numbers[]; /* a of each lane, then b */
} plan;

/* object: a plan. */
sl_status sl_prepare_minhash(const sl_value *values, sl_options *options, sl_error *error) {
    if (outside(&values[0], HASHES_MAX)) return refuse(error, "num_hashes", &values[0], HASHES_MAX);
    if (outside(&values[1], NGRAM_MAX)) return refuse(error, "ngram_size", &values[1], NGRAM_MAX);
    uint32_t count = (uint32_t)values[0].integer, lanes = (count + SKETCH_LANES - 1) / SKETCH_LANES * SKETCH_LANES;
    plan *made = malloc(sizeof(plan) + 2 * lanes * sizeof(uint32_t));
    if (!made) return SL_ENOMEM;
    made->count = count;
    made->lanes = lanes;
    made->ngram_size = (uint64_t)values[1].integer;
    made->power = step_to_the(made->ngram_size);
    uint64_t state = (uint64_t)values[2].integer;
    for (uint32_t i = 0; i < lanes; i++) {
        uint64_t chosen = sketch_mix(state += SKETCH_STEP);
        made->numbers[i] = (uint32_t)(chosen >> 32) | 1;
        made->numbers[lanes + i] = (uint32_t)chosen;
    }
    options->object = made;
    options->release = free;
    return SL_OK;
}

/* In place, or cells of a block at once: a call for each would cost as much as the signature. */
static inline sl_status add_numbers(sl_rows *out, const uint32_t *numbers, size_t count) {
    if (SL_LIKELY(out->place != NULL)) {
        uint64_t *place;
        SL_TRY(out->place(out, count, &place));
        for (size_t i = 0; i < count; i++) place[i] = numbers[i];
        return SL_OK;
    }
    while (count) {
        sl_cell *cells;
        SL_TRY(sl_rows_add(out, &cells));
        size_t more = out->capacity - out->count;
        if (more > count - 1) more = count - 1;
        for (size_t i = 0; i <= more; i++) cells[i].natural = numbers[i];
        out->count += (uint32_t)more;
        numbers += more + 1;
        count -= more + 1;
    }
    return SL_OK;
}

sl_status sl_minhash(sl_str text, const sl_options *options, sl_rows *out) {
    const plan *p = options->object;
    uint32_t least[HASHES_MAX], hashes[CHUNK];
    ngrams n;
    sketch_reader reader = {text, 0, 0, 0, 0};
    size_t count, first;
    memset(least, 0xFF, p->lanes * sizeof(uint32_t));
    ngrams_start(&n, p->ngram_size, p->power);
    while ((count = sketch_words(&reader, n.sums + n.known, CHUNK)) != 0) {
        size_t made = ngrams_take(&n, count, &first);
        if (made) {
            sketch_ngrams(n.sums + first, n.size, n.power, made, hashes);
            sketch_least(least, p->numbers, p->numbers + p->lanes, p->lanes, hashes, made);
        }
        ngrams_move(&n);
    }
    if (ngrams_short(&n)) {
        hashes[0] = (uint32_t)(sketch_mix(n.sums[n.known]) >> 32);
        sketch_least(least, p->numbers, p->numbers + p->lanes, p->lanes, hashes, 1);
    }
    return add_numbers(out, least, p->count);
}

static size_t count_equal(const int64_t *a, const int64_t *b, size_t count) {
    size_t equal = 0;
    for (size_t i = 0; i < count; i++) equal += a[i] == b[i];
    return equal;
}

#if defined(SL_WIDE)
/* Sixteen numbers a step, and then one. */
SL_AVX2 static size_t count_equal_wide(const int64_t *a, const int64_t *b, size_t count) {
    __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        for (size_t r = 0; r < 4; r++) {
            sl_v32 x = sl_v32_load((const char *)(a + i + 4 * r)), y = sl_v32_load((const char *)(b + i + 4 * r));
            sums[r] = _mm256_sub_epi64(sums[r], _mm256_cmpeq_epi64(x, y));
        }
    }
    uint64_t parts[4];
    __m256i sum = _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3]));
    _mm256_storeu_si256((__m256i *)(void *)parts, sum);
    return (size_t)(parts[0] + parts[1] + parts[2] + parts[3]) + count_equal(a + i, b + i, count - i);
}
#endif

sl_status sl_minhash_similarity(sl_numbers a, sl_numbers b, const sl_options *options, sl_cell *out, sl_error *error) {
    (void)options;
    if (a.count != b.count)
        return sl_error_set(error, "expected signatures of equal length, got %u and %u", a.count, b.count);
    if (!a.count) return sl_error_set(error, "expected signatures of one number or more, got 0 and 0");
    size_t equal;
#if defined(SL_WIDE)
    if (sl_has_avx2())
        equal = count_equal_wide(a.ptr, b.ptr, a.count);
    else
#endif
        equal = count_equal(a.ptr, b.ptr, a.count);
    out->real = (double)equal / a.count;
    return SL_OK;
}

/* word[0]: how many. */
sl_status sl_prepare_bands(const sl_value *values, sl_options *options, sl_error *error) {
    if (outside(&values[0], HASHES_MAX)) return refuse(error, "bands", &values[0], HASHES_MAX);
    options->word[0] = (uint64_t)values[0].integer;
    return SL_OK;
}

sl_status sl_minhash_bands(sl_numbers signature, const sl_options *options, sl_rows *out, sl_error *error) {
    uint32_t bands = (uint32_t)options->word[0], rows = signature.count / bands;
    if (!signature.count || signature.count % bands)
        return sl_error_set(error, "expected a signature whose length is a multiple of %u bands, got %u", bands,
                            signature.count);
    const int64_t *number = signature.ptr;
    for (uint32_t band = 0; band < bands; band++) {
        sl_cell *cells;
        SL_TRY(sl_rows_add(out, &cells));
        uint64_t hash = sketch_fold(rows * SKETCH_STEP, band);
        for (uint32_t i = 0; i < rows; i++) hash = sketch_fold(hash, (uint64_t)*number++);
        cells[0].natural = hash;
    }
    return SL_OK;
}

/* ---- SimHash ----------------------------------------------------------------------------------------------------- */

/* word: the size of an n-gram, and SKETCH_STEP to its power. */
sl_status sl_prepare_simhash(const sl_value *values, sl_options *options, sl_error *error) {
    if (outside(&values[0], NGRAM_MAX)) return refuse(error, "ngram_size", &values[0], NGRAM_MAX);
    options->word[0] = (uint64_t)values[0].integer;
    options->word[1] = step_to_the(options->word[0]);
    return SL_OK;
}

/* Sixty-four counters, one a bit of the hashes, written across: bit i of plane k is bit k of counter i. */
enum { PLANES = 34 };

typedef struct counters {
    uint64_t planes[PLANES];
    uint64_t total;
} counters;

static inline uint64_t add_two(uint64_t *plane, uint64_t a, uint64_t b) {
    uint64_t carry = (*plane & a) | (b & (*plane ^ a));
    *plane ^= a ^ b;
    return carry;
}

/* Eight hashes at a time are summed as far as their eights, so that the upper planes are seldom touched. */
static void count_bits(counters *c, const uint64_t *hashes, size_t count) {
    c->total += count;
    uint64_t ones = c->planes[0], twos = c->planes[1], fours = c->planes[2], last[8] = {0};
    for (size_t i = 0; i < count; i += 8) {
        const uint64_t *h = hashes + i;
        if (count - i < 8) {
            memcpy(last, h, (count - i) * sizeof(uint64_t));
            h = last;
        }
        uint64_t a = add_two(&ones, h[0], h[1]), b = add_two(&ones, h[2], h[3]);
        uint64_t d = add_two(&ones, h[4], h[5]), e = add_two(&ones, h[6], h[7]);
        uint64_t f = add_two(&twos, a, b), g = add_two(&twos, d, e);
        uint64_t carry = add_two(&fours, f, g);
        for (int k = 3; carry && k < PLANES; k++) {
            uint64_t next = c->planes[k] & carry;
            c->planes[k] ^= carry;
            carry = next;
        }
    }
    c->planes[0] = ones, c->planes[1] = twos, c->planes[2] = fours;
}

/* The bits whose counters are above half of the total: compared from the top plane down. */
static uint64_t majority(const counters *c) {
    uint64_t half = c->total / 2, above = 0, equal = ~UINT64_C(0);
    for (int k = PLANES - 1; k >= 0; k--) {
        uint64_t limit = 0 - (half >> k & 1);
        above |= equal & c->planes[k] & ~limit;
        equal &= ~(c->planes[k] ^ limit);
    }
    return above;
}

sl_status sl_simhash(sl_str text, const sl_options *options, sl_cell *out) {
    const char *p = text.ptr, *end = p + text.len;
    uint64_t hashes[CHUNK];
    ngrams n;
    counters c = {{0}, 0};
    ngrams_start(&n, options->word[0], options->word[1]);
    while (p < end) {
        uint64_t *sums = n.sums + n.known, sum = *sums;
        size_t count = 0, first, ascii = (size_t)(end - p) < CHUNK ? (size_t)(end - p) : CHUNK;
        ascii = sl_ascii_prefix(p, ascii);
        for (; count < ascii; count++) sums[count + 1] = sum = sum * SKETCH_STEP + (unsigned char)p[count] + 1;
        p += ascii;
        while (count < CHUNK && p < end) sums[++count] = sum = sum * SKETCH_STEP + sl_utf8_next(&p, end) + 1;
        size_t made = ngrams_take(&n, count, &first);
        for (size_t i = 0; i < made; i++) hashes[i] = sketch_mix(ngram(&n, first + i));
        count_bits(&c, hashes, made);
        ngrams_move(&n);
    }
    if (ngrams_short(&n)) {
        hashes[0] = sketch_mix(n.sums[n.known]);
        count_bits(&c, hashes, 1);
    }
    out->natural = majority(&c);
    return SL_OK;
}
