/* utf8.h - UTF-8 in and out, one code point at a time, and questions about whole texts.
 * Contract: safe on any bytes: never reads at or past `end`, always moves on by at least one byte. */
#ifndef SL_UTF8_H
#define SL_UTF8_H

#include "../streamliner.h"

enum { SL_REPLACEMENT = 0xFFFD };

/* Decodes the code point at *p (p < end) and moves p behind it. Ill-formed bytes give U+FFFD, one byte at a time;
 * valid UTF-8 costs no more checks than the length of the sequence. */
static inline uint32_t sl_utf8_next(const char **p, const char *end) {
    const unsigned char *s = (const unsigned char *)*p;
    size_t left = (size_t)(end - *p);
    uint32_t c = s[0];
    if (c < 0x80) {
        *p += 1;
        return c;
    }
    if (c >= 0xC2 && c < 0xE0 && left >= 2 && (s[1] & 0xC0) == 0x80) {
        *p += 2;
        return (c & 0x1F) << 6 | (s[1] & 0x3Fu);
    }
    if ((c & 0xF0) == 0xE0 && left >= 3 && (s[1] & 0xC0) == 0x80 && (s[2] & 0xC0) == 0x80) {
        uint32_t point = (c & 0x0F) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
        if (point >= 0x800 && (point < 0xD800 || point > 0xDFFF)) {
            *p += 3;
            return point;
        }
    } else if (c >= 0xF0 && c < 0xF5 && left >= 4 && (s[1] & 0xC0) == 0x80 && (s[2] & 0xC0) == 0x80 &&
               (s[3] & 0xC0) == 0x80) {
        uint32_t point = (c & 0x07) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
        if (point >= 0x10000 && point <= 0x10FFFF) {
            *p += 4;
            return point;
        }
    }
    *p += 1;
    return SL_REPLACEMENT;
}

/* Decodes the code point that ends right before *p (start < *p) and moves p to its first byte. */
static inline uint32_t sl_utf8_previous(const char *start, const char **p) {
    const char *end = *p;
    const char *s = end - 1;
    while (s > start && end - s < 4 && ((unsigned char)*s & 0xC0) == 0x80) s--;
    const char *next = s;
    uint32_t point = sl_utf8_next(&next, end);
    if (next != end) { /* ill-formed: one byte back */
        *p = end - 1;
        return SL_REPLACEMENT;
    }
    *p = s;
    return point;
}

/* Writes 1 to 4 bytes and returns how many. `out` has room for 4. */
static inline size_t sl_utf8_put(char *out, uint32_t point) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* Length of the longest prefix that is ASCII. */
size_t sl_ascii_prefix(const char *ptr, size_t len);
/* 1 if the bytes are well-formed UTF-8 (Unicode 3.9, table 3-7). */
int sl_utf8_valid(const char *ptr, size_t len);
/* Code points in valid UTF-8. */
size_t sl_utf8_count(const char *ptr, size_t len);

#endif
