/* simd.h - sixteen bytes at a time: SSE2 on x86-64, NEON on arm64, plain C elsewhere.
 * Contract: loads and stores touch exactly 16 bytes; masks have bit i set for byte i. Everything a portable wheel may
 * use without asking the CPU; wider paths are chosen at run time elsewhere. */
#ifndef SL_SIMD_H
#define SL_SIMD_H

#include "../streamliner.h"

#if defined(__SSE2__) || defined(_M_X64)
#define SL_SIMD_SSE2 1
#include <emmintrin.h>
typedef __m128i sl_v16;
static inline sl_v16 sl_v16_load(const char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
static inline void sl_v16_store(char *p, sl_v16 v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
static inline sl_v16 sl_v16_fill(uint8_t b) { return _mm_set1_epi8((char)b); }
static inline sl_v16 sl_v16_or(sl_v16 a, sl_v16 b) { return _mm_or_si128(a, b); }
static inline sl_v16 sl_v16_and(sl_v16 a, sl_v16 b) { return _mm_and_si128(a, b); }
static inline sl_v16 sl_v16_add(sl_v16 a, sl_v16 b) { return _mm_add_epi8(a, b); }
static inline sl_v16 sl_v16_eq(sl_v16 a, sl_v16 b) { return _mm_cmpeq_epi8(a, b); }
/* 0xFF where lo <= byte <= hi, unsigned. */
static inline sl_v16 sl_v16_range(sl_v16 v, uint8_t lo, uint8_t hi) {
    sl_v16 shifted = _mm_sub_epi8(v, _mm_set1_epi8((char)lo));
    return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8((char)(hi - lo))), shifted);
}
/* One bit a byte: its top bit. */
static inline uint32_t sl_v16_mask(sl_v16 v) { return (uint32_t)_mm_movemask_epi8(v); }
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define SL_SIMD_NEON 1
#include <arm_neon.h>
typedef uint8x16_t sl_v16;
static inline sl_v16 sl_v16_load(const char *p) { return vld1q_u8((const uint8_t *)p); }
static inline void sl_v16_store(char *p, sl_v16 v) { vst1q_u8((uint8_t *)p, v); }
static inline sl_v16 sl_v16_fill(uint8_t b) { return vdupq_n_u8(b); }
static inline sl_v16 sl_v16_or(sl_v16 a, sl_v16 b) { return vorrq_u8(a, b); }
static inline sl_v16 sl_v16_and(sl_v16 a, sl_v16 b) { return vandq_u8(a, b); }
static inline sl_v16 sl_v16_add(sl_v16 a, sl_v16 b) { return vaddq_u8(a, b); }
static inline sl_v16 sl_v16_eq(sl_v16 a, sl_v16 b) { return vceqq_u8(a, b); }
static inline sl_v16 sl_v16_range(sl_v16 v, uint8_t lo, uint8_t hi) {
    return vcleq_u8(vsubq_u8(v, vdupq_n_u8(lo)), vdupq_n_u8((uint8_t)(hi - lo)));
}
static inline uint32_t sl_v16_mask(sl_v16 v) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vandq_u8(vcltzq_s8(vreinterpretq_s8_u8(v)), vld1q_u8(weights));
    return (uint32_t)vaddv_u8(vget_low_u8(bits)) | (uint32_t)vaddv_u8(vget_high_u8(bits)) << 8;
}
#else
#define SL_SIMD_PLAIN 1
typedef struct sl_v16 {
    uint8_t b[16];
} sl_v16;
#define SL_V16_EACH(expression)                            \
    do {                                                   \
        sl_v16 out_;                                       \
        for (int i = 0; i < 16; i++) out_.b[i] = (uint8_t)(expression); \
        return out_;                                       \
    } while (0)
