/* html.c - HTML references for the characters that HTML reserves, and texts with references read.
 * Contract: bytes outside ASCII pass through untouched, so any bytes are safe; escaped text is at most six times the
 * input, unescaped text at most a fifth longer.
 * Source: the HTML Standard, 13.1.2.3 and 13.1.4; the same five references as Python's html.escape. */
#include "html.h"

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

enum { REFERENCE_MAX = 6, SLACK = 16, WIDE_SLACK = 64 };

/* After a reference, with `to` where the next byte goes: room for the `left` bytes that follow as they are, for one more
 * reference, and for a store that is wider than what counts of it. */
static inline sl_status make_room(sl_buf *out, char **to, size_t left, size_t slack) {
    size_t need = left + REFERENCE_MAX + slack;
    out->len = (size_t)(*to - out->ptr);
    if (SL_LIKELY(out->cap - out->len >= need)) return SL_OK;
    if (out->len > SL_TEXT_MAX) return SL_ERANGE;
    SL_TRY(sl_buf_reserve(out, need));
    *to = out->ptr + out->len;
    return SL_OK;
}

/* Which of the last `left` bytes, fewer than sixteen, are reserved. */
static inline uint32_t tail_mask(sl_str text, size_t left, const sl_v16 *set) {
    const char *end = text.ptr + text.len;
    int whole = text.len >= 16;
    sl_v16 v = whole ? sl_v16_load(end - 16) : sl_v16_load_tail(end - left, left, 0);
    return sl_v16_mask(reserved(v, set[0], set[1], set[2])) >> (whole ? 16 - left : 0);
}

static inline void copy_short(char *to, const char *from, size_t len) {
    if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    } else {
        to[0] = from[0];
        to[len >> 1] = from[len >> 1];
        to[len - 1] = from[len - 1];
    }
}

/* Copies the text from its first reserved byte on: sixteen bytes are stored before it is known how many of them count,
 * which takes no branch on the length of a run. */
static sl_status escape_from(sl_str text, size_t first, const sl_v16 *set, sl_buf *out) {
    SL_TRY(sl_buf_reserve(out, (size_t)text.len + 2 * REFERENCE_MAX + SLACK));
    memcpy(out->ptr, text.ptr, first);
    char *to = out->ptr + first;
    size_t i = first;
    while (i < text.len) {
        size_t left = text.len - i, count = left < 16 ? left : 16;
        uint32_t mask;
        if (SL_LIKELY(left >= 16)) {
            sl_v16 v = sl_v16_load(text.ptr + i);
            mask = sl_v16_mask(reserved(v, set[0], set[1], set[2]));
            sl_v16_store(to, v);
        } else { /* bytes that were just written one by one cannot be read as sixteen without a long wait */
            mask = tail_mask(text, left, set);
            copy_short(to, text.ptr + i, left);
        }
        if (!mask) {
            to += count;
            i += count;
            continue;
        }
        count = sl_first_bit(mask);
        to += count;
        to += put_reference(to, text.ptr[i + count]);
        i += count + 1;
        SL_TRY(make_room(out, &to, text.len - i, SLACK));
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

#if defined(SL_WIDE)
typedef struct wide_set {
    sl_v32 both, ampersand, quotation;
} wide_set;

SL_AVX2 static inline sl_v32 reserved_wide(sl_v32 v, const wide_set *set) {
    sl_v32 angle = sl_v32_eq(sl_v32_or(v, sl_v32_fill(0x02)), sl_v32_fill('>'));
    return sl_v32_or(sl_v32_or(angle, sl_v32_eq(v, set->quotation)), sl_v32_eq(sl_v32_or(v, set->both), set->ampersand));
}

/* The same, 64 bytes a step, for len >= 64. */
SL_AVX2 static size_t find_reserved_wide(const char *p, size_t len, int quote) {
    const wide_set set = {sl_v32_fill(quote ? 0x01 : 0), sl_v32_fill(quote ? '\'' : '&'), sl_v32_fill(quote ? '"' : '&')};
    size_t i = 0;
    for (;;) {
        sl_v32 a = reserved_wide(sl_v32_load(p + i), &set), b = reserved_wide(sl_v32_load(p + i + 32), &set);
        if (sl_v32_mask(sl_v32_or(a, b))) return i + sl_first_bit(sl_v32_mask(a) | (uint64_t)sl_v32_mask(b) << 32);
        if (i + 64 == len) return len;
        i = i + 128 <= len ? i + 64 : len - 64;
    }
}
#endif

size_t sl_scan_html(const char *ptr, size_t len, const sl_options *options) {
#if defined(SL_WIDE)
    if (len >= 64 && sl_has_avx2()) return find_reserved_wide(ptr, len, options->word[0] != 0);
#endif
    reserved_set set = make_set(options);
    return find_reserved(ptr, len, &set);
}

#if defined(SL_WIDE)
#define WITH_AVX512 __attribute__((target("avx512bw,avx512vl,bmi2")))

/* Which of the first `count` bytes, at most 64, are reserved. The masked load reads no further. */
WITH_AVX512 static inline uint64_t reserved_512(__m512i v, int quote) {
    uint64_t found = _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, _mm512_set1_epi8(0x02)), _mm512_set1_epi8('>')) |
                     _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('&'));
    if (quote)
        found |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) | _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\''));
    return found;
}

