/* utf8.c - validation and counting, for the doors and the kernels.
 * Contract: reads exactly [ptr, ptr + len).
 * Source: The Unicode Standard 3.9, table 3-7; Keiser and Lemire 2021, doi:10.1002/spe.2920 for the vector path. */
#include "utf8.h"

#include "simd.h"

size_t sl_ascii_prefix(const char *ptr, size_t len) {
    size_t i = 0;
    for (; i + 64 <= len; i += 64) {
        sl_v16 any = sl_v16_or(sl_v16_or(sl_v16_load(ptr + i), sl_v16_load(ptr + i + 16)),
                               sl_v16_or(sl_v16_load(ptr + i + 32), sl_v16_load(ptr + i + 48)));
        if (sl_v16_mask(any)) break;
    }
    for (; i + 16 <= len; i += 16) {
        uint32_t mask = sl_v16_mask(sl_v16_load(ptr + i));
        if (mask) return i + sl_first_bit(mask);
    }
    if (i < len && len >= 16) { /* the last 16 bytes again: those before i are known to be ASCII */
        uint32_t mask = sl_v16_mask(sl_v16_load(ptr + len - 16));
        return mask ? len - 16 + sl_first_bit(mask) : len;
    }
    if (len - i >= 8) {
        uint64_t word;
        memcpy(&word, ptr + i, 8);
        if (!(word & UINT64_C(0x8080808080808080))) i += 8;
    }
    while (i < len && !((unsigned char)ptr[i] & 0x80)) i++;
    return i;
}

size_t sl_utf8_count(const char *ptr, size_t len) {
    size_t count = 0, i = 0;
    /* A code point has one byte that is not a continuation byte (0x80 to 0xBF). */
    for (; i + 16 <= len; i += 16)
        count += 16 - sl_count_bits(sl_v16_mask(sl_v16_range(sl_v16_load(ptr + i), 0x80, 0xBF)));
    for (; i < len; i++) count += ((unsigned char)ptr[i] & 0xC0) != 0x80;
    return count;
}

static int valid_plain(const char *ptr, size_t len) {
    const char *p = ptr, *end = ptr + len;
    while (p < end) {
        p += sl_ascii_prefix(p, (size_t)(end - p));
        while (p < end && ((unsigned char)*p & 0x80)) {
            const char *before = p;
            uint32_t point = sl_utf8_next(&p, end);
            if (point == SL_REPLACEMENT && p - before == 1) return 0;
        }
    }
    return 1;
}

#if defined(SL_WIDE)

/* Three nibble look-ups classify every pair of neighbouring bytes; an error bit that all three agree on is an error.
 * Bits: 0 too short, 1 too long, 2 overlong 3, 3 too large, 4 surrogate, 5 overlong 2, 6 too large 1000 / overlong 4,
 * 7 two continuations. */
#define TOO_SHORT 0x01
#define TOO_LONG 0x02
#define OVERLONG_3 0x04
#define TOO_LARGE 0x08
#define SURROGATE 0x10
#define OVERLONG_2 0x20
#define TOO_LARGE_1000 0x40
#define OVERLONG_4 0x40
#define TWO_CONTS ((char)0x80)
#define CARRY ((char)(TOO_SHORT | TOO_LONG | 0x80))
#define TWICE(...) __VA_ARGS__, __VA_ARGS__

#define FIRST_HIGH                                                                                              \
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTS, TWO_CONTS,         \
        TWO_CONTS, TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,              \
        TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4
#define FIRST_LOW                                                                                               \
    CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY, CARRY | TOO_LARGE,            \
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,                                   \
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,                                   \
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,                                   \
        CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,                                   \
        CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE, CARRY | TOO_LARGE | TOO_LARGE_1000,                       \
        CARRY | TOO_LARGE | TOO_LARGE_1000
#define SECOND_HIGH                                                                                             \
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,                       \
        (char)(TOO_LONG | OVERLONG_2 | 0x80 | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),                          \
        (char)(TOO_LONG | OVERLONG_2 | 0x80 | OVERLONG_3 | TOO_LARGE),                                            \
        (char)(TOO_LONG | OVERLONG_2 | 0x80 | SURROGATE | TOO_LARGE),                                             \
        (char)(TOO_LONG | OVERLONG_2 | 0x80 | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT

SL_AVX2 static __m256i pair_errors(__m256i input, __m256i previous) {
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    const __m256i first_high = _mm256_setr_epi8(TWICE(FIRST_HIGH));
    const __m256i first_low = _mm256_setr_epi8(TWICE(FIRST_LOW));
    const __m256i second_high = _mm256_setr_epi8(TWICE(SECOND_HIGH));
    __m256i shifted = _mm256_permute2x128_si256(previous, input, 0x21);
    __m256i prev1 = _mm256_alignr_epi8(input, shifted, 15);
    __m256i prev2 = _mm256_alignr_epi8(input, shifted, 14);
    __m256i prev3 = _mm256_alignr_epi8(input, shifted, 13);
    __m256i special = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(prev1, 4), nibble)),
            _mm256_shuffle_epi8(first_low, _mm256_and_si256(prev1, nibble))),
        _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(input, 4), nibble)));
    /* Third and fourth bytes must be continuations, and only there may two continuations follow each other. */
    __m256i third = _mm256_subs_epu8(prev2, _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(prev3, _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, special);
}

