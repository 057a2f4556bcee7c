/* html_text.c - the visible text of an HTML document.
 * Contract: any bytes; what is not ASCII is text, and never markup. Linear in the length: no byte is searched twice for
 * the end of something that has no end.
 * Source: the HTML Standard, 13.2.5 and 3.2.7, as simplified in streamliner_udf/reference/html_text.py. */
#include "html_text.h"

#if defined(__GNUC__)
#define SL_NOINLINE __attribute__((noinline))
#else
#define SL_NOINLINE
#endif

/* ---- the text so far ------------------------------------------------------------------------------------------------ */

/* Before a visible character: the text does not begin with a gap. */
static inline void close_gap(html_page *g) {
    if (!g->solid) g->len = 0;
}

/* One character as it is, ending up in the gap or behind it. */
static inline void add_as_written(html_page *g, char c) {
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

static inline void add_space(html_page *g) {
    if (g->len == g->solid) g->text[g->len++] = ' ';
}

/* An ampersand, or what the reference that it begins stands for; the text behind it. */
static const char *add_reference(html_page *g, const char *p, const char *end) {
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
static inline const char *add_run(html_page *g, const char *p, const char *end) {
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

/* Text in pre up to the next <, or to the end. */
static const char *add_written(html_page *g, const char *p, const char *end) {
    for (; p < end && *p != '<' && *p != '&'; p++) {
        if (*p != '\r')
            add_as_written(g, *p);
        else if (end - p < 2 || p[1] != '\n')
            add_as_written(g, '\n');
    }
    return p;
}

/* Text up to the next <, or to the end. */
static inline const char *add_text(html_page *g, const char *p, const char *end) {
    while (p < end) {
        char c = *p;
        if (c == '<') break;
        if (c == '&') {
            p = add_reference(g, p, end);
        } else if (SL_UNLIKELY(g->pre)) {
            p = add_written(g, p, end);
        } else if (is(c, IS_SPACE)) {
            add_space(g);
            do p++;
            while (p < end && is(*p, IS_SPACE));
        } else {
            p = add_run(g, p, end);
        }
    }
    return p;
}

/* ---- markup --------------------------------------------------------------------------------------------------------- */

/* What a tag does to the gap before it: at least so many line breaks, and so many more. */
static inline void add_tag(html_page *g, uint32_t kind) {
    static const uint8_t least[] = {[SL_HTML_BLOCK] = 1, [SL_HTML_PRE] = 1, [SL_HTML_PARAGRAPH] = 2, [SL_HTML_UNSEEN] = 0};
    if (kind == SL_HTML_CELL) {
        if (!g->breaks) {
            g->text[g->solid] = '\t';
            g->len = g->solid + 1;
        }
        return;
    }
    size_t breaks = g->breaks + (kind == SL_HTML_BREAK);
    if (breaks < least[kind]) breaks = least[kind];
    g->breaks = breaks < 2 ? breaks : 2;
    memcpy(g->text + g->solid, "\n\n", 2);
    g->len = g->solid + g->breaks;
}

/* What the tags of elements do that have more to them; where the text goes on. */
static const char *add_special(html_page *g, const char *p, const char *end, const element *e, int is_end) {
    if (e->kind == SL_HTML_UNSEEN) return is_end ? p : skip_unseen(p, end, e);
    if (is_end) {
        g->pre -= g->pre > 0;
        return p;
    }
    g->pre++;
    if (p < end && (*p == '\n' || *p == '\r')) /* a line break right behind <pre> */
        p += 1 + (*p == '\r' && end - p >= 2 && p[1] == '\n');
    return p;
}

/* As add_markup, where no > follows: only a comment needs none. */
static const char *at_unclosed(const char *p, const char *end) {
    if (end - p >= 4 && !memcmp(p, "<!--", 4)) return end;
    int is_end = end - p >= 2 && p[1] == '/';
    if (end - p < 2 + is_end) return p;
    return is_letter(p[1 + is_end]) || p[1] == '!' || p[1] == '?' ? NULL : p;
}

/* The markup at p, where < stands; behind it, or NULL if this < and all that follows are text. What is no markup, but may
 * be followed by some, gives p itself. */
static inline const char *add_markup(html_page *g, const char *p, const char *last, const char *end) {
    if (SL_UNLIKELY(p >= last)) return at_unclosed(p, end);
    int is_end = p[1] == '/';
    if (SL_UNLIKELY(!is_letter(p[1 + is_end]))) {
        if (p[1] != '!' && p[1] != '?') return p;
        return last - p >= 4 && !memcmp(p, "<!--", 4) ? skip_comment(p + 4, end) : html_find(p + 2, end, '>') + 1;
    }
    element e = read_name(p + 1 + is_end, end);
    p = e.name + e.len;
    if (*p == '>')
        p++;
    else if (!(p = skip_attributes(p, last, end)))
        return NULL;
    if (e.kind == SL_HTML_INLINE) return p;
    if (e.kind != SL_HTML_UNSEEN) add_tag(g, e.kind);
    return e.kind < SL_HTML_PRE ? p : add_special(g, p, end, &e, is_end);
}

/* The last > of the document, or its start. */
static const char *find_last(const char *start, const char *end) {
    const sl_v16 wanted = sl_v16_fill('>');
    while (end - start > 16 && !sl_v16_mask(sl_v16_eq(sl_v16_load(end - 16), wanted))) end -= 16;
    while (end > start && end[-1] != '>') end--;
    return end > start ? end - 1 : start;
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

const char *html_add(html_page *g, const char *p, const char *last, const char *end, int all) {
    int has_markup = 1;
    while ((p = add_text(g, p, end)) < end) {
        const char *behind = has_markup ? add_markup(g, p, last, end) : p;
        if (SL_UNLIKELY(!behind)) {
            has_markup = 0;
            behind = p;
        }
        if (SL_UNLIKELY(behind == p)) {
            add_as_written(g, '<');
            behind++;
        }
        p = behind;
        if (!all && has_markup && !g->pre) break;
    }
    return p;
}

/* Apart, so that most messages, which are plain, do not pay for what this sets up. */
static SL_NOINLINE sl_status read_document(sl_str html, sl_buf *out) {
    SL_TRY(sl_buf_reserve(out, html_room(html.len, HTML_SLACK)));
    const char *p = html.ptr, *end = p + html.len, *last = find_last(p, end);
    if (html.len < HTML_LONG || !html_add_long(out->ptr, p, end, last, &out->len)) {
        html_page g = {out->ptr, 0, 0, 0, 0};
        html_add(&g, p, last, end, 1);
        out->len = g.solid;
    }
    return out->len > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
}

sl_status sl_html_to_text(sl_str html, const sl_options *options, sl_buf *out) {
    (void)options;
    return is_plain(html.ptr, html.len) ? SL_UNCHANGED : read_document(html, out);
}
