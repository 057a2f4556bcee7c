/* html.c - HTML references for the characters that HTML reserves.
 * Contract: bytes outside ASCII pass through untouched, so any bytes are safe; output is at most six times the input.
 * Source: the HTML Standard, 13.1.2.3 and 13.1.4; the same five references as Python's html.escape. */
#include "../streamliner.h"
#include "simd.h"

/* word[0]: whether the quotes are escaped as well. */
sl_status sl_prepare_quote(const sl_value *values, sl_options *options, sl_error *error) {
    (void)error;
    options->word[0] = values[0].integer != 0;
    return SL_OK;
}

/* Top bit set where the byte is reserved. One bit tells & (0x26) from ' (0x27) and < (0x3C) from > (0x3E), so setting
 * that bit halves the comparisons. `both` is 0x01 when quotes count and 0 when not; `quote` is '"', or '&' again. */
static inline sl_v16 reserved(sl_v16 v, sl_v16 both, sl_v16 ampersand, sl_v16 quote) {
    sl_v16 angle = sl_v16_eq(sl_v16_or(v, sl_v16_fill(0x02)), sl_v16_fill('>'));
    return sl_v16_or(sl_v16_or(angle, sl_v16_eq(v, quote)), sl_v16_eq(sl_v16_or(v, both), ampersand));
}

/* The reference of a reserved byte, padded to eight bytes so that it can be stored whole. */
static inline size_t put_reference(char *out, char c) {
    switch (c) {
        case '&':
            memcpy(out, "&amp;\0\0", 8);
            return 5;
        case '<':
            memcpy(out, "&lt;\0\0\0", 8);
            return 4;
        case '>':
            memcpy(out, "&gt;\0\0\0", 8);
            return 4;
        case '"':
            memcpy(out, "&quot;\0", 8);
            return 6;
        default:
            memcpy(out, "&#x27;\0", 8);
            return 6;
    }
}

enum { REFERENCE_MAX = 6, SLACK = 16 };

/* Copies the text from its first reserved byte on: sixteen bytes are stored before it is known how many of them count,
 * which takes no branch on the length of a run. */
static sl_status escape_from(sl_str text, size_t first, const sl_v16 *set, sl_buf *out) {
    SL_TRY(sl_buf_reserve(out, (size_t)text.len + 2 * REFERENCE_MAX + SLACK));
    memcpy(out->ptr, text.ptr, first);
    char *to = out->ptr + first;
    size_t i = first;
    while (i < text.len) {
        size_t left = text.len - i, count = left < 16 ? left : 16;
        sl_v16 v = SL_LIKELY(left >= 16) ? sl_v16_load(text.ptr + i) : sl_v16_load_tail(text.ptr + i, left, 0);
        uint32_t mask = sl_v16_mask(reserved(v, set[0], set[1], set[2]));
        sl_v16_store(to, v);
        if (!mask) {
            to += count;
            i += count;
            continue;
        }
        count = sl_first_bit(mask);
        to += count;
        to += put_reference(to, text.ptr[i + count]);
        i += count + 1;
        /* Room for the rest as it is, for one more reference, and for a store that is wider than what counts. */
        out->len = (size_t)(to - out->ptr);
        size_t need = text.len - i + REFERENCE_MAX + SLACK;
        if (SL_UNLIKELY(out->cap - out->len < need)) {
            if (out->len > SL_TEXT_MAX) return SL_ERANGE;
            SL_TRY(sl_buf_reserve(out, need));
            to = out->ptr + out->len;
        }
    }
    out->len = (size_t)(to - out->ptr);
    return out->len > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
}

typedef struct reserved_set {
    sl_v16 v[3];
} reserved_set;

static inline reserved_set make_set(const sl_options *options) {
    int quote = options->word[0] != 0;
    return (reserved_set){{sl_v16_fill(quote ? 0x01 : 0), sl_v16_fill(quote ? '\'' : '&'), sl_v16_fill(quote ? '"' : '&')}};
}

/* Index of the first reserved byte, or len: one look at every byte, 64 at a time, then the last bytes once more as the
 * end of a full step. */
static inline size_t find_reserved(const char *p, size_t len, const reserved_set *set) {
    size_t i = 0;
#define MARK(block) reserved(block, set->v[0], set->v[1], set->v[2])
#define AT(offset) MARK(sl_v16_load(p + (offset)))
    if (len < 16) {
        uint32_t mask = len ? sl_v16_mask(MARK(sl_v16_load_tail(p, len, 0))) : 0;
        return mask ? sl_first_bit(mask) : len;
    }
    for (; i + 64 <= len; i += 64)
        if (sl_v16_mask(sl_v16_or(sl_v16_or(AT(i), AT(i + 16)), sl_v16_or(AT(i + 32), AT(i + 48))))) break;
    for (; i + 16 <= len; i += 16) {
        uint32_t mask = sl_v16_mask(AT(i));
        if (mask) return i + sl_first_bit(mask);
    }
    if (i < len) {
        uint32_t mask = sl_v16_mask(AT(len - 16));
        if (mask) return len - 16 + sl_first_bit(mask);
    }
#undef AT
#undef MARK
    return len;
}

size_t sl_scan_html(const char *ptr, size_t len, const sl_options *options) {
    reserved_set set = make_set(options);
    return find_reserved(ptr, len, &set);
}

/* Nineteen of twenty chat messages hold nothing reserved, so the work is to look. O(len), no copy unless something is
 * found. */
sl_status sl_html_escape(sl_str text, const sl_options *options, sl_buf *out) {
    reserved_set set = make_set(options);
    size_t first = find_reserved(text.ptr, text.len, &set);
    return first == text.len ? SL_UNCHANGED : escape_from(text, first, set.v, out);
}
