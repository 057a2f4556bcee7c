/* html_text.c - the visible text of an HTML document.
 * Contract: any bytes; what is not ASCII is text, and never markup. Linear in the length: no byte is searched twice for
 * the end of something that has no end.
 * Source: the HTML Standard, 13.2.5 and 3.2.7, as simplified in streamliner_udf/reference/html_text.py. */
#include "html.h"
#include "html_elements.h"

enum { SLACK = 32 };

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

static inline const char *skip_space(const char *p, const char *end) {
    while (p < end && is(*p, IS_SPACE)) p++;
    return p;
}

/* ---- the text so far ------------------------------------------------------------------------------------------------ */

/* text[0 .. solid) ends with a visible character. Behind it, up to len, stands the gap: white space that counts if
 * another visible character comes. `breaks` are the line breaks in the gap. */
typedef struct page {
    char *text;
    size_t len, solid, breaks, pre;
} page;

static inline void set_gap(page *g, char c, size_t count) {
    g->len = g->solid;
    g->breaks = c == '\n' ? count : 0;
    for (size_t i = 0; i < count; i++) g->text[g->len++] = c;
}

/* Before a visible character: the text does not begin with a gap. */
static inline void close_gap(page *g) {
    if (!g->solid) g->len = 0;
}

/* One character as it is, ending up in the gap or behind it. */
static inline void add_as_written(page *g, char c) {
    int space = is(c, IS_SPACE);
    if (!space) close_gap(g);
    g->text[g->len++] = c;
    if (space) {
        g->breaks += c == '\n';
    } else {
        g->solid = g->len;
        g->breaks = 0;
    }
}

static inline void add_space(page *g) {
    if (g->len == g->solid) g->text[g->len++] = ' ';
}

/* An ampersand, or what the reference that it begins stands for; the text behind it. */
static const char *add_reference(page *g, const char *p, const char *end) {
    html_value value;
    size_t taken = html_reference(p, end, &value);
    if (!taken) {
        add_as_written(g, '&');
        return p + 1;
    }
    if (value.size == 1 && is(value.bytes[0], IS_SPACE) && !g->pre) {
        add_space(g);
    } else {
        for (uint32_t i = 0; i < value.size; i++) add_as_written(g, value.bytes[i]);
    }
    return p + taken;
}

/* ---- text between markup -------------------------------------------------------------------------------------------- */

/* Of sixteen bytes, those at which copying has to stop: < and &, white space that is no single space, and the vertical
 * tab, which is none but shares their range. `carry` says whether the byte before was a space. */
static inline uint32_t stops(sl_v16 v, uint32_t *carry) {
    sl_v16 found = sl_v16_or(sl_v16_or(sl_v16_eq(v, sl_v16_fill('<')), sl_v16_eq(v, sl_v16_fill('&'))),
                             sl_v16_range(v, '\t', '\r'));
    uint32_t spaces = sl_v16_mask(sl_v16_eq(v, sl_v16_fill(' ')));
    uint32_t mask = sl_v16_mask(found) | (spaces & (spaces << 1 | *carry));
    *carry = spaces >> 15;
    return mask;
}

static inline int stops_copy(char c, char before) {
    return c == '<' || c == '&' || (is(c, IS_SPACE) && (c != ' ' || before == ' '));
}

/* A visible character and what follows it with single spaces between. */
static const char *add_run(page *g, const char *p, const char *end) {
    close_gap(g);
    char *to = g->text + g->len;
    *to++ = *p++;
    uint32_t carry = 0;
    while (end - p >= 16) {
        sl_v16 v = sl_v16_load(p);
        sl_v16_store(to, v);
        uint32_t mask = stops(v, &carry), count = mask ? sl_first_bit(mask) : 16;
        p += count;
        to += count;
        if (!mask) continue;
        if (*p != '\v') goto stopped;
        *to++ = *p++;
        carry = 0;
    }
    while (p < end && !stops_copy(*p, to[-1])) *to++ = *p++;
stopped:
    g->len = (size_t)(to - g->text);
    g->solid = g->len - (to[-1] == ' ');
    g->breaks = 0;
    return p;
}

/* Text up to the next <, or to the end. */
static const char *add_text(page *g, const char *p, const char *end) {
    while (p < end && *p != '<') {
        if (*p == '&') {
            p = add_reference(g, p, end);
        } else if (g->pre) {
            if (*p != '\r')
                add_as_written(g, *p);
            else if (end - p < 2 || p[1] != '\n')
                add_as_written(g, '\n');
            p++;
        } else if (is(*p, IS_SPACE)) {
            add_space(g);
            p = skip_space(p, end);
        } else {
            p = add_run(g, p, end);
        }
    }
    return p;
}

/* ---- markup --------------------------------------------------------------------------------------------------------- */

/* Behind the > of a tag, from behind its name on; NULL if it has none. A value whose quote is never closed is one without
 * quotes: that search can fail only once for each quote. */
