/* test_utf8.c - validation, counting and stepping against the table of the Unicode Standard, read literally.
 * Contract: the reference below shares nothing with kernels/utf8.c, whose source is included for its static paths.
 * Source: The Unicode Standard 3.9, table 3-7. */
#include "check.h"

#if defined(SL_TEST_PLAIN) /* the build without vector instructions: test_utf8_plain.c */
#undef __SSE2__
#undef __ARM_NEON
#endif
/* Renamed, because the same functions are also linked in. */
#define sl_utf8_valid tested_valid
#define sl_utf8_count tested_count
#define sl_ascii_prefix tested_ascii_prefix
#include "kernels/utf8.c"

/* One row of table 3-7: range of the first byte, range of the second, number of bytes; the others are 80..BF. */
static const unsigned char table_3_7[][5] = {
    {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* Bytes of the well-formed sequence at p, or 0. */
static size_t reference_length(const unsigned char *p, size_t left) {
    for (size_t row = 0; row < sizeof(table_3_7) / sizeof(table_3_7[0]); row++) {
        const unsigned char *r = table_3_7[row];
        if (p[0] < r[0] || p[0] > r[1]) continue;
        if (left < r[4]) return 0;
        if (r[4] > 1 && (p[1] < r[2] || p[1] > r[3])) return 0;
        for (size_t i = 2; i < r[4]; i++)
            if (p[i] < 0x80 || p[i] > 0xBF) return 0;
        return r[4];
    }
    return 0;
}

/* Code points, or -1 if the bytes are ill-formed. */
static int64_t reference_count(const char *ptr, size_t len) {
    int64_t count = 0;
    for (size_t i = 0, step; i < len; i += step, count++) {
        step = reference_length((const unsigned char *)ptr + i, len - i);
        if (!step) return -1;
    }
    return count;
}

static void check_steps(const char *ptr, size_t len, int64_t expected) {
    const char *end = ptr + len, *p = ptr;
    uint32_t points[256];
    size_t count = 0;
    while (p < end) {
        const char *before = p;
        uint32_t point = sl_utf8_next(&p, end);
        CHECK(p > before && p <= end && p - before <= 4);
        CHECK(point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF));
        size_t step = reference_length((const unsigned char *)before, (size_t)(end - before));
        CHECK((size_t)(p - before) == (step ? step : 1));
        if (!step) CHECK(point == SL_REPLACEMENT);
        if (count < 256) points[count] = point;
        count++;
    }
    if (expected >= 0) CHECK(count == (size_t)expected);
    for (p = end; p > ptr;) {
        const char *before = p;
        uint32_t point = sl_utf8_previous(ptr, &p);
        CHECK(p < before && p >= ptr && before - p <= 4);
        if (expected >= 0 && --count < 256) CHECK(point == points[count]);
    }
}

static void check_bytes(const char *bytes, size_t len) {
    int64_t expected = reference_count(bytes, len);
    char *copies[2] = {guarded_copy(bytes, len), exact_copy(bytes, len)};
    for (int i = 0; i < 2; i++) {
        CHECK(tested_valid(copies[i], len) == (expected >= 0));
        CHECK(valid_plain(copies[i], len) == (expected >= 0));
#if defined(SL_SIMD_SSE2) && defined(__GNUC__)
        if (sl_has_avx2()) CHECK(valid_avx2(copies[i], len) == (expected >= 0));
        if (sl_has_avx512()) CHECK(valid_avx512(copies[i], len) == (expected >= 0));
#endif
        size_t count = tested_count(copies[i], len);
        CHECK(count <= len);
        if (expected >= 0) CHECK(count == (size_t)expected);
        size_t prefix = 0;
        while (prefix < len && (unsigned char)bytes[prefix] < 0x80) prefix++;
        CHECK(tested_ascii_prefix(copies[i], len) == prefix);
    }
    check_steps(copies[1], len, expected);
    free(copies[1]);
}

/* The first and last byte of every range in table 3-7, and their neighbours: what a rule can get wrong. */
static const unsigned char edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                                      0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
enum { EDGES = sizeof(edges) };

static void check_short_sequences(void) {
    char bytes[4];
    for (uint32_t word = 0; word < 0x10000; word++) { /* every pair of bytes */
        bytes[0] = (char)(word >> 8);
        bytes[1] = (char)word;
        check_bytes(bytes, 2);
        if (word < 0x100) check_bytes(bytes + 1, 1);
    }
    check_bytes("", 0);
    /* Every four edges, at the start of a text and across the border of a 32-byte step. */
    char text[40];
    memset(text, 'a', sizeof(text));
    for (uint32_t number = 0; number < EDGES * EDGES * EDGES * EDGES; number++) {
        uint32_t rest = number;
        for (int i = 0; i < 4; i++, rest /= EDGES) bytes[i] = (char)edges[rest % EDGES];
        int expected = reference_count(bytes, 4) >= 0;
        CHECK(tested_valid(bytes, 4) == expected);
        size_t at = 29 + number % 4;
        memcpy(text + at, bytes, 4);
        CHECK(tested_valid(text, at + 4) == expected);
        CHECK(tested_valid(text, sizeof(text)) == expected);
        CHECK(valid_plain(text, sizeof(text)) == expected);
#if defined(SL_SIMD_SSE2) && defined(__GNUC__)
        if (sl_has_avx2()) CHECK(valid_avx2(text, sizeof(text)) == expected);
        if (sl_has_avx512()) CHECK(valid_avx512(text, sizeof(text)) == expected);
#endif
        memset(text + at, 'a', 4);
    }
}

static void check_every_code_point(void) {
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        if (point >= 0xD800 && point <= 0xDFFF) continue;
        char bytes[4];
        size_t len = sl_utf8_put(bytes, point);
        CHECK(reference_count(bytes, len) == 1);
        const char *p = bytes;
        CHECK(sl_utf8_next(&p, bytes + len) == point && p == bytes + len);
        CHECK(sl_utf8_previous(bytes, &p) == point && p == bytes);
    }
}

static void check_random(uint64_t rounds) {
    char bytes[300];
    for (uint64_t round = 0; round < rounds; round++) {
        size_t len = 0, want = random_below(round % 4 ? 80 : 280);
        uint32_t ascii = random_below(4);
        while (len < want) {
            uint32_t top = (const uint32_t[]){0x80, 0x800, 0x10000, 0x110000}[random_below(4)];
            uint32_t point = random_below(4) < ascii ? random_below(0x80) : random_below(top);
            if (point < 0xD800 || point > 0xDFFF) len += sl_utf8_put(bytes + len, point);
        }
        check_bytes(bytes, len);
        if (!len) continue;
        check_bytes(bytes, random_below((uint32_t)len)); /* cut anywhere */
        bytes[random_below((uint32_t)len)] = (char)random_word();
        check_bytes(bytes, len);
        for (size_t i = 0; i < len; i++) bytes[i] = (char)(random_below(3) ? random_word() : edges[random_below(EDGES)]);
        check_bytes(bytes, len);
    }
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    check_context = "short sequences";
    check_short_sequences();
    check_context = "every code point";
    check_every_code_point();
    check_context = "random bytes";
    check_random(5000 * scale);
    return 0;
}
