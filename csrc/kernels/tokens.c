/* tokens.c - how many tokens a language model makes of a text, estimated without a vocabulary.
 * Contract: a sum of weights, each of which depends on a character and few before it; the oracle lists them.
 * Weights of wide characters hang on all but their last byte, because every range begins at a multiple of 64. */
#include "../streamliner.h"
#include "simd.h"

/* Hundredths of a token. */
enum { WORD = 65, LETTER = 7, LONG = 12, UPPER = 20, DIGIT = 66, PUNCTUATION = 75, CONTROL = 100 };

#define X4(a) a, a, a, a
/* By first byte from 0xC0 on; 0 where the second decides. */
static const uint16_t wide_weights[64] = {
    140, 140, 230, 140, X4(140), X4(140), /* to U+02FF */
    220, 220, 105, 105,                   /* marks, Greek */
    50, 50, 300, 300, 300, 210, 210, 120, /* Cyrillic, Armenian, Hebrew */
    X4(87), X4(210),                      /* Arabic, Syriac to N'Ko */
    0, 0, 0, 0, X4(117), 117, 117,        /* U+0800 to U+3FFF, ideographs */
    0, 120, 120, 120, 290, 0,             /* U+A000 to U+FFFF */
    0, X4(297), X4(297), X4(297), 297, 297, 297, /* beyond */
};
#undef X4

static uint32_t wide_weight(unsigned char first, unsigned char second, unsigned char third) {
    uint32_t weight = wide_weights[first - 0xC0];
    if (SL_LIKELY(weight)) return weight;
    switch (first) {
        case 0xE0:
            if (second < 0xA4) return 210;
            if (second < 0xA6) return 122; /* Devanagari */
            if (second < 0xA8) return 145; /* Bengali */
            if (second < 0xAE) return 200;
            if (second < 0xB0) return 152; /* Tamil */
            if (second < 0xB8) return 200;
            return second < 0xBA ? 98 : 210; /* Thai */
        case 0xE1:
            if (second < 0x88) return 210;
            if (second < 0x90) return 300; /* Ethiopic, Cherokee */
            return second >= 0xB8 && second < 0xBC ? 40 : 200; /* Vietnamese */
        case 0xE2: return second < 0x81 ? 150 : second < 0x98 ? 120 : 200;
        case 0xE3: return second < 0x81 ? 60 : second < 0x84 ? 100 : 200; /* punctuation, kana */
        case 0xEA: return second < 0xB0 ? 285 : 120;
        case 0xEF: return second == 0xB8 ? 100 : second < 0xBC ? 290 : 20; /* variation selectors, full-width forms */
        default: return second == 0x9F && third == 0x98 ? 200 : 297; /* 0xF0: faces */
    }
}

/* Sixty-four bytes, a bit each; those behind the text are spaces. */
typedef struct block {
    uint64_t letters, capitals, digits, spaces, controls, high;
} block;

static inline void read16(const char *p, size_t left, block *b, int at) {
    sl_v16 v = left >= 16 ? sl_v16_load(p) : sl_v16_load_tail(p, left, ' ');
    b->letters |= (uint64_t)sl_v16_mask(sl_v16_range(sl_v16_or(v, sl_v16_fill(0x20)), 'a', 'z')) << at;
    b->capitals |= (uint64_t)sl_v16_mask(sl_v16_range(v, 'A', 'Z')) << at;
    b->digits |= (uint64_t)sl_v16_mask(sl_v16_range(v, '0', '9')) << at;
    b->spaces |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill(' '))) << at;
    b->controls |= (uint64_t)sl_v16_mask(sl_v16_or(sl_v16_range(v, 0, 0x1F), sl_v16_eq(v, sl_v16_fill(0x7F)))) << at;
    b->high |= (uint64_t)sl_v16_mask(v) << at;
}

static inline void read_block(const char *p, size_t len, block *b) {
    *b = (block){0, 0, 0, 0, 0, 0};
    size_t at = 0;
    for (; at < len; at += 16) read16(p + at, len - at, b, (int)at);
    if (SL_UNLIKELY(at < 64)) b->spaces |= ~UINT64_C(0) << at;
}

