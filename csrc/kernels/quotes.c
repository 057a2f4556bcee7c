/* quotes.c - typographic quotation marks.
 * Contract: output is never longer than the input; bytes outside of the marks pass through, so any bytes are safe.
 * Source: PropList.txt (Quotation_Mark) and the Unicode Standard, 6.2, as the specification lists them. */
#include "../streamliner.h"
#include "simd.h"
#include "utf8.h"

/* The ASCII mark that a typographic one becomes, or 0. */
static inline char straight(uint32_t point) {
    switch (point) {
        case 0x2018: /* ‘ ’ ‚ ‛ */
        case 0x2019:
        case 0x201A:
        case 0x201B:
        case 0x2039: /* ‹ › */
        case 0x203A:
        case 0xFF07:
            return '\'';
        case 0x201C: /* “ ” „ ‟ */
        case 0x201D:
        case 0x201E:
        case 0x201F:
        case 0xAB: /* « » */
        case 0xBB:
        case 0x2E42:
        case 0x301D: /* 〝 〞 〟 */
        case 0x301E:
        case 0x301F:
        case 0xFF02:
            return '"';
        default:
            return 0;
    }
}

/* Top bit set where a byte may be the first of one of these, and where it may be the second. Of a first byte at the end
 * of a step the second is not known, and it alone decides. */
static inline sl_v16 firsts(sl_v16 v) {
    sl_v16 two = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xC2)), sl_v16_eq(v, sl_v16_fill(0xEF)));
    return sl_v16_or(two, sl_v16_eq(sl_v16_or(v, sl_v16_fill(0x01)), sl_v16_fill(0xE3)));
}

static inline sl_v16 seconds(sl_v16 v) {
    sl_v16 two = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0x80)), sl_v16_eq(v, sl_v16_fill(0xB9)));
    sl_v16 angles = sl_v16_eq(sl_v16_or(v, sl_v16_fill(0x10)), sl_v16_fill(0xBB));
    return sl_v16_or(sl_v16_or(two, angles), sl_v16_eq(v, sl_v16_fill(0xBC)));
}

static inline uint32_t sift(sl_v16 v) { return sl_v16_mask(firsts(v)) & (sl_v16_mask(seconds(v)) >> 1 | 0x8000); }

/* The first typographic mark whose first byte is among the marked ones from `base` on. */
static inline const char *first_mark(const char *base, const char *end, uint64_t marked) {
    for (; marked; marked &= marked - 1) {
        const char *at = base + sl_first_bit(marked), *next = at;
        if (straight(sl_utf8_next(&next, end))) return at;
    }
    return NULL;
}

/* The first typographic mark at or behind p, or the end. */
static const char *find_mark(const char *p, const char *end) {
    const char *start = p, *found;
    for (; end - p >= 16; p += 16) {
        sl_v16 v = sl_v16_load(p);
        if (SL_LIKELY(!sl_v16_mask(v))) continue;
        if ((found = first_mark(p, end, sift(v)))) return found;
    }
    if (p == end) return end;
    size_t left = (size_t)(end - p), done = 0;
    sl_v16 v;
    if (end - start >= 16) { /* the last sixteen bytes once more */
        done = 16 - left;
        v = sl_v16_load(end - 16);
    } else {
        v = sl_v16_load_tail(p, left, 0);
    }
    found = first_mark(p, end, sift(v) >> done);
    return found ? found : end;
}

#if defined(SL_WIDE)
SL_AVX2 static inline uint32_t firsts_wide(sl_v32 v) {
    sl_v32 two = sl_v32_or(sl_v32_eq(v, sl_v32_fill(0xC2)), sl_v32_eq(v, sl_v32_fill(0xEF)));
    return sl_v32_mask(sl_v32_or(two, sl_v32_eq(sl_v32_or(v, sl_v32_fill(0x01)), sl_v32_fill(0xE3))));
}

