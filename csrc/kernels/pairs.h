/* pairs.h - the first place where a byte and the one after it are what a function looks for.
 * Contract: no read past the text. The last byte begins no pair.
 * Two neighbouring bytes are rare enough in prose to be worth a look each time they turn up; a single one often is not. */
#ifndef SL_PAIRS_H
#define SL_PAIRS_H

#include "simd.h"

#if defined(__GNUC__)
#define SL_INLINE static inline __attribute__((always_inline))
#else
#define SL_INLINE static inline
#endif

/* Top bit set at the pairs. `next` holds the text from one byte further on. */
typedef sl_v16 (*sl_pair_test)(sl_v16 v, sl_v16 next);

/* The first pair at or after `i`; `len` if there is none. */
SL_INLINE size_t sl_find_pair(const char *p, size_t i, size_t len, sl_pair_test test) {
#define SL_AT(offset) test(sl_v16_load(p + (offset)), sl_v16_load(p + (offset) + 1))
    for (; i + 33 <= len; i += 32) {
        sl_v16 low = SL_AT(i), high = SL_AT(i + 16);
        if (SL_UNLIKELY(sl_v16_mask(sl_v16_or(low, high))))
            return i + sl_first_bit(sl_v16_mask(low) | (uint64_t)sl_v16_mask(high) << 16);
    }
    if (i + 17 <= len) {
        uint32_t mask = sl_v16_mask(SL_AT(i));
        if (SL_UNLIKELY(mask)) return i + sl_first_bit(mask);
        i += 16;
    }
    if (i + 1 >= len) return len;
    if (len >= 17) { /* the last seventeen bytes, without the pairs before i */
        uint32_t mask = sl_v16_mask(SL_AT(len - 17)) >> (i - (len - 17));
        return mask ? i + sl_first_bit(mask) : len;
    }
    size_t left = len - i;
    uint32_t mask = sl_v16_mask(test(sl_v16_load_tail(p + i, left, 0), sl_v16_load_tail(p + i + 1, left - 1, 0)));
    return mask ? i + sl_first_bit(mask) : len;
#undef SL_AT
}

#if defined(SL_WIDE)
typedef sl_v32 (*sl_pair_test_wide)(sl_v32 v, sl_v32 next);

/* The same from the start on, 64 bytes a step, for len >= 65. For scans. */
SL_AVX2 SL_INLINE size_t sl_find_pair_wide(const char *p, size_t len, sl_pair_test_wide test) {
#define SL_AT(offset) test(sl_v32_load(p + (offset)), sl_v32_load(p + (offset) + 1))
    size_t i = 0, last = len - 65;
    for (;;) {
        sl_v32 a = SL_AT(i), b = SL_AT(i + 32);
        if (sl_v32_mask(sl_v32_or(a, b))) return i + sl_first_bit(sl_v32_mask(a) | (uint64_t)sl_v32_mask(b) << 32);
        if (i == last) return len;
        i = i + 64 <= last ? i + 64 : last;
    }
#undef SL_AT
}
#endif

#endif