static inline sl_v16 sl_v16_load(const char *p) { sl_v16 v; memcpy(v.b, p, 16); return v; }
static inline void sl_v16_store(char *p, sl_v16 v) { memcpy(p, v.b, 16); }
static inline sl_v16 sl_v16_fill(uint8_t b) { SL_V16_EACH(b); }
static inline sl_v16 sl_v16_or(sl_v16 a, sl_v16 b) { SL_V16_EACH(a.b[i] | b.b[i]); }
static inline sl_v16 sl_v16_and(sl_v16 a, sl_v16 b) { SL_V16_EACH(a.b[i] & b.b[i]); }
static inline sl_v16 sl_v16_add(sl_v16 a, sl_v16 b) { SL_V16_EACH(a.b[i] + b.b[i]); }
static inline sl_v16 sl_v16_eq(sl_v16 a, sl_v16 b) { SL_V16_EACH(a.b[i] == b.b[i] ? 0xFF : 0); }
static inline sl_v16 sl_v16_range(sl_v16 v, uint8_t lo, uint8_t hi) {
    SL_V16_EACH((uint8_t)(v.b[i] - lo) <= (uint8_t)(hi - lo) ? 0xFF : 0);
}
static inline uint32_t sl_v16_mask(sl_v16 v) {
    uint32_t mask = 0;
    for (int i = 0; i < 16; i++) mask |= (uint32_t)(v.b[i] >> 7) << i;
    return mask;
}
#endif

/* Thirty-two bytes at a time, where a kernel asks the CPU for it: functions with SL_AVX2 before them, called only if
 * sl_has_avx2(). For loops over many texts; a single chat message is too short to gain. */
#if defined(SL_SIMD_SSE2) && defined(__GNUC__)
#define SL_WIDE 1
#include <immintrin.h>
#define SL_AVX2 __attribute__((target("avx2")))
typedef __m256i sl_v32;
static inline int sl_has_avx2(void) { return sl_cpu_level() >= SL_CPU_AVX2; }
static inline int sl_has_avx512(void) { return sl_cpu_level() >= SL_CPU_AVX512; }
/* Bytes looked up in a register and moved together. */
static inline int sl_has_vbmi2(void) {
    return sl_has_avx512() && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
SL_AVX2 static inline sl_v32 sl_v32_load(const char *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
SL_AVX2 static inline sl_v32 sl_v32_fill(uint8_t b) { return _mm256_set1_epi8((char)b); }
SL_AVX2 static inline sl_v32 sl_v32_or(sl_v32 a, sl_v32 b) { return _mm256_or_si256(a, b); }
SL_AVX2 static inline sl_v32 sl_v32_and(sl_v32 a, sl_v32 b) { return _mm256_and_si256(a, b); }
SL_AVX2 static inline sl_v32 sl_v32_eq(sl_v32 a, sl_v32 b) { return _mm256_cmpeq_epi8(a, b); }
SL_AVX2 static inline sl_v32 sl_v32_range(sl_v32 v, uint8_t lo, uint8_t hi) {
    sl_v32 shifted = _mm256_sub_epi8(v, _mm256_set1_epi8((char)lo));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8((char)(hi - lo))), shifted);
}
SL_AVX2 static inline uint32_t sl_v32_mask(sl_v32 v) { return (uint32_t)_mm256_movemask_epi8(v); }
#endif

/* Index of the lowest set bit; undefined for 0. */
static inline uint32_t sl_first_bit(uint64_t mask) {
#if defined(__GNUC__)
    return (uint32_t)__builtin_ctzll(mask);
#else
    uint32_t index = 0;
    while (!(mask & 1)) mask >>= 1, index++;
    return index;
#endif
}

static inline uint32_t sl_count_bits(uint64_t mask) {
#if defined(__GNUC__)
    return (uint32_t)__builtin_popcountll(mask);
#else
    uint32_t count = 0;
    for (; mask; mask &= mask - 1) count++;
    return count;
#endif
}

/* Copies len <= 16 bytes into 16 bytes padded with `pad`, for tails: no read past len. */
static inline sl_v16 sl_v16_load_tail(const char *p, size_t len, uint8_t pad) {
    char bytes[16];
    memset(bytes, pad, 16);
    if (len >= 8) {
        memcpy(bytes, p, 8);
        memcpy(bytes + len - 8, p + len - 8, 8);
    } else if (len >= 4) {
        memcpy(bytes, p, 4);
        memcpy(bytes + len - 4, p + len - 4, 4);
    } else if (len) {
        bytes[0] = p[0];
        bytes[len >> 1] = p[len >> 1];
        bytes[len - 1] = p[len - 1];
    }
    return sl_v16_load(bytes);
}

#endif
