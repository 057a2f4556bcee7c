/* chat.c - messages of chat exports: which lines are headers, and the messages between them.
 * Contract: linear in the text, whatever it is; a text without headers gives no rows; rows point into the text where
 * nothing had to be removed. Source: public exports; the grammar is stated in streamliner_udf/reference/chat.py. */
#include "chat.h"

#include <stdlib.h>

#include "simd.h"

/* word[0]: the order of dates. */
sl_status sl_prepare_whatsapp(const sl_value *values, sl_options *options, sl_error *error) {
    static const char known[][16] = {"date_order=auto", "date_order=dmy", "date_order=mdy", "date_order=ymd"};
    sl_str value = values[0].text;
    options->word[0] = CHAT_ORDER_AUTO;
    if (!value.len) return SL_OK;
    for (uint32_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (value.len == strlen(known[i]) && !memcmp(value.ptr, known[i], value.len)) {
            options->word[0] = i;
            return SL_OK;
        }
    }
    return sl_error_set(error,
                        "expected options to be one of date_order=auto, date_order=dmy, date_order=mdy, "
                        "date_order=ymd, got '%.*s'",
                        (int)(value.len < 1000 ? value.len : 1000), value.ptr);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static inline const char *next_line(const chat *c, const char *p) {
    const char *stop = memchr(p, c->lines, (size_t)(c->end - p));
    return stop ? stop + 1 : NULL;
}

/* 1 if a header may start with this byte: a digit, a bracket or a mark. */
static inline int may_start(char c) {
    return (unsigned char)(c - '0') < 10 || c == '[' || (unsigned char)c == 0xE2 || (unsigned char)c == 0xEF;
}

/* The dialect of the first header, unless another has more than twice as many among the first headers; 0 if there is
 * no header at all. */
enum { SAMPLE = 1000 };
static uint32_t find_dialect(const chat *c) {
    uint32_t dialects[SAMPLE], counts[SAMPLE], distinct = 0, seen = 0, most = 0;
    chat_cache cache = {{0}, 0, {0, 0, 0, 0, NULL}};
    chat_header header;
    for (const char *p = c->start; p && p < c->end && seen < SAMPLE; p = next_line(c, p)) {
        if (!may_start(*p) || !sl_chat_header(p, c->end, &cache, &header)) continue;
        p = header.rest;
        uint32_t i = 0;
        while (i < distinct && dialects[i] != header.dialect) i++;
        if (i == distinct) {
            dialects[distinct] = header.dialect;
            counts[distinct++] = 0;
        }
        counts[i]++;
        seen++;
    }
    if (!seen) return 0;
    for (uint32_t i = 1; i < distinct; i++)
        if (counts[i] > counts[most]) most = i;
    return dialects[2 * counts[0] >= counts[most] ? 0 : most];
}

/* What a line holds, gathered without branches: one vector for each thing. `next` is what follows each byte. */
typedef struct met {
    sl_v16 special, slash, colon;
} met;

/* E2 and EF begin marks; E3, E6, E7, EA, EB and EE pass too, and are told apart when the text is cleaned. */
static inline void meet(met *m, sl_v16 v, sl_v16 next) {
    m->special = sl_v16_or(m->special, sl_v16_eq(sl_v16_or(v, sl_v16_fill(0x0D)), sl_v16_fill(0xEF)));
    m->slash = sl_v16_or(m->slash, sl_v16_eq(v, sl_v16_fill('/')));
    m->colon = sl_v16_or(m->colon, sl_v16_and(sl_v16_eq(v, sl_v16_fill(':')), sl_v16_eq(next, sl_v16_fill(' '))));
}

static inline uint32_t controls(sl_v16 v) { return sl_v16_mask(sl_v16_range(v, 0, '\r')); }

/* Where the line ends among the control characters of p[0..], or -1. */
static inline int find_end(const chat *c, const char *p, uint64_t found, uint32_t *has) {
    for (; found; found &= found - 1) {
        uint32_t bit = sl_first_bit(found);
        if (p[bit] == c->lines) return (int)bit;
        if (p[bit] == '\r' && (p + bit + 1 == c->end || p[bit + 1] != c->lines)) *has |= CHAT_HAS_RETURN;
    }
    return -1;
}

/* The end of the line at p, which is not the end of the text, and in `has` what stands before it. */
static inline const char *scan_line(const chat *c, const char *p, uint32_t *has) {
#define ONES 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255
    static const uint8_t keep[128] = {ONES, ONES, ONES, ONES};
#undef ONES
    if (*p == c->lines) return p;
    sl_v16 none = sl_v16_fill(0);
    met m = {none, none, none};
    int stop = -1;
    while (c->end - p > 64) {
        sl_v16 v[4];
        uint64_t found = 0;
        for (int i = 0; i < 4; i++) {
            v[i] = sl_v16_load(p + 16 * i);
            found |= (uint64_t)controls(v[i]) << 16 * i;
        }
        if (found && (stop = find_end(c, p, found, has)) >= 0) {
            const char *mask = (const char *)keep + 64 - stop;
            for (int i = 0; i < 4; i++)
                meet(&m, sl_v16_and(v[i], sl_v16_load(mask + 16 * i)), sl_v16_load(p + 16 * i + 1));
            p += stop;
            break;
        }
        for (int i = 0; i < 4; i++) meet(&m, v[i], sl_v16_load(p + 16 * i + 1));
        p += 64;
    }
    while (stop < 0 && p < c->end) {
        size_t left = (size_t)(c->end - p), taken = left < 16 ? left : 16;
        sl_v16 v = sl_v16_load_tail(p, taken, 'a');
        stop = find_end(c, p, controls(v), has);
        if (stop >= 0) {
            taken = (size_t)stop;
            v = sl_v16_and(v, sl_v16_load((const char *)keep + 64 - taken));
        }
        meet(&m, v, sl_v16_fill(' '));
        p += taken;
    }
    *has |= (sl_v16_mask(m.special) ? CHAT_HAS_SPECIAL : 0) | (sl_v16_mask(m.slash) ? CHAT_HAS_SLASH : 0) |
            (sl_v16_mask(m.colon) ? CHAT_HAS_COLON : 0);
    return p;
}

/* The first ": " of the line, or NULL. `plain` is 0 if anything before it could change or be a quote. */
static inline const char *find_split(const chat *c, const char *p, int *plain) {
    uint32_t odd = 0;
    while (p < c->end) {
        size_t left = (size_t)(c->end - p);
        sl_v16 v = SL_LIKELY(left >= 16) ? sl_v16_load(p) : sl_v16_load_tail(p, left, 'a');
        sl_v16 stops = sl_v16_or(sl_v16_eq(v, sl_v16_fill(':')), sl_v16_eq(v, sl_v16_fill((uint8_t)c->lines)));
        sl_v16 wide = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xC2)), sl_v16_eq(sl_v16_or(v, sl_v16_fill(0x0D)), sl_v16_fill(0xEF)));
        uint32_t found = sl_v16_mask(stops), here = sl_v16_mask(sl_v16_or(wide, sl_v16_eq(v, sl_v16_fill('"'))));
        for (; found; found &= found - 1) {
            uint32_t bit = sl_first_bit(found);
            const char *at = p + bit;
            if (*at == ':' && (at + 1 == c->end || at[1] != ' ')) continue;
            *plain = !(odd | (here & ((1u << bit) - 1)));
            return *at == ':' ? at : NULL;
        }
        odd |= here;
        p += left < 16 ? left : 16;
    }
    return NULL;
}