#if defined(SL_WIDE)
SL_AVX2 static inline void read_block_wide(const char *p, size_t len, block *b) {
    if (len < 64) {
        read_block(p, len, b);
        return;
    }
    *b = (block){0, 0, 0, 0, 0, 0};
    for (int at = 0; at < 64; at += 32) {
        sl_v32 v = sl_v32_load(p + at);
        b->letters |= (uint64_t)sl_v32_mask(sl_v32_range(sl_v32_or(v, sl_v32_fill(0x20)), 'a', 'z')) << at;
        b->capitals |= (uint64_t)sl_v32_mask(sl_v32_range(v, 'A', 'Z')) << at;
        b->digits |= (uint64_t)sl_v32_mask(sl_v32_range(v, '0', '9')) << at;
        b->spaces |= (uint64_t)sl_v32_mask(sl_v32_eq(v, sl_v32_fill(' '))) << at;
        b->controls |=
            (uint64_t)sl_v32_mask(sl_v32_or(sl_v32_range(v, 0, 0x1F), sl_v32_eq(v, sl_v32_fill(0x7F)))) << at;
        b->high |= (uint64_t)sl_v32_mask(v) << at;
    }
}
#endif

/* Old processors count no bits: plain arithmetic. */
static inline uint32_t count_bits(uint64_t mask) {
    mask -= mask >> 1 & UINT64_C(0x5555555555555555);
    mask = (mask & UINT64_C(0x3333333333333333)) + (mask >> 2 & UINT64_C(0x3333333333333333));
    mask = (mask + (mask >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (uint32_t)(mask * UINT64_C(0x0101010101010101) >> 56);
}

/* What of the block before the weights of the next one hang on, its last byte as bit 63. */
typedef struct state {
    uint64_t letters, twos, fours, marks; /* twos: letters with a letter before them; fours: with three */
} state;

static inline uint64_t after(uint64_t now, uint64_t before, int by) { return now << by | before >> (64 - by); }

#define WEIGH(count)                                                                                          \
    uint64_t twos = b->letters & after(b->letters, s->letters, 1), fours = twos & after(twos, s->twos, 2);    \
    uint64_t marks = ~(b->letters | b->digits | b->spaces | b->controls | b->high);                           \
    uint64_t sum = LETTER * count(b->letters) + WORD * count(b->letters & ~after(b->letters, s->letters, 1)) + \
                   LONG * count(fours & after(fours, s->fours, 3)) + UPPER * count(b->capitals) +             \
                   DIGIT * count(b->digits) + PUNCTUATION * count(marks & ~after(marks, s->marks, 1)) +       \
                   CONTROL * count(b->controls);                                                              \
    *s = (state){b->letters, twos, fours, marks};                                                             \
    return sum

static inline uint64_t weigh(const block *b, state *s) { WEIGH(count_bits); }

/* The wide characters that begin in a block. */
static uint64_t weigh_wide(uint64_t high, const char *p, const char *end) {
    uint64_t sum = 0;
    for (; high; high &= high - 1) {
        const char *at = p + sl_first_bit(high);
        unsigned char first = (unsigned char)*at;
        if (first < 0xC0) continue;
        sum += wide_weight(first, end - at > 1 ? (unsigned char)at[1] : 0x80, end - at > 2 ? (unsigned char)at[2] : 0x80);
    }
    return sum;
}

static uint64_t total_plain(const char *p, const char *end) {
    state s = {0, 0, 0, 0};
    block b;
    uint64_t sum = 0;
    for (; p < end; p += 64) {
        size_t left = (size_t)(end - p);
        read_block(p, left < 64 ? left : 64, &b);
        sum += weigh(&b, &s);
        if (b.high) sum += weigh_wide(b.high, p, end);
        if (left <= 64) break;
    }
    return sum;
}

#if defined(SL_WIDE)
__attribute__((target("avx2,popcnt"))) static inline uint64_t weigh_popcnt(const block *b, state *s) {
    WEIGH(sl_count_bits);
}

__attribute__((target("avx2,popcnt"))) static uint64_t total_wide(const char *p, const char *end) {
    state s = {0, 0, 0, 0};
    block b;
    uint64_t sum = 0;
    for (; p < end; p += 64) {
        size_t left = (size_t)(end - p);
        read_block_wide(p, left < 64 ? left : 64, &b);
        sum += weigh_popcnt(&b, &s);
        if (b.high) sum += weigh_wide(b.high, p, end);
        if (left <= 64) break;
    }
    return sum;
}
#endif

sl_status sl_estimate_tokens(sl_str text, const sl_options *options, sl_cell *out) {
    (void)options;
    uint64_t hundredths;
#if defined(SL_WIDE)
    if (sl_has_avx2())
        hundredths = total_wide(text.ptr, text.ptr + text.len);
    else
#endif
        hundredths = total_plain(text.ptr, text.ptr + text.len);
    int64_t tokens = (int64_t)((hundredths + 50) / 100);
    out->integer = tokens || !text.len ? tokens : 1;
    return SL_OK;
}
