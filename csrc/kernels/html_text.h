/* html_text.h - what the two ways to the visible text share: the text so far, and where markup ends.
 * Contract: any bytes; what is not ASCII is text, and never markup. Linear in the length: no byte is searched twice for
 * the end of something that has no end.
 * Source: the HTML Standard, 13.2.5 and 3.2.7, as simplified in streamliner_udf/reference/html_text.py. */
#ifndef SL_HTML_TEXT_H
#define SL_HTML_TEXT_H

#include "html.h"
#include "html_elements.h"

/* What a byte can be. */
enum { IS_SPACE = 1, ENDS_NAME = 2, ENDS_ATTRIBUTE = 4 };

#define SPACE (IS_SPACE | ENDS_NAME | ENDS_ATTRIBUTE)
static const uint8_t classes[256] = {
    ['\t'] = SPACE,  ['\n'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE, [' '] = SPACE, ['/'] = ENDS_NAME | ENDS_ATTRIBUTE,
    ['>'] = ENDS_NAME | ENDS_ATTRIBUTE, ['='] = ENDS_ATTRIBUTE,
};
#undef SPACE

static inline int is(char c, int class) { return classes[(unsigned char)c] & class; }
static inline int is_letter(char c) { return (unsigned char)((c | 0x20) - 'a') < 26; }

/* text[0 .. solid) ends with a visible character. Behind it, up to len, stands the gap: white space that counts if
 * another visible character comes. `breaks` are the line breaks in the gap. */
typedef struct html_page {
    char *text;
    size_t len, solid, breaks, pre;
} html_page;

/* Bytes behind the longest text that are written, and mean nothing. */
enum { HTML_SLACK = 256 };

/* Text and markup from p on: to the end if `all` is set, else behind the first markup at which no pre is open. */
const char *html_add(html_page *g, const char *p, const char *last, const char *end, int all);

/* The visible text of a document of HTML_LONG bytes or more, and in *len its length; 0 where this processor has no way
 * that is quicker than html_add. */
enum { HTML_LONG = 1024 };
int html_add_long(char *text, const char *p, const char *end, const char *last, size_t *len);

/* ---- markup --------------------------------------------------------------------------------------------------------- */

/* Markup ends with >, so none begins behind the last > of a document, and that one stops every loop below: `last` points
 * to it. */

/* Behind the > of a tag, from behind its name on; NULL if it has none. A value whose quote is never closed is one without
 * quotes: that search can fail only once for each quote. */
static inline const char *skip_attributes(const char *p, const char *last, const char *end) {
    while (p <= last) {
        while (is(*p, IS_SPACE) || *p == '/') p++;
        if (*p == '>') return p + 1;
        p++; /* a name may begin with = */
        while (!is(*p, ENDS_ATTRIBUTE)) p++;
        while (is(*p, IS_SPACE)) p++;
        if (*p != '=') continue;
        p++;
        while (is(*p, IS_SPACE)) p++;
        if (*p == '"' || *p == '\'') {
            const char *close = html_find(p + 1, end, *p);
            if (close < end) {
                p = close + 1;
                continue;
            }
        }
        while (!is(*p, IS_SPACE) && *p != '>') p++;
    }
    return NULL;
}

/* Behind a comment, from behind its <!-- on. It may end with the dashes that begin it. */
static inline const char *skip_comment(const char *p, const char *end) {
    const char *start = p;
    for (;; p++) {
        p = html_find(p, end, '>');
        if (p == end) return end;
        if (p[-1] == '-' && p[-2] == '-') return p + 1;
        if (p - start >= 3 && p[-1] == '!' && p[-2] == '-' && p[-3] == '-') return p + 1;
    }
}

typedef struct element {
    const char *name;
    uint32_t len, kind;
} element;

/* The first byte lowest, on any machine. */
static inline uint64_t load_64(const char *p) {
    uint64_t word;
    memcpy(&word, p, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Letters small. Only letters become letters: the bit is set where the one above it is. */
static inline uint64_t small_64(uint64_t word) {
    return word | (word & UINT64_C(0x4040404040404040)) >> 1;
}

/* What the element does whose name of `len` bytes stands at p. Names are compared eight bytes at a time. */
static inline uint32_t find_kind(const char *p, size_t len, const char *end) {
    char bytes[16] = {0};
    if (SL_UNLIKELY(end - p < 16)) {
        memcpy(bytes, p, len < 16 ? len : 16);
        p = bytes;
    }
    uint64_t first = small_64(load_64(p)), rest = 0;
    if (len < 8)
        first &= (UINT64_C(1) << 8 * len) - 1;
    else if (len > 15)
        return SL_HTML_INLINE;
    else if (len > 8)
        rest = small_64(load_64(p + 8)) & ((UINT64_C(1) << 8 * (len - 8)) - 1);
    const sl_html_element *element = &sl_html_elements[sl_html_element_place(first)];
    uint64_t other = (element->first ^ first) | (element->rest ^ rest) | (element->len ^ len);
    return other == 0 ? element->kind : SL_HTML_INLINE;
}

/* The element named at p, where a letter stands. Byte by byte: the processor guesses short names well. */
static inline element read_name(const char *p, const char *end) {
    element e = {p, 0, SL_HTML_INLINE};
    while (!is(*p, ENDS_NAME)) p++;
    e.len = (uint32_t)(p - e.name);
    e.kind = find_kind(e.name, e.len, end);
    return e;
}

/* The end tag of an element that is not shown, or end. */
static inline const char *skip_unseen(const char *p, const char *end, const element *e) {
    for (;; p++) {
        p = html_find(p, end, '<');
        if ((size_t)(end - p) < (size_t)e->len + 3) return end;
        if (p[1] != '/' || !is(p[2 + e->len], ENDS_NAME)) continue;
        uint32_t same = 0;
        while (same < e->len && (p[2 + same] | 0x20) == (e->name[same] | 0x20)) same++;
        if (same == e->len) return p;
    }
}

#endif