static sl_status grow(chat *c) {
    size_t capacity = c->capacity ? c->capacity * 2 : 64;
    chat_record *records = realloc(c->records, capacity * sizeof(chat_record));
    if (!records) return SL_ENOMEM;
    c->records = records;
    c->capacity = capacity;
    return SL_OK;
}

/* Every line is read once: its header, its author, and on to its end. */
static sl_status find_records(chat *c) {
    chat_cache cache = {{0}, 0, {0, 0, 0, 0, NULL}};
    chat_header header;
    uint32_t ignored = 0, after_crlf = 0, number = 1;
    chat_record *r = NULL;
    for (const char *p = c->start; p < c->end; number++) {
        uint32_t has = 0;
        if (may_start(*p) && sl_chat_header(p, c->end, &cache, &header) && header.dialect == c->dialect) {
            if (c->count == c->capacity) SL_TRY(grow(c));
            int plain = 0;
            const char *colon = find_split(c, header.rest, &plain);
            if (colon && (colon == header.rest || !(plain || sl_chat_balanced(header.rest, colon)))) colon = NULL;
            c->after_crlf += c->count && after_crlf;
            r = &c->records[c->count++];
            *r = (chat_record){(uint32_t)(p - c->start), (uint32_t)(header.rest - c->start),
                               colon ? (uint32_t)(colon - c->start) : 0, number, header.date, 0};
            p = colon ? colon + 1 : header.rest;
            if (p < c->end) p = scan_line(c, p, &has);
            r->bits = header.seconds | (header.shape | after_crlf | has | (plain ? CHAT_PLAIN : 0)) << CHAT_SECONDS_BITS;
        } else if (r) {
            p = scan_line(c, p, &has);
            r->bits |= (has | CHAT_HAS_LINE | (after_crlf || c->lines == '\r' ? CHAT_HAS_RETURN : 0)) << CHAT_SECONDS_BITS;
        } else {
            p = scan_line(c, p, &ignored);
        }
        after_crlf = c->lines == '\n' && p > c->start && p[-1] == '\r' ? CHAT_AFTER_CRLF : 0;
        if (p == c->end) break;
        p++;
    }
    return SL_OK;
}

