/* chat_lines.c - where the lines of a text end, and where something stands in them that few lines hold.
 * Contract: reads [p, end) only; a window costs the same whatever is in it, but for a step each place that is found.
 * Blocks of 64 bytes become masks first and places then, because branches at the end of each line cost more than its bytes. */
#include "chat.h"
#include "simd.h"

enum { BLOCK = 64, AHEAD = 2048 };

/* A bit for each byte of a block: one that ends a line, and one that few lines hold. Which byte it is depends on the next:
 * all of these functions read one more than a block. */
typedef struct masks {
    uint64_t lines, places;
} masks;

static inline sl_v16 pair(sl_v16 v, sl_v16 next, uint8_t first, uint8_t second) {
    return sl_v16_and(sl_v16_eq(v, sl_v16_fill(first)), sl_v16_eq(next, sl_v16_fill(second)));
}

static inline masks read_16(const char *p, char lines) {
    masks found = {0, 0};
    for (int i = 0; i < BLOCK; i += 16) {
        sl_v16 v = sl_v16_load(p + i), next = sl_v16_load(p + i + 1);
        sl_v16 line = sl_v16_eq(v, sl_v16_fill((uint8_t)lines)), cr = sl_v16_eq(v, sl_v16_fill('\r'));
        sl_v16 mark = sl_v16_or(pair(v, next, 0xE2, 0x80), pair(v, next, 0xEF, 0xBB));
        sl_v16 other = sl_v16_or(pair(v, next, ':', ' '), pair(v, next, 'm', '/'));
        sl_v16 place = sl_v16_or(sl_v16_or(mark, other), sl_v16_eq(v, sl_v16_fill(0)));
        uint32_t before_line = sl_v16_mask(sl_v16_and(cr, sl_v16_eq(next, sl_v16_fill((uint8_t)lines))));
        uint32_t places = sl_v16_mask(sl_v16_or(place, cr)) & ~before_line;
        found.lines |= (uint64_t)sl_v16_mask(line) << i;
        found.places |= (uint64_t)places << i;
    }
    return found;
}

#if defined(SL_WIDE)
#define SL_AVX2_COUNT __attribute__((target("avx2,popcnt")))
SL_AVX2_COUNT static inline sl_v32 pair_32(sl_v32 v, sl_v32 next, uint8_t first, uint8_t second) {
    return sl_v32_and(sl_v32_eq(v, sl_v32_fill(first)), sl_v32_eq(next, sl_v32_fill(second)));
}

SL_AVX2_COUNT static inline masks read_32(const char *p, char lines) {
    masks found = {0, 0};
    for (int i = 0; i < BLOCK; i += 32) {
        sl_v32 v = sl_v32_load(p + i), next = sl_v32_load(p + i + 1);
        sl_v32 line = sl_v32_fill((uint8_t)lines);
        sl_v32 mark = sl_v32_or(pair_32(v, next, 0xE2, 0x80), pair_32(v, next, 0xEF, 0xBB));
        sl_v32 other = sl_v32_or(pair_32(v, next, ':', ' '), pair_32(v, next, 'm', '/'));
        sl_v32 cr = _mm256_andnot_si256(sl_v32_eq(next, line), sl_v32_eq(v, sl_v32_fill('\r')));
        sl_v32 place = sl_v32_or(sl_v32_or(mark, other), sl_v32_or(cr, sl_v32_eq(v, sl_v32_fill(0))));
        found.lines |= (uint64_t)sl_v32_mask(sl_v32_eq(v, line)) << i;
        found.places |= (uint64_t)sl_v32_mask(place) << i;
    }
    return found;
}

SL_VBMI2 static inline uint64_t pair_64(__m512i v, __m512i next, uint8_t first, uint8_t second) {
    return _mm512_mask_cmpeq_epi8_mask(sl_v64_eq(v, first), next, _mm512_set1_epi8((char)second));
}

SL_VBMI2 static inline masks read_64(const char *p, char lines) {
    __m512i v = _mm512_loadu_si512(p), next = _mm512_loadu_si512(p + 1);
    uint64_t mark = pair_64(v, next, 0xE2, 0x80) | pair_64(v, next, 0xEF, 0xBB);
    uint64_t other = pair_64(v, next, ':', ' ') | pair_64(v, next, 'm', '/');
    uint64_t cr = _mm512_mask_cmpneq_epi8_mask(sl_v64_eq(v, '\r'), next, _mm512_set1_epi8(lines));
    return (masks){sl_v64_eq(v, (uint8_t)lines), mark | other | cr | sl_v64_eq(v, 0)};
}
#endif

/* Of the last bytes of a text: behind them there is nothing. */
static void copy_tail(char block[BLOCK + 1], const char *p, size_t len) {
    memset(block, 'a', BLOCK + 1);
    memcpy(block, p, len);
}

/* Appends the places of the bits. Two are written whether they are there or not: most blocks have fewer, and whether there is
 * one cannot be foretold. */
#define PUT(out, count, base, mask)                                                                 \
    do {                                                                                            \
        uint64_t left_ = (mask);                                                                    \
        uint32_t total_ = (count) + sl_count_bits(left_);                                           \
        for (int i_ = 0; i_ < 2; i_++, left_ &= left_ - 1)                                          \
            (out)[(count) + i_] = (uint16_t)((base) + sl_first_bit(left_ | UINT64_C(1) << 63));     \
        for ((count) += 2; SL_UNLIKELY((count) < total_); left_ &= left_ - 1)                       \
            (out)[(count)++] = (uint16_t)((base) + sl_first_bit(left_));                            \
        (count) = total_;                                                                           \
    } while (0)

#define WINDOW(name, target, read)                                                                  \
    target static void name(const char *p, const char *end, char lines, chat_window *w) {           \
        size_t left = (size_t)(end - p), len = left < CHAT_WINDOW ? left : CHAT_WINDOW;             \
        uint32_t line_count = 0, place_count = 0;                                                   \
        char tail[BLOCK + 1];                                                                       \
        for (size_t at = 0; at < len; at += BLOCK) {                                                \
            const char *block = p + at;                                                             \
            CHAT_PREFETCH(block + (left - at > AHEAD ? AHEAD : 0));                                 \
            if (SL_UNLIKELY(left - at <= BLOCK)) {                                                  \
                copy_tail(tail, block, left - at);                                                  \
                block = tail;                                                                       \
            }                                                                                       \
            masks found = read(block, lines);                                                       \
            PUT(w->lines, line_count, at, found.lines);                                             \
            PUT(w->places, place_count, at, found.places);                                          \
        }                                                                                           \
        w->len = (uint32_t)len;                                                                     \
        w->line_count = line_count;                                                                 \
        w->places[place_count] = UINT16_MAX;                                                        \
    }

WINDOW(window_16, , read_16)
#if defined(SL_WIDE)
WINDOW(window_32, SL_AVX2_COUNT, read_32)
WINDOW(window_64, SL_VBMI2, read_64)
#endif

void sl_chat_window(const char *p, const char *end, char lines, chat_window *w) {
#if defined(SL_WIDE)
    if (sl_has_vbmi2()) {
        window_64(p, end, lines, w);
        return;
    }
    if (sl_has_avx2()) {
        window_32(p, end, lines, w);
        return;
    }
#endif
    window_16(p, end, lines, w);
}
