/* sha256.c - SHA-256: portable C, and the SHA instructions of x86-64; padding, and HMAC.
 * Contract: reads exactly the bytes it is given; both ways give the same state for every input.
 * Source: FIPS 180-4 sections 4.2.2, 5.1.1, 5.3.3 and 6.2; RFC 2104; Intel SHA Extensions, 2013, for the meaning of the
 * instructions. */
#include "sha256.h"

static const uint32_t start[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                  0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

static const uint32_t constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static inline uint32_t rotate(uint32_t value, int by) { return value >> by | value << (32 - by); }

static inline uint32_t get_big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_big_endian(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

/* The schedule of 64 words is a ring of 16: word t depends on t - 2, t - 7, t - 15 and t - 16 only. */
static inline uint32_t schedule(uint32_t w[16], int t) {
    uint32_t near = w[(t + 14) & 15], far = w[(t + 1) & 15];
    return w[t & 15] += (rotate(near, 17) ^ rotate(near, 19) ^ near >> 10) + w[(t + 9) & 15] +
                        (rotate(far, 7) ^ rotate(far, 18) ^ far >> 3);
}

static void blocks_plain(uint32_t state[8], const uint8_t *data, size_t count) {
    for (; count; count--, data += SL_SHA256_BLOCK) {
        uint32_t w[16], s[8];
        memcpy(s, state, sizeof(s));
        for (int t = 0; t < 64; t++) {
            uint32_t word = t < 16 ? (w[t] = get_big_endian(data + 4 * t)) : schedule(w, t);
            uint32_t a = s[0], e = s[4];
            uint32_t one = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (s[6] ^ (e & (s[5] ^ s[6]))) +
                           constants[t] + word;
            uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & s[1]) | (s[2] & (a | s[1])));
            s[7] = s[6], s[6] = s[5], s[5] = e, s[4] = s[3] + one;
            s[3] = s[2], s[2] = s[1], s[1] = a, s[0] = one + two;
        }
        for (int i = 0; i < 8; i++) state[i] += s[i];
    }
}

const sl_sha256 sl_sha256_plain = {blocks_plain};

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* Two rounds an instruction, on the lower half of the words; the halves of the state swap their roles each time.
 * These instructions are SSE-encoded: the function must stay free of AVX, or every one of them waits for a merge. */
#define FOUR(i)                                                                                                     \
    do {                                                                                                            \
        __m128i sum = _mm_add_epi32(w[(i) & 3], _mm_loadu_si128((const __m128i *)(const void *)(constants + 4 * (i)))); \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);                                                              \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));                                     \
    } while (0)
/* w[i] are the words 4i to 4i + 3. */
#define NEXT(i)                                                                                                     \
    do {                                                                                                            \
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[(i) & 3], w[((i) + 1) & 3]),                             \
                                    _mm_alignr_epi8(w[((i) + 3) & 3], w[((i) + 2) & 3], 4));                        \
        w[(i) & 3] = _mm_sha256msg2_epu32(sum, w[((i) + 3) & 3]);                                                   \
        FOUR(i);                                                                                                    \
    } while (0)

__attribute__((target("sha,sse4.1"))) static void blocks_sha(uint32_t state[8], const uint8_t *data, size_t count) {
    const __m128i swap = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
    __m128i *out = (__m128i *)(void *)state;
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(out), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(out + 1), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    for (; count; count--, data += SL_SHA256_BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        const __m128i *in = (const __m128i *)(const void *)data;
        __m128i w[4];
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128(in + i), swap);
        FOUR(0); FOUR(1); FOUR(2); FOUR(3);
        NEXT(4); NEXT(5); NEXT(6); NEXT(7); NEXT(8); NEXT(9); NEXT(10); NEXT(11); NEXT(12); NEXT(13); NEXT(14); NEXT(15);
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i abef_turned = _mm_shuffle_epi32(abef, 0x1B), cdgh_turned = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128(out, _mm_blend_epi16(abef_turned, cdgh_turned, 0xF0));
    _mm_storeu_si128(out + 1, _mm_alignr_epi8(cdgh_turned, abef_turned, 8));
}

const sl_sha256 *sl_sha256_best(void) {
    static const sl_sha256 sha = {blocks_sha};
    return sl_cpu_has_sha() ? &sha : &sl_sha256_plain;
}
#else
const sl_sha256 *sl_sha256_best(void) { return &sl_sha256_plain; }
#endif

/* ---- whole messages --------------------------------------------------------------------------------------------- */

/* Hashes the rest of a message of which `before` bytes, whole blocks, are in the state. All but the end is hashed where it
 * lies. */
static void finish(const sl_sha256 *sha256, uint32_t state[8], uint64_t before, const uint8_t *data, size_t len,
                   uint8_t digest[SL_SHA256_SIZE]) {
    uint8_t tail[2 * SL_SHA256_BLOCK] = {0};
    size_t whole = len / SL_SHA256_BLOCK, left = len % SL_SHA256_BLOCK;
    if (whole) sha256->blocks(state, data, whole);
    if (left) memcpy(tail, data + whole * SL_SHA256_BLOCK, left);
    tail[left] = 0x80;
    size_t blocks = left + 9 > SL_SHA256_BLOCK ? 2 : 1; /* 0x80 and eight bytes of length must fit */
    uint64_t bits = (before + len) * 8;
    put_big_endian(tail + blocks * SL_SHA256_BLOCK - 8, (uint32_t)(bits >> 32));
    put_big_endian(tail + blocks * SL_SHA256_BLOCK - 4, (uint32_t)bits);
    sha256->blocks(state, tail, blocks);
    for (int i = 0; i < 8; i++) put_big_endian(digest + 4 * i, state[i]);
}

void sl_sha256_digest(const sl_sha256 *sha256, const char *ptr, size_t len, uint8_t digest[SL_SHA256_SIZE]) {
    uint32_t state[8];
    memcpy(state, start, sizeof(state));
    finish(sha256, state, 0, (const uint8_t *)ptr, len, digest);
}

void sl_hmac_start(sl_hmac *hmac, const sl_sha256 *sha256, const char *key, size_t len) {
    uint8_t block[SL_SHA256_BLOCK] = {0};
    if (len > SL_SHA256_BLOCK)
        sl_sha256_digest(sha256, key, len, block);
    else if (len)
        memcpy(block, key, len);
    hmac->sha256 = sha256;
    memcpy(hmac->inner, start, sizeof(start));
    memcpy(hmac->outer, start, sizeof(start));
    for (int i = 0; i < SL_SHA256_BLOCK; i++) block[i] ^= 0x36;
    sha256->blocks(hmac->inner, block, 1);
    for (int i = 0; i < SL_SHA256_BLOCK; i++) block[i] ^= 0x36 ^ 0x5C;
    sha256->blocks(hmac->outer, block, 1);
}

void sl_hmac_digest(const sl_hmac *hmac, const char *ptr, size_t len, uint8_t digest[SL_SHA256_SIZE]) {
    uint32_t state[8];
    memcpy(state, hmac->inner, sizeof(state));
    finish(hmac->sha256, state, SL_SHA256_BLOCK, (const uint8_t *)ptr, len, digest);
    memcpy(state, hmac->outer, sizeof(state));
    finish(hmac->sha256, state, SL_SHA256_BLOCK, digest, SL_SHA256_SIZE, digest);
}
