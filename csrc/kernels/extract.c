/* extract.c - things in a text: web addresses.
 * Contract: results point into the input and begin and end at code points; linear in the length, whatever the text.
 * Source: RFC 3986; GitHub Flavored Markdown 6.9 for trailing punctuation and brackets. */
#include "../streamliner.h"
#include "simd.h"
#include "utf8.h"

/* What a character is to a URL. TRAILING and SEPARATOR belong to it unless nothing but such follows. */
enum { BODY, TRAILING, OPEN_ROUND, OPEN_SQUARE, CLOSE_ROUND, CLOSE_SQUARE, SEPARATOR, END };

#define X16(c) c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c
static const uint8_t ascii_class[128] = {
    X16(END), X16(END), /* controls */
    ['!'] = TRAILING, ['"'] = END, ['\''] = TRAILING, ['('] = OPEN_ROUND, [')'] = CLOSE_ROUND, ['*'] = TRAILING,
    [','] = SEPARATOR, ['.'] = TRAILING, [' '] = END, [':'] = TRAILING, [';'] = SEPARATOR, ['<'] = END, ['>'] = END,
    ['?'] = TRAILING, ['['] = OPEN_SQUARE, ['\\'] = END, [']'] = CLOSE_SQUARE, ['^'] = END, ['_'] = TRAILING,
    ['`'] = END, ['{'] = END, ['|'] = END, ['}'] = END, ['~'] = TRAILING, [0x7F] = END,
};
#undef X16

/* Every other character above ASCII is BODY. The oracle says what each range is. */
static const struct {
    uint32_t first, last;
    uint8_t class;
} wide_ranges[] = {
    {0x0080, 0x00A0, END},      {0x00AB, 0x00AB, END},      {0x00BB, 0x00BB, END},      {0x037E, 0x037E, TRAILING},
    {0x0589, 0x0589, TRAILING}, {0x060C, 0x060C, TRAILING}, {0x061B, 0x061B, TRAILING}, {0x061C, 0x061C, END},
    {0x061F, 0x061F, TRAILING}, {0x06D4, 0x06D4, TRAILING}, {0x0964, 0x0965, TRAILING}, {0x1680, 0x1680, END},
    {0x180E, 0x180E, END},      {0x2000, 0x200B, END},      {0x200E, 0x200F, END},      {0x2010, 0x2013, TRAILING},
    {0x2014, 0x2017, END},      {0x2018, 0x201B, TRAILING}, {0x201C, 0x202F, END},      {0x2039, 0x203A, END},
    {0x203C, 0x203D, TRAILING}, {0x2047, 0x2049, TRAILING}, {0x205F, 0x206F, END},      {0x2190, 0x2BFF, END},
    {0x3000, 0x3004, END},      {0x3008, 0x3020, END},      {0x3030, 0x3030, END},      {0xFE10, 0xFE1F, END},
    {0xFE30, 0xFE6F, END},      {0xFEFF, 0xFEFF, END},      {0xFF01, 0xFF0F, END},      {0xFF1A, 0xFF20, END},
    {0xFF3B, 0xFF40, END},      {0xFF5B, 0xFF65, END},      {0xFFF9, 0xFFFC, END},      {0x1F000, 0x1FAFF, END},
};

