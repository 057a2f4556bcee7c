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

/* What closes the opening mark `point`: one or two marks, 0 for none. */
static inline const uint16_t *closing(uint32_t point) {
    static const uint16_t pairs[][3] = {
        {'"', '"', 0},           {'\'', '\'', 0},         {0x201C, 0x201D, 0},      {0x2018, 0x2019, 0},
        {0x201E, 0x201C, 0x201D}, {0x201A, 0x2018, 0x2019}, {0x201F, 0x201D, 0},      {0x201B, 0x2019, 0},
        {0x201D, 0x201D, 0},      {0x2019, 0x2019, 0},      {0xAB, 0xBB, 0},          {0xBB, 0xAB, 0xBB},
        {0x2039, 0x203A, 0},      {0x203A, 0x2039, 0x203A}, {0x300C, 0x300D, 0},      {0x300E, 0x300F, 0},
        {0xFE41, 0xFE42, 0},      {0xFE43, 0xFE44, 0},      {0xFF62, 0xFF63, 0},      {0x301D, 0x301E, 0x301F},
        {0xFF02, 0xFF02, 0},      {0xFF07, 0xFF07, 0},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (pairs[i][0] == point) return pairs[i] + 1;
    return NULL;
}

/* 1 for every byte that an opening mark can begin with. */
static inline int may_open(unsigned char c) {
    return c == '"' || c == '\'' || c == 0xC2 || c == 0xE2 || c == 0xE3 || c == 0xEF;
}

sl_status sl_unquote(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    if (text.len < 2 || !may_open((unsigned char)text.ptr[0])) return SL_UNCHANGED;
    const char *from = text.ptr, *end = text.ptr + text.len, *to = end;
    const uint16_t *marks = closing(sl_utf8_next(&from, end));
    if (!marks || from == end) return SL_UNCHANGED;
    uint32_t last = sl_utf8_previous(from, &to);
    if (last != marks[0] && (!marks[1] || last != marks[1])) return SL_UNCHANGED;
    return sl_buf_append(out, from, (size_t)(to - from));
}
