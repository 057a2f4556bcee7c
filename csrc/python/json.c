/* json.c - the strict reader of json.h.
 * Contract: depth costs no memory but a bit, so that no document can exhaust the stack. */
#include "json.h"

#include "../kernels/simd.h"
#include "../kernels/utf8.h"

#include <stdio.h>

static int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number that `count` hex digits at p make, or -1. */
static int32_t hex_number(const char *p, const char *end, int count) {
    int32_t number = 0;
    if (end - p < count) return -1;
    for (int i = 0; i < count; i++) {
        int digit = hex_of(p[i]);
        if (digit < 0) return -1;
        number = number << 4 | digit;
    }
    return number;
}

/* Behind the escape whose backslash is at p, or NULL. */
static const char *skip_escape(const char *p, const char *end) {
    if (end - p < 2) return NULL;
    switch (p[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return p + 2;
    case 'u':
        return hex_number(p + 2, end, 4) < 0 ? NULL : p + 6;
    case 'x':
        return hex_number(p + 2, end, 2) < 0 ? NULL : p + 4;
    default:
        return NULL;
    }
}

const char *sl_json_string(const char *p, const char *end, int *escaped) {
    for (p++; p < end;) {
        if (end - p >= 16) {
            sl_v16 v = sl_v16_load(p);
            uint32_t found = sl_v16_mask(sl_v16_or(sl_v16_eq(v, sl_v16_fill('"')), sl_v16_eq(v, sl_v16_fill('\\'))));
            if (!found) {
                p += 16;
                continue;
            }
            p += sl_first_bit(found);
        }
        if (*p == '"') return p + 1;
        if (*p == '\\') {
            *escaped = 1;
            if (!(p = skip_escape(p, end))) return NULL;
        } else {
            p++;
        }
    }
    return NULL;
}

static const char *skip_digits(const char *p, const char *end) {
    const char *start = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p == start ? NULL : p;
}

static const char *skip_number(const char *p, const char *end) {
    if (*p == '-') p++;
    if (p < end && *p == '0')
        p++;
    else if (!(p = skip_digits(p, end)))
        return NULL;
    if (p < end && *p == '.' && !(p = skip_digits(p + 1, end))) return NULL;
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        return skip_digits(p, end);
    }
    return p;
}

static const char *skip_word(const char *p, const char *end, const char *word, size_t len) {
    return (size_t)(end - p) >= len && !memcmp(p, word, len) ? p + len : NULL;
}

static const char *skip_scalar(const char *p, const char *end) {
    int ignored = 0;
    switch (*p) {
    case '"':
        return sl_json_string(p, end, &ignored);
    case 't':
        return skip_word(p, end, "true", 4);
    case 'f':
        return skip_word(p, end, "false", 5);
    case 'n':
        return skip_word(p, end, "null", 4);
    default:
        return skip_number(p, end);
    }
}

/* Behind the colon of the member at p, or NULL. */
static const char *skip_key(const char *p, const char *end) {
    int ignored = 0;
    if (p == end || *p != '"' || !(p = sl_json_string(p, end, &ignored))) return NULL;
    p = sl_json_space(p, end);
    return p == end || *p != ':' ? NULL : p + 1;
}