static const char *skip_attributes(const char *p, const char *end) {
    for (;;) {
        while (p < end && (is(*p, IS_SPACE) || *p == '/')) p++;
        if (p == end) return NULL;
        if (*p == '>') return p + 1;
        p++; /* a name may begin with = */
        while (p < end && !is(*p, ENDS_ATTRIBUTE)) p++;
        p = skip_space(p, end);
        if (p == end || *p != '=') continue;
        p = skip_space(p + 1, end);
        if (p < end && (*p == '"' || *p == '\'')) {
            const char *close = html_find(p + 1, end, *p);
            if (close < end) {
                p = close + 1;
                continue;
            }
        }
        while (p < end && !is(*p, IS_SPACE) && *p != '>') p++;
    }
}

/* Behind a comment, from behind its <!-- on. It may end with the dashes that begin it. */
static const char *skip_comment(const char *p, const char *end) {
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

/* The element named at p, where a letter stands. */
static inline element read_name(const char *p, const char *end) {
    element e = {p, 0, SL_HTML_INLINE};
    unsigned char lower[16] = {0};
    for (; p < end && !is(*p, ENDS_NAME); p++) {
        if (e.len < 16) lower[e.len] = (unsigned char)(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
        e.len++;
    }
    if (e.len > 15) return e;
    uint32_t place = sl_html_element_place(lower, e.len);
    if (!memcmp(sl_html_elements[place].name, lower, 16)) e.kind = sl_html_elements[place].kind;
    return e;
}

/* The end tag of an element that is not shown, or end. */
static const char *skip_unseen(const char *p, const char *end, const element *e) {
    for (;; p++) {
        p = html_find(p, end, '<');
        if ((size_t)(end - p) < (size_t)e->len + 3) return end;
        if (p[1] != '/' || !is(p[2 + e->len], ENDS_NAME)) continue;
        uint32_t same = 0;
        while (same < e->len && (p[2 + same] | 0x20) == (e->name[same] | 0x20)) same++;
        if (same == e->len) return p;
    }
}

static void add_tag(page *g, uint32_t kind, int is_end) {
    switch (kind) {
        case SL_HTML_PRE:
            if (!is_end)
                g->pre++;
            else if (g->pre)
                g->pre--;
            /* fall through */
        case SL_HTML_BLOCK:
            set_gap(g, '\n', g->breaks > 1 ? 2 : 1);
            break;
        case SL_HTML_PARAGRAPH:
            set_gap(g, '\n', 2);
            break;
        case SL_HTML_BREAK:
            set_gap(g, '\n', g->breaks ? 2 : 1);
            break;
        case SL_HTML_CELL:
            if (!g->breaks) set_gap(g, '\t', 1);
            break;
        default:
            break;
    }
}

/* The markup at p, where < stands; behind it, or NULL if this < and all that follows are text. What is no markup, but may
 * be followed by some, gives p itself. */
static const char *add_markup(page *g, const char *p, const char *end) {
    if (end - p < 2) return p;
    int is_end = p[1] == '/';
    if (p[1] == '!' || p[1] == '?') {
        if (end - p >= 4 && !memcmp(p, "<!--", 4)) return skip_comment(p + 4, end);
        p = html_find(p + 2, end, '>');
        return p < end ? p + 1 : NULL;
    }
    if (end - p < 2 + is_end || !is_letter(p[1 + is_end])) return p;
    element e = read_name(p + 1 + is_end, end);
    p = e.name + e.len;
    if (p < end && *p == '>')
        p++;
    else if (!(p = skip_attributes(p, end)))
        return NULL;
    add_tag(g, e.kind, is_end);
    if (is_end) return p;
    if (e.kind == SL_HTML_UNSEEN) return skip_unseen(p, end, &e);
    if (e.kind == SL_HTML_PRE && p < end && (*p == '\n' || *p == '\r')) /* a line break right behind <pre> */
        p += 1 + (*p == '\r' && end - p >= 2 && p[1] == '\n');
    return p;
}

/* 1 if the text is its own visible text: no markup, no reference, no white space but single spaces inside. */
static int is_plain(const char *p, size_t len) {
    if (!len) return 1;
    if (p[0] == ' ' || p[len - 1] == ' ') return 0;
    size_t i = 0;
    uint32_t carry = 0;
    for (; i + 16 <= len; i += 16)
        if (stops(sl_v16_load(p + i), &carry)) return 0;
    if (i < len && len >= 16) {
        carry = p[len - 17] == ' ';
        return !stops(sl_v16_load(p + len - 16), &carry);
    }
    for (; i < len; i++)
        if (stops_copy(p[i], i ? p[i - 1] : 0)) return 0;
    return 1;
}

sl_status sl_html_to_text(sl_str html, const sl_options *options, sl_buf *out) {
    (void)options;
    if (is_plain(html.ptr, html.len)) return SL_UNCHANGED;
    SL_TRY(sl_buf_reserve(out, html_room(html.len, SLACK)));
    page g = {out->ptr, 0, 0, 0, 0};
    const char *p = html.ptr, *end = p + html.len;
    int has_markup = 1;
    while ((p = add_text(&g, p, end)) < end) {
        const char *behind = has_markup ? add_markup(&g, p, end) : p;
        if (!behind) {
            has_markup = 0;
            behind = p;
        }
        if (behind == p) {
            add_as_written(&g, '<');
            behind++;
        }
        p = behind;
    }
    out->len = g.solid;
    return g.solid > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
}