WITH_AVX512 static inline __m512i load_512(const char *p, size_t left) {
    return _mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), left < 64 ? (unsigned)left : 64u), p);
}

/* As escape_from, with most texts done in a step or two beyond one a reference. */
WITH_AVX512 static sl_status escape_512(sl_str text, int quote, sl_buf *out) {
    size_t i = 0;
    uint64_t found = 0;
    while (i < text.len && !(found = reserved_512(load_512(text.ptr + i, text.len - i), quote))) i += 64;
    if (!found) return SL_UNCHANGED;
    SL_TRY(sl_buf_reserve(out, (size_t)text.len + 2 * REFERENCE_MAX + WIDE_SLACK));
    char *to = out->ptr;
    for (i = 0; i < text.len;) {
        size_t left = text.len - i;
        __m512i v = load_512(text.ptr + i, left);
        found = reserved_512(v, quote);
        _mm512_storeu_si512((void *)to, v);
        if (!found) {
            size_t count = left < 64 ? left : 64;
            to += count;
            i += count;
            continue;
        }
        size_t count = sl_first_bit(found);
        to += count;
        to += put_reference(to, text.ptr[i + count]);
        i += count + 1;
        SL_TRY(make_room(out, &to, text.len - i, WIDE_SLACK));
    }
    out->len = (size_t)(to - out->ptr);
    return out->len > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
}
#endif

/* Nineteen of twenty chat messages hold nothing reserved, so the work is to look. O(len), no copy unless something is
 * found. */
sl_status sl_html_escape(sl_str text, const sl_options *options, sl_buf *out) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) return escape_512(text, options->word[0] != 0, out);
#endif
    reserved_set set = make_set(options);
    size_t first = find_reserved(text.ptr, text.len, &set);
    return first == text.len ? SL_UNCHANGED : escape_from(text, first, set.v, out);
}

/* A library function does this best: the span is long, and only one byte is looked for. */
size_t sl_scan_references(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    const char *found = len ? memchr(ptr, '&', len) : NULL;
    return found ? (size_t)(found - ptr) : len;
}

/* Few ampersands are references in a chat, so nothing is copied before one is found. Then sixteen bytes are stored before
 * it is known how many of them count, as when escaping. */
sl_status sl_html_unescape(sl_str text, const sl_options *options, sl_buf *out) {
    const char *p = text.ptr, *end = p + text.len;
    html_value value;
    size_t taken = 0;
    while (!taken) {
        p += sl_scan_references(p, (size_t)(end - p), options);
        if (p == end) return SL_UNCHANGED;
        taken = html_reference(p, end, &value);
        p += !taken;
    }
    SL_TRY(sl_buf_reserve(out, html_room(text.len, SLACK)));
    size_t first = (size_t)(p - text.ptr);
    memcpy(out->ptr, text.ptr, first);
    char *to = out->ptr + first;
    const sl_v16 ampersand = sl_v16_fill('&');
    for (;;) {
        memcpy(to, value.bytes, sizeof(value.bytes));
        to += value.size;
        p += taken;
        do { /* up to the next reference */
            while (end - p >= 16) {
                sl_v16 v = sl_v16_load(p);
                sl_v16_store(to, v);
                uint32_t mask = sl_v16_mask(sl_v16_eq(v, ampersand)), count = mask ? sl_first_bit(mask) : 16;
                p += count;
                to += count;
                if (mask) break;
            }
            while (p < end && *p != '&') *to++ = *p++;
            if (p == end) {
                out->len = (size_t)(to - out->ptr);
                return out->len > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
            }
            taken = html_reference(p, end, &value);
            if (!taken) *to++ = *p++;
        } while (!taken);
    }
}