const char *sl_json_skip(const char *p, const char *end) {
    uint64_t objects[SL_JSON_DEPTH / 64] = {0}; /* which of the containers that p is in are objects */
    uint32_t depth = 0;
    for (;;) {
        p = sl_json_space(p, end);
        if (p == end) return NULL;
        if (*p == '{' || *p == '[') {
            if (depth == SL_JSON_DEPTH) return NULL;
            uint64_t bit = UINT64_C(1) << depth % 64, *word = &objects[depth / 64];
            int object = *p == '{';
            *word = object ? *word | bit : *word & ~bit;
            p = sl_json_space(p + 1, end);
            if (p == end) return NULL;
            depth++;
            if (*p != (object ? '}' : ']')) {
                if (object && !(p = skip_key(p, end))) return NULL;
                continue;
            }
        } else if (!(p = skip_scalar(p, end))) {
            return NULL;
        } else if (!depth) {
            return p;
        }
        /* Behind a value, or at the end of an empty container. */
        for (;;) {
            int object = (int)(objects[(depth - 1) / 64] >> (depth - 1) % 64 & 1);
            p = sl_json_space(p, end);
            if (p == end) return NULL;
            if (*p == ',') {
                p = sl_json_space(p + 1, end);
                if (object && !(p = skip_key(p, end))) return NULL;
                break;
            }
            if (*p++ != (object ? '}' : ']')) return NULL;
            if (!--depth) return p;
        }
    }
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

/* The code point of the escape at *p, which is one; *p moves behind it. */
static uint32_t read_escape(const char **p, const char *end, int *mended) {
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    char c = (*p)[1];
    if (c == 'x') {
        uint32_t point = (uint32_t)hex_number(*p + 2, end, 2);
        *p += 4;
        return point;
    }
    if (c != 'u') {
        const char *found = memchr(names, c, 5);
        *p += 2;
        return (uint32_t)(unsigned char)(found ? values[found - names] : c);
    }
    uint32_t point = (uint32_t)hex_number(*p + 2, end, 4);
    *p += 6;
    if (point >= 0xD800 && point < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        int32_t low = hex_number(*p + 2, end, 4);
        if (low >= 0xDC00 && low < 0xE000) {
            *p += 6;
            return 0x10000 + ((point - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        }
    }
    if (point < 0xD800 || point > 0xDFFF) return point;
    *mended = 1; /* half of a pair */
    return SL_REPLACEMENT;
}

/* What was appended from `start` on, each character a byte, if that is UTF-8. */
static sl_status repair_latin1(sl_buf *out, size_t start) {
    sl_buf bytes = SL_BUF_HEAP;
    const char *p = out->ptr + start, *end = out->ptr + out->len;
    sl_status status = sl_buf_reserve(&bytes, out->len - start);
    if (status > SL_OK) return status;
    while (p < end) bytes.ptr[bytes.len++] = (char)sl_utf8_next(&p, end);
    if (sl_utf8_valid(bytes.ptr, bytes.len)) {
        memcpy(out->ptr + start, bytes.ptr, bytes.len);
        out->len = start + bytes.len;
    }
    sl_buf_free(&bytes);
    return SL_OK;
}

sl_status sl_json_decode(sl_buf *out, const char *p, const char *end, int escaped, int latin1, int *mended) {
    size_t start = out->len;
    p++, end--;
    if (!escaped && sl_utf8_valid(p, (size_t)(end - p))) {
        if (!latin1 || sl_ascii_prefix(p, (size_t)(end - p)) == (size_t)(end - p))
            return sl_buf_append(out, p, (size_t)(end - p));
    }
    uint32_t all = 0;
    while (p < end) {
        const char *stop = p;
        while (stop < end && *stop != '\\' && (unsigned char)*stop < 0x80) stop++;
        SL_TRY(sl_buf_append(out, p, (size_t)(stop - p)));
        if ((p = stop) == end) break;
        uint32_t point;
        if (*p == '\\') {
            point = read_escape(&p, end, mended);
        } else {
            const char *before = p;
            point = sl_utf8_next(&p, end);
            if (point == SL_REPLACEMENT && p - before == 1) *mended = 1;
        }
        all |= point;
        SL_TRY(sl_buf_reserve(out, 4));
        out->len += sl_utf8_put(out->ptr + out->len, point);
    }
    return latin1 && all >= 0x80 && all <= 0xFF ? repair_latin1(out, start) : SL_OK;
}

sl_status sl_json_mend(sl_buf *out, const char *p, const char *end) {
    int inside = 0;
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        char escape[8];
        SL_TRY(sl_buf_reserve(out, 8));
        if (c == '"') inside = !inside;
        if (c == '\\' && end - p >= 2) {
            if (p[1] == 'x' && hex_number(p + 2, end, 2) >= 0) {
                SL_TRY(sl_buf_append(out, "\\u00", 4));
                SL_TRY(sl_buf_append(out, p + 2, 2));
                p += 4;
            } else {
                size_t size = (unsigned char)p[1] < 0x80 && (unsigned char)p[1] >= 0x20 ? 2 : 1;
                SL_TRY(sl_buf_append(out, p, size));
                p += size;
            }
        } else if (c < 0x20 && inside) {
            snprintf(escape, sizeof(escape), "\\u%04x", c);
            SL_TRY(sl_buf_append(out, escape, 6));
            p++;
        } else if (c < 0x80) {
            out->ptr[out->len++] = *p++;
        } else {
            uint32_t point = sl_utf8_next(&p, end);
            out->len += sl_utf8_put(out->ptr + out->len, point);
        }
    }
    return SL_OK;
}