/* Phones end messages with one kind of line end and lines within messages with another. Where both stand before
 * headers, those of the rarer kind are text; between equals, iOS writes CRLF and Android LF. */
static void lock_line_ends(chat *c) {
    size_t crlf = c->after_crlf, lf = c->count - 1 - crlf, kept = 1;
    if (!crlf || !lf) return;
    int bracket = (c->dialect & CHAT_FORM_FIELD) == CHAT_FORM_BRACKET;
    uint32_t wanted = crlf > lf || (crlf == lf && bracket) ? CHAT_AFTER_CRLF : 0;
    for (size_t i = 1; i < c->count; i++) {
        if ((chat_flags(&c->records[i]) & CHAT_AFTER_CRLF) == wanted) c->records[kept++] = c->records[i];
        else chat_absorb(&c->records[kept - 1]);
    }
    c->count = kept;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* By its members: a whole sl_str, just written in two parts, would be read back before it has arrived. */
static inline void set_text(sl_cell *cell, const char *ptr, const char *end) {
    cell->text.ptr = ptr;
    cell->text.len = (uint32_t)(end - ptr);
}

static inline void set_trimmed(sl_cell *cell, const char *p, const char *end) {
    while (p < end && chat_is_trimmed(*p)) p++;
    while (p < end && chat_is_trimmed(end[-1])) end--;
    set_text(cell, p, end);
}

static inline sl_status put_row(const chat *c, chat_names *names, size_t i, sl_rows *out) {
    const chat_record *r = &c->records[i];
    const char *rest = c->start + r->rest, *end = chat_end(c, i), *colon = r->colon ? c->start + r->colon : NULL;
    uint32_t has = chat_flags(r);
    if (SL_UNLIKELY(!colon)) SL_TRY(sl_chat_known(c, names, rest, end, &colon));

    sl_cell *cells;
    SL_TRY(sl_rows_add(out, &cells));
    cells[0].integer = (int64_t)i;
    cells[1].integer = ((int64_t)(int32_t)r->date * 86400 + chat_seconds(r)) * 1000000;
    cells[6].integer = r->line;
    cells[2].text = cells[5].text = (sl_str){NULL, 0};
    if (SL_LIKELY(colon)) {
        if (SL_LIKELY(has & CHAT_PLAIN)) set_trimmed(&cells[2], rest, colon);
        else SL_TRY(sl_chat_author(out, (sl_str){rest, (uint32_t)(colon - rest)}, &cells[2].text));
        if (SL_UNLIKELY(!cells[2].text.len)) {
            cells[2].text.ptr = NULL;
            colon = NULL; /* what looked like a name is text then, and nobody has looked for marks in it */
            has |= CHAT_HAS_ANY;
        }
    }
    const char *body = colon ? colon + 1 : rest;
    set_trimmed(&cells[3], body, end);
    chat_context context = {(has & CHAT_MARKED) != 0, 0, (c->dialect & CHAT_FORM_FIELD) == CHAT_FORM_BRACKET};
    if (SL_UNLIKELY(has & (CHAT_HAS_SPECIAL | CHAT_HAS_RETURN))) {
        while (body < end && (*body == ' ' || *body == '\t')) body++;
        context.body_marked = chat_direction(body, end);
        SL_TRY(sl_chat_clean(out, c->lines, &cells[3].text));
    }
    cells[4].text = colon ? sl_chat_kind(&cells[3].text, has, context, &cells[5].text) : SL_STR("system");
    return SL_OK;
}

static inline void prefetch(const chat *c, size_t i) {
    if (i + CHAT_AHEAD >= c->count) return;
    const char *rest = c->start + c->records[i + CHAT_AHEAD].rest;
    CHAT_PREFETCH(rest);
    if (c->end - rest > 64) CHAT_PREFETCH(rest + 64);
}

sl_status sl_parse_whatsapp(sl_str content, const sl_options *options, sl_rows *out) {
    chat c = {content.ptr, content.ptr + content.len, '\n', 0, 0, NULL, 0, 0};
    if (!content.len) return SL_OK;
    if (!memchr(content.ptr, '\n', content.len)) c.lines = '\r';
    if (!(c.dialect = find_dialect(&c))) return SL_OK;
    chat_names names = {NULL, 0, 0, 0};
    sl_status status = find_records(&c);
    if (status == SL_OK) {
        lock_line_ends(&c);
        sl_chat_settle(&c, (int)options->word[0]);
        status = sl_chat_double_names(&c);
    }
    for (size_t i = 0; i < c.count && status == SL_OK; i++) {
        prefetch(&c, i);
        status = put_row(&c, &names, i, out);
    }
    free(names.slots);
    free(c.records);
    return status;
}