/* Not zero if the last bytes begin a sequence that must go on in the next block. */
SL_AVX2 static __m256i unfinished(__m256i input) {
    const char any = (char)0xFF;
    const __m256i most = _mm256_setr_epi8(any, any, any, any, any, any, any, any, any, any, any, any, any, any, any, any,
                                          any, any, any, any, any, any, any, any, any, any, any, any, any,
                                          (char)0xEF, (char)0xDF, (char)0xBF);
    return _mm256_subs_epu8(input, most);
}

SL_AVX2 static int valid_avx2(const char *ptr, size_t len) {
    __m256i previous = _mm256_setzero_si256(), errors = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 64 <= len; i += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(ptr + i));
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(ptr + i + 32));
        if (!_mm256_movemask_epi8(_mm256_or_si256(low, high))) {
            errors = _mm256_or_si256(errors, unfinished(previous));
        } else {
            errors = _mm256_or_si256(errors, pair_errors(low, previous));
            errors = _mm256_or_si256(errors, pair_errors(high, low));
        }
        previous = high;
    }
    /* The tail is padded with zeros, so a sequence that the end cuts off meets an ASCII byte and is too short. */
    char tail[96] = {0};
    memcpy(tail, ptr + i, len - i);
    for (size_t at = 0; at < 96 && at < len - i + 32; at += 32) {
        __m256i input = _mm256_loadu_si256((const __m256i *)(const void *)(tail + at));
        errors = _mm256_or_si256(errors, pair_errors(input, previous));
        previous = input;
    }
    return _mm256_testz_si256(errors, errors);
}

#define WITH_AVX512 __attribute__((target("avx512bw,avx512vl,bmi2")))
#define FOUR_TIMES(...) _mm512_broadcast_i32x4(_mm_setr_epi8(__VA_ARGS__))

WITH_AVX512 static inline __m512i pair_errors_512(__m512i input, __m512i previous) {
    const __m512i nibble = _mm512_set1_epi8(0x0F);
    __m512i shifted = _mm512_alignr_epi64(input, previous, 6);
    __m512i prev1 = _mm512_alignr_epi8(input, shifted, 15);
    __m512i special = _mm512_and_si512(
        _mm512_and_si512(_mm512_shuffle_epi8(FOUR_TIMES(FIRST_HIGH), _mm512_and_si512(_mm512_srli_epi16(prev1, 4), nibble)),
                         _mm512_shuffle_epi8(FOUR_TIMES(FIRST_LOW), _mm512_and_si512(prev1, nibble))),
        _mm512_shuffle_epi8(FOUR_TIMES(SECOND_HIGH), _mm512_and_si512(_mm512_srli_epi16(input, 4), nibble)));
    __m512i third = _mm512_subs_epu8(_mm512_alignr_epi8(input, shifted, 14), _mm512_set1_epi8((char)(0xE0 - 0x80)));
    __m512i fourth = _mm512_subs_epu8(_mm512_alignr_epi8(input, shifted, 13), _mm512_set1_epi8((char)(0xF0 - 0x80)));
    __m512i must = _mm512_and_si512(_mm512_or_si512(third, fourth), _mm512_set1_epi8((char)0x80));
    return _mm512_xor_si512(must, special);
}

WITH_AVX512 static inline __m512i unfinished_512(__m512i input) {
    const char any = (char)0xFF;
    const __m512i most = _mm512_inserti32x4(
        _mm512_set1_epi8(any),
        _mm_setr_epi8(any, any, any, any, any, any, any, any, any, any, any, any, any, (char)0xEF, (char)0xDF, (char)0xBF),
        3);
    return _mm512_subs_epu8(input, most);
}

enum { AHEAD = 2048, LONG = 2 * AHEAD };

/* The last bytes come by a masked load: no branch on how many they are, and zeros behind them. */
WITH_AVX512 static int valid_avx512(const char *ptr, size_t len) {
    __m512i previous = _mm512_setzero_si512(), errors = _mm512_setzero_si512();
    /* Of a long text some blocks have other than ASCII, and which ones cannot be foretold; it comes from memory, too. */
    for (; len > LONG; ptr += 64, len -= 64) {
        __m512i input = _mm512_loadu_si512((const void *)ptr);
        _mm_prefetch(ptr + AHEAD, _MM_HINT_T0);
        errors = _mm512_or_si512(errors, pair_errors_512(input, previous));
        previous = input;
    }
    for (;;) {
        int last = len <= 64;
        __m512i input = last ? _mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), (unsigned)len), ptr)
                             : _mm512_loadu_si512((const void *)ptr);
        errors = _mm512_or_si512(errors, SL_UNLIKELY(_mm512_movepi8_mask(input)) ? pair_errors_512(input, previous)
                                                                              : unfinished_512(previous));
        previous = input;
        if (last) break;
        ptr += 64;
        len -= 64;
    }
    errors = _mm512_or_si512(errors, unfinished_512(previous));
    return !_mm512_test_epi8_mask(errors, errors);
}
#endif

int sl_utf8_valid(const char *ptr, size_t len) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) return valid_avx512(ptr, len);
    size_t start = sl_ascii_prefix(ptr, len);
    if (start == len) return 1;
    if (sl_has_avx2()) return valid_avx2(ptr + start, len - start);
    return valid_plain(ptr + start, len - start);
#else
    return valid_plain(ptr, len);
#endif
}
