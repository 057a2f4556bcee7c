/* emoji.c - emoji in a text, whole sequences.
 * Contract: results point into the input and begin and end at code points; linear: no sequence has more than ten.
 * Source: Unicode emoji-test.txt; the list is streamliner_udf/reference/emoji.txt. */
#include "emoji_tables.h"
#include "pairs.h"
#include "utf8.h"

/* What begins an emoji, and the end of a keycap: 1F004 and above; 2049 to 2B55; 00A9, 00AE; 3297, 3299; and in the middle
 * of a character 203C, 3030, 303D. Leaves out what prose is full of: General Punctuation, accents, other scripts. */
static inline sl_v16 triggers(sl_v16 v, sl_v16 next) {
    sl_v16 symbol = sl_v16_and(sl_v16_eq(v, sl_v16_fill(0xE2)), sl_v16_range(next, 0x81, 0xBF));
    sl_v16 sign = sl_v16_and(sl_v16_eq(v, sl_v16_fill(0xC2)), sl_v16_eq(sl_v16_or(next, sl_v16_fill(7)), sl_v16_fill(0xAF)));
    sl_v16 ideograph = sl_v16_and(sl_v16_eq(v, sl_v16_fill(0xE3)), sl_v16_eq(next, sl_v16_fill(0x8A)));
    sl_v16 inner = sl_v16_or(sl_v16_eq(next, sl_v16_fill(0xB0)), sl_v16_range(next, 0xBC, 0xBD));
    inner = sl_v16_and(inner, sl_v16_eq(v, sl_v16_fill(0x80)));
    return sl_v16_or(sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xF0)), symbol), sl_v16_or(sl_v16_or(sign, ideograph), inner));
}

static inline sl_v16 join(const char *p) {
    return sl_v16_or(sl_v16_or(sl_v16_load(p), sl_v16_load(p + 16)), sl_v16_or(sl_v16_load(p + 32), sl_v16_load(p + 48)));
}

/* The first trigger at or after `i`; `len` if there is none. */
static inline size_t find_trigger(const char *p, size_t i, size_t len) {
    while (i + 65 <= len) {
        if (SL_LIKELY(!sl_v16_mask(join(p + i)))) { /* ASCII */
            i += 64;
            continue;
        }
        size_t at = sl_find_pair(p, i, i + 65, triggers);
        if (at < i + 64) return at;
        i += 64;
    }
    return sl_find_pair(p, i, len, triggers);
}

size_t sl_scan_emoji(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    return find_trigger(ptr, 0, len);
}

static inline int is_followed_by(const char *p, const char *end, const char *bytes) {
    return end - p >= 3 && !memcmp(p, bytes, 3);
}

/* Where the emoji at p ends: the longest listed sequence without U+FE0E behind it. NULL if there is none. */
static const char *skip_emoji(const char *p, const char *end) {
    const char *stop = NULL;
    uint32_t state = EMOJI_START;
    while (p < end) {
        state = emoji_next[state * EMOJI_CLASSES + emoji_class_of(sl_utf8_next(&p, end))];
        if (!state) break;
        if (state >= EMOJI_FINAL && !is_followed_by(p, end, "\xEF\xB8\x8E")) stop = p;
    }
    return stop;
}

static inline int is_indicator(const char *p, const char *end) {
    return end - p >= 4 && !memcmp(p, "\xF0\x9F\x87", 3) && (unsigned char)p[3] >= 0xA6;
}

/* Where the emoji may begin that the trigger at p is part of, not before `from`. */
static const char *find_start(const char *p, const char *end, const char *from) {
    if ((unsigned char)*p == 0x80) return p > from ? p - 1 : p;
    if (!is_followed_by(p, end, "\xE2\x83\xA3")) return p;
    if (p - from >= 4 && !memcmp(p - 3, "\xEF\xB8\x8F", 3)) return p - 4;
    return p > from ? p - 1 : p;
}

sl_status sl_extract_emoji(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    const char *end = text.ptr + text.len, *from = text.ptr;
    size_t i = 0;
    while ((i = find_trigger(text.ptr, i, text.len)) < text.len) {
        const char *start = find_start(text.ptr + i, end, from), *stop = skip_emoji(start, end);
        if (stop) {
            sl_cell *cells;
            SL_TRY(sl_rows_add(out, &cells));
            cells[0].text = (sl_str){start, (uint32_t)(stop - start)};
        } else if (is_indicator(start, end) && is_indicator(start + 4, end)) {
            stop = start + 8; /* a pair that is no flag */
        } else {
            stop = text.ptr + i + 1;
        }
        i = (size_t)(stop - text.ptr);
        from = stop;
    }
    return SL_OK;
}