SL_AVX2 static inline uint32_t seconds_wide(sl_v32 v) {
    sl_v32 two = sl_v32_or(sl_v32_eq(v, sl_v32_fill(0x80)), sl_v32_eq(v, sl_v32_fill(0xB9)));
    sl_v32 angles = sl_v32_eq(sl_v32_or(v, sl_v32_fill(0x10)), sl_v32_fill(0xBB));
    return sl_v32_mask(sl_v32_or(sl_v32_or(two, angles), sl_v32_eq(v, sl_v32_fill(0xBC))));
}

/* The same, 64 bytes a step, up to the rest of fewer. */
SL_AVX2 static const char *skip_blocks(const char *p, const char *end) {
    for (; end - p >= 64; p += 64) {
        sl_v32 a = sl_v32_load(p), b = sl_v32_load(p + 32);
        if (SL_LIKELY(!sl_v32_mask(sl_v32_or(a, b)))) continue;
        uint64_t first = firsts_wide(a) | (uint64_t)firsts_wide(b) << 32;
        uint64_t second = seconds_wide(a) | (uint64_t)seconds_wide(b) << 32;
        const char *found = first_mark(p, end, first & (second >> 1 | UINT64_C(1) << 63));
        if (found) return found;
    }
    return p;
}
#endif

size_t sl_scan_typographic(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    const char *p = ptr, *end = ptr + len;
#if defined(SL_WIDE)
    if (len >= 128 && sl_has_avx2()) {
        p = skip_blocks(p, end);
        if (end - p >= 64) return (size_t)(p - ptr);
    }
#endif
    return (size_t)(find_mark(p, end) - ptr);
}

sl_status sl_straighten_quotes(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    const char *copied = text.ptr, *end = text.ptr + text.len, *at = find_mark(copied, end);
    if (at == end) return SL_UNCHANGED;
    SL_TRY(sl_buf_reserve(out, text.len));
    for (; at < end; at = find_mark(copied, end)) {
        SL_TRY(sl_buf_append(out, copied, (size_t)(at - copied)));
        out->ptr[out->len++] = straight(sl_utf8_next(&at, end));
        copied = at;
    }
    return sl_buf_append(out, copied, (size_t)(end - copied));
}

/* The one or two marks that close what `point` opens, the second in the upper half; 0 if it opens nothing. */
static inline uint32_t closing(uint32_t point) {
#define EITHER(a, b) ((uint32_t)(a) | (uint32_t)(b) << 16)
    switch (point) {
        case '"':
        case '\'':
        case 0x2019: /* ’…’ ”…” */
        case 0x201D:
        case 0xFF02:
        case 0xFF07:
            return point;
        case 0x2018: /* ‘…’ “…” ‹…› 「…」 『…』 and their vertical and half-width forms */
        case 0x201C:
        case 0x2039:
        case 0x300C:
        case 0x300E:
        case 0xFE41:
        case 0xFE43:
        case 0xFF62:
            return point + 1;
        case 0x201A: /* ‚…‘ ‚…’ */
            return EITHER(0x2018, 0x2019);
        case 0x201E: /* „…“ „…” */
            return EITHER(0x201C, 0x201D);
        case 0x201B: /* ‛…’ */
            return 0x2019;
        case 0x201F: /* ‟…” */
            return 0x201D;
        case 0xAB: /* «…» */
            return 0xBB;
        case 0xBB: /* »…« »…» */
            return EITHER(0xAB, 0xBB);
        case 0x203A: /* ›…‹ ›…› */
            return EITHER(0x2039, 0x203A);
        case 0x301D: /* 〝…〞 〝…〟 */
            return EITHER(0x301E, 0x301F);
        default:
            return 0;
    }
#undef EITHER
}

sl_status sl_unquote(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    const char *from = text.ptr, *end = text.ptr + text.len, *to = end;
    if (text.len < 2) return SL_UNCHANGED;
    uint32_t closed_by = closing(sl_utf8_next(&from, end));
    if (!closed_by || from == end) return SL_UNCHANGED;
    uint32_t last = sl_utf8_previous(from, &to);
    if (!last || (last != (closed_by & 0xFFFF) && last != closed_by >> 16)) return SL_UNCHANGED;
    return sl_buf_append(out, from, (size_t)(to - from));
}
