/* html_text.c - the visible text of an HTML document.
 * Contract: any bytes; what is not ASCII is text, and never markup. Linear in the length: no byte is searched twice for
 * the end of something that has no end.
 * Source: the HTML Standard, 13.2.5 and 3.2.7, as simplified in streamliner_udf/reference/html_text.py. */
#include "html_tags.h"

enum { SLACK = 256, LONG = 256 };

/* ---- the text so far ------------------------------------------------------------------------------------------------ */

/* text[0 .. solid) ends with a visible character. Behind it, up to len, stands the gap: white space that counts if
 * another visible character comes. `breaks` are the line breaks in the gap. */
typedef struct page {
    char *text;
    size_t len, solid, breaks, pre;
} page;

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
static inline const char *add_run(page *g, const char *p, const char *end) {
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
static const char *add_written(page *g, const char *p, const char *end) {
    for (; p < end && *p != '<' && *p != '&'; p++) {
        if (*p != '\r')
            add_as_written(g, *p);
        else if (end - p < 2 || p[1] != '\n')
            add_as_written(g, '\n');
    }
    return p;
}

/* Text up to the next <, or to the end. */
static inline const char *add_text(page *g, const char *p, const char *end) {
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

/* The element named at p, where a letter stands. Byte by byte: the processor guesses short names well. */
static inline element read_name(const char *p, const char *end) {
    element e = {p, 0, SL_HTML_INLINE};
    while (!is(*p, ENDS_NAME)) p++;
    e.len = (uint32_t)(p - e.name);
    e.kind = find_kind(e.name, e.len, end);
    return e;
}

/* What a tag does to the gap before it: at least so many line breaks, and so many more. */
static inline void add_tag(page *g, uint32_t kind) {
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
static const char *add_special(page *g, const char *p, const char *end, const element *e, int is_end) {
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
static inline const char *add_markup(page *g, const char *p, const char *last, const char *end) {
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

/* Text and markup from p on: to the end if `all` is set, else behind the first markup at which no pre is open. */
static const char *add_carefully(page *g, const char *p, const char *last, const char *end, int all) {
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

/* ---- long documents ------------------------------------------------------------------------------------------------- */

/* The gap outside of pre, as the number of bits to shift by. START: before the first visible character, and for good. */
enum { NONE = 0, SPACE = 5, TAB = 10, LINE = 15, BLANK = 20, START = 25 };

/* What becomes of each gap. */
#define GAPS(none, space, tab, line, blank) \
    ((uint32_t)(none) | (space) << SPACE | (tab) << TAB | (line) << LINE | (blank) << BLANK | (uint32_t)START << START)
enum { WHITE = SL_HTML_UNSEEN + 1 };
static const uint32_t gaps_behind[] = {
    [SL_HTML_INLINE] = GAPS(NONE, SPACE, TAB, LINE, BLANK),
    [SL_HTML_BLOCK] = GAPS(LINE, LINE, LINE, LINE, BLANK),
    [SL_HTML_PARAGRAPH] = GAPS(BLANK, BLANK, BLANK, BLANK, BLANK),
    [SL_HTML_BREAK] = GAPS(LINE, LINE, LINE, BLANK, BLANK),
    [SL_HTML_CELL] = GAPS(TAB, TAB, TAB, LINE, BLANK),
    [SL_HTML_PRE] = GAPS(LINE, LINE, LINE, LINE, BLANK),
    [SL_HTML_UNSEEN] = GAPS(NONE, SPACE, TAB, LINE, BLANK),
    [WHITE] = GAPS(SPACE, SPACE, TAB, LINE, BLANK),
};
#undef GAPS

static inline uint32_t gap_behind(uint32_t gap, uint32_t kind) { return gaps_behind[kind] >> gap & 31; }

static const struct {
    char text[3];
    uint8_t size;
} gap_texts[START + 1] = {[SPACE] = {" ", 1}, [TAB] = {"\t", 1}, [LINE] = {"\n", 1}, [BLANK] = {"\n\n", 2}};

static page open_page(char *text, size_t solid, uint32_t gap) {
    page g = {text, solid + gap_texts[gap].size, solid, gap == BLANK ? 2 : gap == LINE, 0};
    memcpy(text + solid, gap_texts[gap].text, 2);
    return g;
}

static uint32_t gap_of(const page *g) {
    if (!g->solid) return START;
    if (g->breaks) return g->breaks == 1 ? LINE : BLANK;
    return g->len == g->solid ? NONE : g->text[g->solid] == '\t' ? TAB : SPACE;
}

enum { WINDOW = 2048, WIDE = 64, COPY = 128 };

/* Of 64 bytes: all white space, spaces, and < and &. */
typedef struct block {
    uint64_t white, spaces, marks;
} block;

/* Whether the byte before was white space, and of a run that copying stops at. */
typedef struct carry {
    uint64_t white, odd;
} carry;

/* Where copying has to stop: <, &, and where white space begins to be more than one space. */
static inline uint64_t find_stops(block b, carry *c) {
    uint64_t odd = (b.white & ~b.spaces) | (b.spaces & (b.white << 1 | c->white));
    uint64_t behind = odd << 1 | c->odd, stops = (b.marks | odd) & ~behind;
    c->white = b.white >> 63;
    c->odd = odd >> 63;
    return stops;
}

typedef size_t (*stop_lister)(const char *p, size_t len, carry *c, uint16_t *stops);

static inline block block_16(const char *p) {
    block b = {0, 0, 0};
    for (int i = 0; i < WIDE; i += 16) {
        sl_v16 v = sl_v16_load(p + i), spaces = sl_v16_eq(v, sl_v16_fill(' '));
        sl_v16 white = sl_v16_or(spaces, sl_v16_or(sl_v16_range(v, '\t', '\n'), sl_v16_range(v, '\f', '\r')));
        sl_v16 marks = sl_v16_or(sl_v16_eq(v, sl_v16_fill('<')), sl_v16_eq(v, sl_v16_fill('&')));
        b.white |= (uint64_t)sl_v16_mask(white) << i;
        b.spaces |= (uint64_t)sl_v16_mask(spaces) << i;
        b.marks |= (uint64_t)sl_v16_mask(marks) << i;
    }
    return b;
}

/* Most blocks hold few: four are written whether they are there or not, which is quicker than to ask. */
static inline uint16_t *list_stops(uint16_t *stops, uint64_t found, size_t base) {
    uint32_t count = sl_count_bits(found);
    uint32_t i = 0;
    do {
        for (uint32_t k = 0; k < 4; k++) {
            stops[i + k] = (uint16_t)(base + sl_first_bit(found | UINT64_C(1) << 63));
            found &= found - 1;
        }
    } while (SL_UNLIKELY((i += 4) < count));
    return stops + count;
}

static size_t list_16(const char *p, size_t len, carry *before, uint16_t *stops) {
    carry c = *before;
    uint16_t *next = stops;
    size_t i = 0;
    for (; i + WIDE <= len; i += WIDE) next = list_stops(next, find_stops(block_16(p + i), &c), i);
    if (i < len) {
        char rest[WIDE] = {0};
        memcpy(rest, p + i, len - i);
        next = list_stops(next, find_stops(block_16(rest), &c), i);
    }
    *before = c;
    return (size_t)(next - stops);
}

#ifdef SL_WIDE
#define SL_AVX2_BITS __attribute__((target("avx2,bmi,bmi2,popcnt")))
SL_AVX2_BITS static inline block block_32(const char *p) {
    block b = {0, 0, 0};
    for (int i = 0; i < WIDE; i += 32) {
        sl_v32 v = sl_v32_load(p + i), spaces = sl_v32_eq(v, sl_v32_fill(' '));
        sl_v32 white = sl_v32_or(spaces, sl_v32_or(sl_v32_range(v, '\t', '\n'), sl_v32_range(v, '\f', '\r')));
        sl_v32 marks = sl_v32_or(sl_v32_eq(v, sl_v32_fill('<')), sl_v32_eq(v, sl_v32_fill('&')));
        b.white |= (uint64_t)sl_v32_mask(white) << i;
        b.spaces |= (uint64_t)sl_v32_mask(spaces) << i;
        b.marks |= (uint64_t)sl_v32_mask(marks) << i;
    }
    return b;
}

SL_AVX2_BITS static size_t list_32(const char *p, size_t len, carry *before, uint16_t *stops) {
    carry c = *before;
    uint16_t *next = stops;
    size_t i = 0;
    for (; i + WIDE <= len; i += WIDE) next = list_stops(next, find_stops(block_32(p + i), &c), i);
    if (i < len) {
        char rest[WIDE] = {0};
        memcpy(rest, p + i, len - i);
        next = list_stops(next, find_stops(block_32(rest), &c), i);
    }
    *before = c;
    return (size_t)(next - stops);
}

SL_VBMI2 static size_t list_64(const char *p, size_t len, carry *before, uint16_t *stops) {
    carry c = *before;
    uint16_t *next = stops;
    uint8_t numbers[64];
    for (int i = 0; i < 64; i++) numbers[i] = (uint8_t)i;
    const __m512i places = _mm512_loadu_si512(numbers);
    for (size_t i = 0; i < len; i += WIDE) {
        __m512i v = sl_v64_load(p + i, sl_v64_valid(len - i < WIDE ? len - i : WIDE));
        block b = {0, sl_v64_eq(v, ' '), sl_v64_eq(v, '<') | sl_v64_eq(v, '&')};
        b.white = b.spaces | sl_v64_range(v, '\t', '\n') | sl_v64_range(v, '\f', '\r');
        uint64_t found = find_stops(b, &c);
        __m512i packed = _mm512_maskz_compress_epi8(found, places);
        uint32_t count = sl_count_bits(found);
        uint32_t k = 0;
        do {
            __m256i wide = _mm256_add_epi16(_mm256_cvtepu8_epi16(_mm512_castsi512_si128(packed)), _mm256_set1_epi16((short)i));
            _mm256_storeu_si256((__m256i *)(void *)(next + k), wide);
            packed = _mm512_alignr_epi32(packed, packed, 4);
        } while (SL_UNLIKELY((k += 16) < count));
        next += count;
    }
    *before = c;
    return (size_t)(next - stops);
}
#endif

#define W(size) {size < 8 ? (UINT64_C(1) << (8 * size & 63)) - 1 : UINT64_MAX, size > 8 ? (UINT64_C(1) << 8 * (size & 7)) - 1 : 0}
static const struct {
    uint64_t first, rest;
} name_masks[16] = {W(0), W(1), W(2), W(3), W(4), W(5), W(6), W(7), W(8), W(9), W(10), W(11), W(12), W(13), W(14), W(15)};
#undef W

static inline uint32_t find_kind_ahead(const char *name, uint32_t size) {
    uint64_t first = small_64(load_64(name)) & name_masks[size].first, rest = small_64(load_64(name + 8)) & name_masks[size].rest;
    const sl_html_element *element = &sl_html_elements[sl_html_element_place(first)];
    return element->kind & (0 - (uint32_t)(((element->first ^ first) | (element->rest ^ rest)) == 0));
}

static inline const char *skip_quoted(const char *p, const char *end) {
    while (end - p >= 40 && is(*p, IS_SPACE)) {
        sl_v16 v = sl_v16_load(p + 1);
        uint32_t ends = sl_v16_mask(sl_v16_or(sl_v16_or(sl_v16_eq(v, sl_v16_fill('=')), sl_v16_eq(v, sl_v16_fill('>'))), sl_v16_or(sl_v16_eq(v, sl_v16_fill('/')), sl_v16_or(sl_v16_eq(v, sl_v16_fill(' ')), sl_v16_range(v, '\t', '\r')))));
        if (!ends) break;
        const char *value = p + 1 + sl_first_bit(ends);
        if (*value != '=' || value == p + 1) break;
        char quote = *++value;
        if (quote != '"' && quote != '\'') break;
        const char *close = html_find(value + 1, end, quote);
        if (close == end) break;
        p = close + 1;
    }
    return p;
}

#define BYTES(a,b,c,d,e,f) ((uint64_t)a | (uint64_t)b << 8 | (uint64_t)c << 16 | (uint64_t)d << 24 | (uint64_t)e << 32 | (uint64_t)f << 40)
static inline size_t common_reference(const char *p, const char *end, html_value *value) {
    if (end - p < 8) return html_reference(p, end, value);
    uint64_t word = load_64(p), m = word ^ UINT64_C(0x3b3b3b3b3b3b3b3b);
    m = (m - UINT64_C(0x0101010101010101)) & ~m & UINT64_C(0x8080808080808080);
    word &= m ^ (m - 1);
    *value = (html_value){{0}, 1};
    switch (word) {
    case BYTES('&','a','m','p',';',0): value->bytes[0] = '&'; return 5;
    case BYTES('&','l','t',';',0,0): value->bytes[0] = '<'; return 4;
    case BYTES('&','g','t',';',0,0): value->bytes[0] = '>'; return 4;
    case BYTES('&','q','u','o','t',';'): value->bytes[0] = '"'; return 6;
    case BYTES('&','#','3','9',';',0): value->bytes[0] = '\''; return 5;
    case BYTES('&','n','b','s','p',';'): *value = (html_value){"\xC2\xA0", 2}; return 6;
    default: return html_reference(p, end, value);
    }
}
#undef BYTES

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE uint32_t white_mask(sl_v16 v) {
    return sl_v16_mask(sl_v16_or(sl_v16_eq(v, sl_v16_fill(' ')),
                                 sl_v16_or(sl_v16_range(v, '\t', '\n'), sl_v16_range(v, '\f', '\r'))));
}

ALWAYS_INLINE size_t add_document(char *text, const char *p, const char *end, const char *last, stop_lister list) {
    uint16_t stops[WINDOW + WIDE];
    carry c = {0, 0};
    const char *base = p, *wide_end = end - COPY;
    size_t solid = 0;
    uint32_t gap = START;
    while (base < end) {
        size_t len = (size_t)(end - base) < WINDOW ? (size_t)(end - base) : WINDOW;
        stops[list(base, len, &c, stops)] = UINT16_MAX;
        for (const uint16_t *next = stops; p - base < (ptrdiff_t)len;) {
            ptrdiff_t from = p - base;
            while (*next < from) next++;
            if (*next == UINT16_MAX) break;
            const char *at = base + *next++;
            if (SL_UNLIKELY(at > wide_end)) {
                page g = open_page(text, solid, gap);
                add_carefully(&g, p, last, end, 1);
                return g.solid;
            }
            /* The text before. */
            uint32_t space = (*p == ' ') & (p < at);
            gap = gap_behind(gap, WHITE * space);
            p += space;
            size_t count = (size_t)(at - p), any = 0 - (size_t)(count > 0);
            memcpy(text + solid, gap_texts[gap].text, 2);
            size_t size = gap_texts[gap].size;
            char *to = text + solid + size;
            memcpy(to, p, WIDE);
            memcpy(to + WIDE, p + WIDE, WIDE);
            for (size_t i = COPY; SL_UNLIKELY(i < count); i += WIDE) memcpy(to + i, p + i, WIDE);
            uint32_t ends_in_space = p[count + any] == ' ';
            solid += (size + count - ends_in_space) & any;
            gap = (gap & ~(uint32_t)any) | (SPACE * ends_in_space & (uint32_t)any);
            /* White space. */
            uint32_t visible = ~white_mask(sl_v16_load(at));
            uint32_t white = sl_first_bit(visible);
            gap = gap_behind(gap, WHITE * (white > 0));
            p = at + white;
            if (SL_UNLIKELY(white >= 16)) {
                while (p < end && is(*p, IS_SPACE)) p++;
                continue;
            }
            if (*p == '<') {
                const char *name = p + 1;
                int is_end = *name == '/';
                name += is_end;
                sl_v16 v = sl_v16_load(name);
                uint32_t closes = sl_v16_mask(sl_v16_eq(v, sl_v16_fill('>')));
                uint32_t ends = closes | white_mask(v) | sl_v16_mask(sl_v16_eq(v, sl_v16_fill('/')));
                uint32_t quotes = sl_v16_mask(sl_v16_or(sl_v16_eq(v, sl_v16_fill('"')), sl_v16_eq(v, sl_v16_fill('\''))));
                if (SL_LIKELY(is_letter(*name) && ends)) {
                    uint32_t size = sl_first_bit(ends), kind = find_kind_ahead(name, size);
                    const char *behind;
                    if (closes && !(quotes & (closes ^ (closes - 1))))
                        behind = name + sl_first_bit(closes) + 1;
                    else
                        behind = skip_attributes(skip_quoted(name + size, end), last, end);
                    if (SL_LIKELY(behind && kind < SL_HTML_PRE)) {
                        gap = gap_behind(gap, kind);
                        p = behind;
                        continue;
                    }
                    if (behind && kind == SL_HTML_UNSEEN && !is_end) {
                        element e = {name, size, kind};
                        p = skip_unseen(behind, end, &e);
                        if (p == end) continue;
                        const char *tail = p + 2 + size;
                        tail = *tail == '>' ? tail + 1 : skip_attributes(tail, last, end);
                        if (tail) {
                            p = tail;
                            continue;
                        }
                    }
                }
            } else if (*p != '&') {
                continue;
            } else {
                html_value value;
                size_t taken = common_reference(p, end, &value);
                if (!taken) {
                    value = (html_value){{'&'}, 1};
                    taken = 1;
                }
                p += taken;
                if (value.size == 1 && is(value.bytes[0], IS_SPACE)) {
                    gap = gap_behind(gap, WHITE);
                } else if (value.size) {
                    memcpy(text + solid, gap_texts[gap].text, 2);
                    solid += gap_texts[gap].size;
                    memcpy(text + solid, value.bytes, 8);
                    solid += value.size;
                    gap = NONE;
                }
                continue;
            }
            page g = open_page(text, solid, gap);
            do p = add_carefully(&g, p, last, end, 0);
            while (p < end && *p == '<');
            solid = g.solid;
            gap = gap_of(&g);
        }
        base += len;
        if (p > base) {
            base = p;
            c = (carry){0, 0};
        }
    }
    page g = open_page(text, solid, gap);
    add_carefully(&g, p, last, end, 1);
    return g.solid;
}

static size_t add_document_16(char *text, const char *p, const char *end, const char *last) {
    return add_document(text, p, end, last, list_16);
}
#ifdef SL_WIDE
SL_AVX2_BITS static size_t add_document_32(char *text, const char *p, const char *end, const char *last) {
    return add_document(text, p, end, last, list_32);
}
SL_VBMI2 static size_t add_document_64(char *text, const char *p, const char *end, const char *last) {
    return add_document(text, p, end, last, list_64);
}
#endif

sl_status sl_html_to_text(sl_str html, const sl_options *options, sl_buf *out) {
    (void)options;
    if (is_plain(html.ptr, html.len)) return SL_UNCHANGED;
    SL_TRY(sl_buf_reserve(out, html_room(html.len, SLACK)));
    const char *p = html.ptr, *end = p + html.len, *last = find_last(p, end);
    if (html.len >= LONG) {
#ifdef SL_WIDE
        if (sl_has_vbmi2())
            out->len = add_document_64(out->ptr, p, end, last);
        else if (sl_has_avx2())
            out->len = add_document_32(out->ptr, p, end, last);
        else
#endif
            out->len = add_document_16(out->ptr, p, end, last);
    } else {
        page g = {out->ptr, 0, 0, 0, 0};
        add_carefully(&g, p, last, end, 1);
        out->len = g.solid;
    }
    return out->len > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
}
