/* sha1.c - the SHA-1 compression function: portable C, and the SHA instructions of x86-64.
 * Contract: reads exactly count * 64 bytes; both ways give the same state for every input.
 * Source: FIPS 180-4 section 6.1.2; Intel SHA Extensions, 2013, for the meaning of the instructions. */
#include "sha1.h"

static inline uint32_t rotate(uint32_t value, int by) { return value << by | value >> (32 - by); }

static inline uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The schedule of 80 words is a ring of 16: word t depends on t - 3, t - 8, t - 14 and t - 16 only. */
#define SCHEDULE(t) \
    (w[(t) & 15] = rotate(w[((t) + 13) & 15] ^ w[((t) + 8) & 15] ^ w[((t) + 2) & 15] ^ w[(t) & 15], 1))
#define ROUND(mix, constant, word)                                      \
    do {                                                                \
        uint32_t next = rotate(a, 5) + (mix) + e + (constant) + (word); \
        e = d, d = c, c = rotate(b, 30), b = a, a = next;               \
    } while (0)

static void blocks_plain(uint32_t state[5], const uint8_t *data, size_t count) {
    for (; count; count--, data += SL_SHA1_BLOCK) {
        uint32_t w[16];
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int t = 0; t < 16; t++) w[t] = big_endian(data + 4 * t);
        for (int t = 0; t < 16; t++) ROUND(d ^ (b & (c ^ d)), 0x5A827999u, w[t]);
        for (int t = 16; t < 20; t++) ROUND(d ^ (b & (c ^ d)), 0x5A827999u, SCHEDULE(t));
        for (int t = 20; t < 40; t++) ROUND(b ^ c ^ d, 0x6ED9EBA1u, SCHEDULE(t));
        for (int t = 40; t < 60; t++) ROUND((b & c) | (d & (b | c)), 0x8F1BBCDCu, SCHEDULE(t));
        for (int t = 60; t < 80; t++) ROUND(b ^ c ^ d, 0xCA62C1D6u, SCHEDULE(t));
        state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
    }
}

const sl_sha1 sl_sha1_plain = {blocks_plain};

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* Four rounds an instruction. w[i] are the words 4i to 4i + 3; abcd is the state before the four rounds, and e of the
 * next four comes out of a of these (sha1nexte), so `before` is kept one step longer.
 * These instructions are SSE-encoded: the function must stay free of AVX, or every one of them waits for a merge. */
#define WORDS(i) (w[(i) & 3] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w[(i) & 3], w[((i) + 1) & 3]), \
                                                                w[((i) + 2) & 3]), w[((i) + 3) & 3]))
#define FOUR(words, function)                              \
    do {                                                   \
        __m128i e = _mm_sha1nexte_epu32(before, (words));  \
        before = abcd;                                     \
        abcd = _mm_sha1rnds4_epu32(abcd, e, (function));   \
    } while (0)

__attribute__((target("sha,sse4.1"))) static void blocks_sha(uint32_t state[5], const uint8_t *data, size_t count) {
    const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090A0B0C0D0E0F);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0x1B);
    __m128i e0 = _mm_set_epi32((int)state[4], 0, 0, 0);
    for (; count; count--, data += SL_SHA1_BLOCK) {
        const __m128i abcd_start = abcd;
        const __m128i *in = (const __m128i *)(const void *)data;
        __m128i w[4];
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128(in + i), swap);
        __m128i before = abcd;
        abcd = _mm_sha1rnds4_epu32(abcd, _mm_add_epi32(e0, w[0]), 0);
        FOUR(w[1], 0); FOUR(w[2], 0); FOUR(w[3], 0); FOUR(WORDS(4), 0);
        FOUR(WORDS(5), 1); FOUR(WORDS(6), 1); FOUR(WORDS(7), 1); FOUR(WORDS(8), 1); FOUR(WORDS(9), 1);
        FOUR(WORDS(10), 2); FOUR(WORDS(11), 2); FOUR(WORDS(12), 2); FOUR(WORDS(13), 2); FOUR(WORDS(14), 2);
        FOUR(WORDS(15), 3); FOUR(WORDS(16), 3); FOUR(WORDS(17), 3); FOUR(WORDS(18), 3); FOUR(WORDS(19), 3);
        e0 = _mm_sha1nexte_epu32(before, e0);
        abcd = _mm_add_epi32(abcd, abcd_start);
    }
    _mm_storeu_si128((__m128i *)(void *)state, _mm_shuffle_epi32(abcd, 0x1B));
    state[4] = (uint32_t)_mm_extract_epi32(e0, 3);
}

const sl_sha1 *sl_sha1_best(void) {
    static const sl_sha1 sha = {blocks_sha};
    return sl_cpu_has_sha() ? &sha : &sl_sha1_plain;
}
#else
const sl_sha1 *sl_sha1_best(void) { return &sl_sha1_plain; }
#endif
