/* sketch_lanes.c - the least value of many hash functions over many hashes: the inner loop of MinHash.
 * Contract: `lanes` is a multiple of SKETCH_LANES. A block of lanes stays in registers while all hashes go by; every way
 * gives the same numbers. */
#include "sketch.h"

#include "simd.h"

static void least_plain(uint32_t *least, const uint32_t *a, const uint32_t *b, size_t lanes, const uint32_t *hashes,
                        size_t count) {
    for (size_t i = 0; i < lanes; i += SKETCH_LANES) {
        uint32_t kept[SKETCH_LANES];
        memcpy(kept, least + i, sizeof(kept));
        for (size_t j = 0; j < count; j++) {
            for (size_t l = 0; l < SKETCH_LANES; l++) {
                uint32_t value = a[i + l] * hashes[j] + b[i + l];
                kept[l] = value < kept[l] ? value : kept[l];
            }
        }
        memcpy(least + i, kept, sizeof(kept));
    }
}

#if defined(SL_WIDE)
/* Defines a function that takes `registers` * `width` lanes from lane i on through all hashes. */
#define TAKE(name, target, type, width, registers, load, store, fill, multiply, add, min)                              \
    target static inline void name(uint32_t *least, const uint32_t *a, const uint32_t *b, const uint32_t *hashes,     \
                                   size_t count) {                                                                     \
        type kept[registers], times[registers], plus[registers];                                                       \
        for (int r = 0; r < (registers); r++) {                                                                        \
            kept[r] = load((const void *)(least + (width) * r));                                                       \
            times[r] = load((const void *)(a + (width) * r));                                                          \
            plus[r] = load((const void *)(b + (width) * r));                                                           \
        }                                                                                                              \
        for (size_t j = 0; j < count; j++) {                                                                           \
            type hash = fill((int)hashes[j]);                                                                          \
            for (int r = 0; r < (registers); r++) kept[r] = min(kept[r], add(multiply(times[r], hash), plus[r]));      \
        }                                                                                                              \
        for (int r = 0; r < (registers); r++) store((void *)(least + (width) * r), kept[r]);                           \
    }
#define LOAD_256(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE_256(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define SL_AVX512 __attribute__((target("avx512f")))

TAKE(take_avx2, SL_AVX2, __m256i, 8, 2, LOAD_256, STORE_256, _mm256_set1_epi32, _mm256_mullo_epi32, _mm256_add_epi32,
     _mm256_min_epu32)
TAKE(take_avx2_more, SL_AVX2, __m256i, 8, 4, LOAD_256, STORE_256, _mm256_set1_epi32, _mm256_mullo_epi32,
     _mm256_add_epi32, _mm256_min_epu32)
TAKE(take_avx512, SL_AVX512, __m512i, 16, 1, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32,
     _mm512_mullo_epi32, _mm512_add_epi32, _mm512_min_epu32)
TAKE(take_avx512_more, SL_AVX512, __m512i, 16, 4, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32,
     _mm512_mullo_epi32, _mm512_add_epi32, _mm512_min_epu32)

SL_AVX2 static void least_avx2(uint32_t *least, const uint32_t *a, const uint32_t *b, size_t lanes,
                               const uint32_t *hashes, size_t count) {
    size_t i = 0;
    for (; i + 32 <= lanes; i += 32) take_avx2_more(least + i, a + i, b + i, hashes, count);
    if (i < lanes) take_avx2(least + i, a + i, b + i, hashes, count);
}

SL_AVX512 static void least_avx512(uint32_t *least, const uint32_t *a, const uint32_t *b, size_t lanes,
                                   const uint32_t *hashes, size_t count) {
    size_t i = 0;
    for (; i + 64 <= lanes; i += 64) take_avx512_more(least + i, a + i, b + i, hashes, count);
    for (; i < lanes; i += 16) take_avx512(least + i, a + i, b + i, hashes, count);
}
#endif

void sketch_least(uint32_t *least, const uint32_t *a, const uint32_t *b, size_t lanes, const uint32_t *hashes,
                  size_t count) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) {
        least_avx512(least, a, b, lanes, hashes, count);
        return;
    }
    if (sl_has_avx2()) {
        least_avx2(least, a, b, lanes, hashes, count);
        return;
    }
#endif
    least_plain(least, a, b, lanes, hashes, count);
}
