/* html_reference.c - what a character reference of HTML stands for.
 * Contract: any bytes; a reference is ASCII, so what stands around it does not matter.
 * Source: the HTML Standard, 13.2.5.72 to 13.2.5.80, with the answers of Python's html.unescape. */
#include "html.h"

#include "html_names.h"
#include "utf8.h"

static inline uint32_t digit_value(char c, uint32_t base) {
    uint32_t digit = (uint32_t)(unsigned char)c - '0';
    if (digit < 10) return digit;
    digit = ((uint32_t)(unsigned char)c | 0x20) - 'a';
    return base == 16 && digit < 6 ? digit + 10 : base;
}

static void put_point(html_value *value, uint32_t point) { value->size = (uint32_t)sl_utf8_put(value->bytes, point); }

/* Control characters and noncharacters mean nothing; white space does. */
static int is_nothing(uint32_t point) {
    if (point < 0x20) return point < 0x09 || point == 0x0B || point > 0x0D;
    return point == 0x7F || (point >= 0xFDD0 && point <= 0xFDEF) || (point & 0xFFFE) == 0xFFFE;
}

/* p is behind the number sign. */
static const char *number(const char *p, const char *end, html_value *value) {
    uint32_t base = 10, point = 0;
    if (p < end && (*p == 'x' || *p == 'X')) {
        base = 16;
        p++;
    }
    const char *start = p;
    for (uint32_t digit; p < end && (digit = digit_value(*p, base)) < base; p++)
        if (point <= 0x10FFFF) point = point * base + digit; /* beyond, all numbers mean the same */
    if (p == start) return NULL;
    if (p < end && *p == ';') p++;
    if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        put_point(value, SL_REPLACEMENT);
    else if (point >= 0x80 && point < 0xA0)
        put_point(value, sl_html_old[point - 0x80]);
    else if (is_nothing(point))
        value->size = 0;
    else
        put_point(value, point);
    return p;
}

static const sl_html_name *find_name(const char *name, uint32_t len, uint32_t hash) {
    uint32_t place = sl_html_places[sl_html_place(hash)];
    if (!place) return NULL;
    const sl_html_name *found = &sl_html_values[place - 1];
    return found->len == len && !memcmp(sl_html_names + found->at, name, len) ? found : NULL;
}

static inline int is_name_byte(char c) {
    return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10;
}

static const char *take(const sl_html_name *name, const char *behind, html_value *value) {
    memcpy(value->bytes, name->value, sizeof(value->bytes));
    value->size = name->size;
    return behind;
}

/* The whole run of letters and digits where a semicolon follows, else the longest name that needs none. */
static const char *named(const char *p, const char *end, html_value *value) {
    uint32_t hashes[SL_HTML_BARE_MAX + 1], hash = 0x811C9DC5, len = 0;
    for (; len <= SL_HTML_NAME_MAX && p + len < end && is_name_byte(p[len]); len++) {
        if (len <= SL_HTML_BARE_MAX) hashes[len] = hash;
        hash = (hash ^ (unsigned char)p[len]) * 0x01000193;
    }
    if (len <= SL_HTML_BARE_MAX) hashes[len] = hash;
    if (p + len < end && p[len] == ';') {
        const sl_html_name *name = find_name(p, len, hash);
        if (name) return take(name, p + len + 1, value);
    }
    for (uint32_t i = len < SL_HTML_BARE_MAX ? len : SL_HTML_BARE_MAX; i >= 2; i--) {
        const sl_html_name *name = find_name(p, i, hashes[i]);
        if (name && name->bare) return take(name, p + i, value);
    }
    return NULL;
}

size_t html_reference(const char *p, const char *end, html_value *value) {
    if (end - p < 3) return 0;
    const char *behind = p[1] == '#' ? number(p + 2, end, value) : named(p + 1, end, value);
    return behind ? (size_t)(behind - p) : 0;
}