static int classify_wide(uint32_t point) {
    size_t low = 0, high = sizeof(wide_ranges) / sizeof(wide_ranges[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (point > wide_ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    int inside = low < sizeof(wide_ranges) / sizeof(wide_ranges[0]) && point >= wide_ranges[low].first;
    return inside ? wide_ranges[low].class : BODY;
}

/* The class of the character at *p (p < end), and p moves behind it. */
static inline int next_class(const char **p, const char *end) {
    unsigned char c = (unsigned char)**p;
    if (SL_LIKELY(c < 0x80)) {
        *p += 1;
        return ascii_class[c];
    }
    return classify_wide(sl_utf8_next(p, end));
}

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }
static inline int is_letter(char c) { return (char)(c | 0x20) >= 'a' && (char)(c | 0x20) <= 'z'; }
static inline int is_word(char c) { return is_digit(c) || is_letter(c); }

/* 1 if the text at p begins with `word`, whose letters are lower-case, in any case. */
static inline int begins(const char *p, const char *end, const char *word, size_t len) {
    if ((size_t)(end - p) < len) return 0;
    for (size_t i = 0; i < len; i++)
        if (p[i] != word[i] && !(is_letter(word[i]) && (p[i] | 0x20) == word[i])) return 0;
    return 1;
}

static inline int begins_scheme(const char *p, const char *end) {
    return begins(p, end, "http://", 7) || begins(p, end, "https://", 8);
}

/* A letter, a digit, or what is BODY above ASCII: what a host may begin with. */
static int is_host_start(const char *p, const char *end) {
    if (p == end) return 0;
    if ((unsigned char)*p & 0x80) return next_class(&p, end) == BODY;
    if (*p != '[') return is_word(*p);
    const char *start = ++p; /* [an IPv6 address] */
    while (p < end && p - start <= 45 &&
           (is_digit(*p) || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f') || *p == ':' || *p == '.'))
        p++;
    return p < end && *p == ']' && p - start >= 2 && p - start <= 45;
}

/* 1 if *p begins labels with a dot between them, the last of two characters or more and with no digit first; p moves to
 * where the labels end, and no search for a start needs to look at them again. */
static int skip_domain(const char **p, const char *end) {
    const char *at = *p;
    int labels = 0, characters = 0, is_name = 0, was_name = 0;
    /* labels, was_name: of the labels that a dot has ended; characters, is_name: of the one under way. */
    while (at < end) {
        const char *before = at;
        if (*at == '.') {
            if (!characters) break;
            was_name = is_name && characters >= 2;
            labels++;
            characters = 0;
            at++;
            continue;
        }
        if ((unsigned char)*at & 0x80) {
            if (next_class(&at, end) != BODY) {
                at = before;
                break;
            }
        } else if (*at == '-' || is_word(*at)) {
            at++;
        } else {
            break;
        }
        if (!characters) is_name = *before != '-' && !is_digit(*before);
        if (characters < 2) characters++;
    }
    *p = at;
    return characters ? labels >= 1 && is_name && characters >= 2 : labels >= 2 && was_name;
}

/* The end of the URL whose host begins at *p; p moves to the end of the run of its characters. Where brackets are left
 * open, the URL ends before the first one since all were closed: one pass, and no run is ever walked twice. */
static const char *skip_url(const char **p, const char *end) {
    const char *at = *p, *stop = at, *unpaired = at;
    size_t round = 0, square = 0;
    while (at < end) {
        const char *before = at;
        int class = next_class(&at, end);
        if (SL_LIKELY(class == BODY)) {
            stop = at;
            continue;
        }
        if (class == TRAILING) continue;
        int ends = class == END || (class == CLOSE_ROUND && !round) || (class == CLOSE_SQUARE && !square) ||
                   ((class == SEPARATOR || class == OPEN_ROUND || class == OPEN_SQUARE) && begins_scheme(at, end));
        if (ends) {
            at = before;
            break;
        }
        if (class == SEPARATOR) continue;
        if (class == OPEN_ROUND || class == OPEN_SQUARE) {
            if (!round && !square) unpaired = stop;
            round += class == OPEN_ROUND;
            square += class == OPEN_SQUARE;
        } else {
            round -= class == CLOSE_ROUND;
            square -= class == CLOSE_SQUARE;
        }
        stop = at;
    }
    *p = at;
    return round || square ? unpaired : stop;
}

/* Top bit set where a byte and the one after it are ":/" or "ww". `next` holds the text from one byte further on. */
static inline sl_v16 pairs(sl_v16 v, sl_v16 next) {
    sl_v16 lower = sl_v16_fill(0x20), w = sl_v16_fill('w');
    sl_v16 slash = sl_v16_and(sl_v16_eq(v, sl_v16_fill(':')), sl_v16_eq(next, sl_v16_fill('/')));
    sl_v16 www = sl_v16_and(sl_v16_eq(sl_v16_or(v, lower), w), sl_v16_eq(sl_v16_or(next, lower), w));
    return sl_v16_or(slash, www);
}

/* The first ":/" or "ww" at or after `i`; `len` if there is none. Both are rare enough in prose to be found alone. */
static inline size_t find_pair(const char *p, size_t i, size_t len) {
#define AT(offset) pairs(sl_v16_load(p + (offset)), sl_v16_load(p + (offset) + 1))
    for (; i + 33 <= len; i += 32) {
        sl_v16 low = AT(i), high = AT(i + 16);
        if (SL_UNLIKELY(sl_v16_mask(sl_v16_or(low, high))))
            return i + sl_first_bit(sl_v16_mask(low) | (uint64_t)sl_v16_mask(high) << 16);
    }
    if (i + 17 <= len) {
        uint32_t mask = sl_v16_mask(AT(i));
        if (SL_UNLIKELY(mask)) return i + sl_first_bit(mask);
        i += 16;
    }
    if (i + 1 >= len) return len;
    if (len >= 17) { /* the last seventeen bytes, without the pairs before i */
        uint32_t mask = sl_v16_mask(AT(len - 17)) >> (i - (len - 17));
        return mask ? i + sl_first_bit(mask) : len;
    }
    size_t left = len - i;
    uint32_t mask = sl_v16_mask(pairs(sl_v16_load_tail(p + i, left, 0), sl_v16_load_tail(p + i + 1, left - 1, 0)));
    return mask ? i + sl_first_bit(mask) : len;
#undef AT
}

#if defined(SL_WIDE)
SL_AVX2 static inline sl_v32 pairs_wide(const char *p) {
    const sl_v32 lower = sl_v32_fill(0x20), w = sl_v32_fill('w');
    sl_v32 v = sl_v32_load(p), next = sl_v32_load(p + 1);
    sl_v32 slash = sl_v32_and(sl_v32_eq(v, sl_v32_fill(':')), sl_v32_eq(next, sl_v32_fill('/')));
    return sl_v32_or(slash, sl_v32_and(sl_v32_eq(sl_v32_or(v, lower), w), sl_v32_eq(sl_v32_or(next, lower), w)));
}

/* The same, 64 bytes a step, for len >= 65. */
SL_AVX2 static size_t find_pair_wide(const char *p, size_t len) {
    size_t i = 0, last = len - 65;
    for (;;) {
        sl_v32 a = pairs_wide(p + i), b = pairs_wide(p + i + 32);
        if (sl_v32_mask(sl_v32_or(a, b))) return i + sl_first_bit(sl_v32_mask(a) | (uint64_t)sl_v32_mask(b) << 32);
        if (i == last) return len;
        i = i + 64 <= last ? i + 64 : last;
    }
}
#endif

size_t sl_scan_urls(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
#if defined(SL_WIDE)
    if (len >= 65 && sl_has_avx2()) return find_pair_wide(ptr, len);
#endif
    return find_pair(ptr, 0, len);
}

/* The start of the URL that the pair at `at` belongs to, and its host; NULL if there is none from `from` on. */
static const char *find_start(sl_str text, const char *from, const char *at, const char **host) {
    const char *end = text.ptr + text.len;
    if (*at == ':') {
        if (end - at < 3 || at[2] != '/') return NULL;
        const char *start = NULL;
        if (at - from >= 4 && begins(at - 4, end, "http", 4))
            start = at - 4;
        else if (at - from >= 5 && begins(at - 5, end, "https", 5))
            start = at - 5;
        if (!start || (start > text.ptr && is_word(start[-1]))) return NULL;
        *host = at + 3;
        return start;
    }
    if (!begins(at, end, "www.", 4)) return NULL;
    *host = at + 4;
    if (at == text.ptr) return at;
    char before = at[-1];
    if (is_word(before) || before == '_' || before == '@' || before == '/' || before == '-') return NULL;
    return before == '.' && (at - text.ptr < 2 || at[-2] != '.') ? NULL : at;
}

/* Nine of ten chat messages hold no URL, so the work is to look for two neighbouring bytes, sixteen places a step, and
 * to think only where they stand. After a URL the search goes on behind it. */
sl_status sl_extract_urls(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    const char *end = text.ptr + text.len;
    size_t from = 0, i = 0;
    while ((i = find_pair(text.ptr, i, text.len)) < text.len) {
        const char *host = NULL, *start = find_start(text, text.ptr + from, text.ptr + i, &host);
        i++;
        if (!start) continue;
        const char *next = host;
        int is_bare = start[0] == 'w' || start[0] == 'W';
        int found = is_bare ? skip_domain(&next, end) : is_host_start(host, end);
        if (found) {
            next = host;
            const char *stop = skip_url(&next, end);
            sl_cell *cells;
            SL_TRY(sl_rows_add(out, &cells));
            cells[0].text = (sl_str){start, (uint32_t)(stop - start)};
        }
        from = i = (size_t)(next - text.ptr);
    }
    return SL_OK;
}
