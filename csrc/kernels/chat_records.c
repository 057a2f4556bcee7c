/* chat_records.c - which lines of a chat export are headers of messages: the records of a text, of all of it or piece by
 * piece, and the exports that it is made of.
 * Contract: linear in the text, whatever it is; pieces are read by any thread, each by one, and give what the whole gives.
 * Source: public exports; the grammar is stated in streamliner_udf/reference/chat.py. */
#include "chat.h"

#include <stdlib.h>

#include "simd.h"
#include "utf8.h"

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static inline const char *next_line(const chat *c, const char *p) {
    const char *stop = memchr(p, c->lines, (size_t)(c->end - p));
    return stop ? stop + 1 : NULL;
}

/* 1 for bytes with which a header may start: a digit of any script, a bracket, a mark, the letter of an era. */
static const uint8_t starts[256] = {
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1,
    ['['] = 1, ['R'] = 1, ['H'] = 1, [0xD9] = 1, [0xDB] = 1, [0xDF] = 1, [0xE0] = 1, [0xE1] = 1, [0xE2] = 1, [0xEA] = 1,
    [0xEF] = 1, [0xF0] = 1,
};
static inline int may_start(char c) { return starts[(unsigned char)c]; }

/* The dialect of the first header, unless another has more than twice as many among the first headers; 0 if there is
 * no header at all. */
enum { SAMPLE = 1000 };
typedef struct sample {
    chat_dialect dialects[SAMPLE];
    uint32_t counts[SAMPLE];
} sample;

static int find_dialect(const chat *c, sample *found, chat_dialect *out) {
    uint32_t distinct = 0, seen = 0, most = 0;
    chat_header header;
    for (const char *p = c->start; p && p < c->end && seen < SAMPLE; p = next_line(c, p)) {
        if (!may_start(*p) || sl_chat_header(p, c->end, &header) != 1) continue;
        p = header.rest;
        uint32_t i = 0;
        while (i < distinct && !chat_same(&found->dialects[i], &header)) i++;
        if (i == distinct) {
            found->dialects[distinct] = (chat_dialect){header.dialect, header.connector};
            found->counts[distinct++] = 0;
        }
        found->counts[i]++;
        seen++;
    }
    if (!seen) return 0;
    for (uint32_t i = 1; i < distinct; i++)
        if (found->counts[i] > found->counts[most]) most = i;
    *out = found->dialects[2 * found->counts[0] >= found->counts[most] ? 0 : most];
    return 1;
}

/* ---- headers like the one before --------------------------------------------------------------------------------- */

/* Bytes that come again: date and all before the time, or what stands behind it. Most lines have the same as the line
 * before but for the time itself. */
enum { PART_MAX = 32, SUFFIX_MAX = 16, AHEAD = 80 };
typedef struct part {
    char bytes[PART_MAX];
    uint32_t len; /* 0: nothing */
    uint32_t date, shape, clock;
} part;

/* Of a dialect: two of each, because the words for morning and afternoon take turns. */
typedef struct lock {
    part prefix[2], suffix[2];
    uint32_t next_prefix, next_suffix;
    char colon; /* 0: not known yet, or not a dialect for which this is worth while */
    int has_seconds;
} lock;

/* Two digits up to 59, or 60 and more where there are none. */
static inline uint32_t two_digits(const char *p) {
    uint32_t tens = (unsigned char)(p[0] - '0'), ones = (unsigned char)(p[1] - '0');
    return tens < 6 && ones < 10 ? tens * 10 + ones : 60;
}

/* Sixteen bytes at once, or thirty-two. */
static inline int is_part(const char *p, const part *part) {
    uint32_t same = sl_v16_mask(sl_v16_eq(sl_v16_load(p), sl_v16_load(part->bytes)));
    if (SL_LIKELY(part->len <= 16)) return part->len && (~same & ((1u << part->len) - 1)) == 0;
    same |= sl_v16_mask(sl_v16_eq(sl_v16_load(p + 16), sl_v16_load(part->bytes + 16))) << 16;
    return (~same & (UINT32_MAX >> (PART_MAX - part->len))) == 0;
}

/* 1 if the header at p, behind its marks, is like one before it; it says what sl_chat_header would. */
static inline int read_again(const lock *l, const char *p, const char *end, chat_header *header) {
    if (!l->colon || end - p < AHEAD) return 0;
    const part *prefix = &l->prefix[0], *suffix = &l->suffix[0];
    if (!is_part(p, prefix) && !is_part(p, ++prefix)) return 0;
    p += prefix->len;
    uint32_t hour = (unsigned char)(p[0] - '0'), ones = (unsigned char)(p[1] - '0'), minute, second = 0;
    if (hour > 9) return 0;
    if (ones <= 9) {
        hour = hour * 10 + ones;
        p++;
    }
    if (p[1] != l->colon || hour > 23 || (minute = two_digits(p + 2)) > 59) return 0;
    p += 4;
    if (l->has_seconds) {
        if (*p != l->colon || (second = two_digits(p + 1)) > 59) return 0;
        p += 3;
    }
    if (!is_part(p, suffix) && !is_part(p, ++suffix)) return 0;
    header->date = prefix->date;
    header->shape = prefix->shape | suffix->shape;
    header->seconds = chat_hour(hour, prefix->clock | suffix->clock) * 3600 + minute * 60 + second;
    header->rest = p + suffix->len;
    return 1;
}

static void keep_part(part *parts, uint32_t *next, uint32_t max, const char *start, const char *stop, part what) {
    what.len = (uint32_t)(stop - start);
    for (int i = 0; i < 2; i++)
        if (parts[i].len == what.len && !memcmp(parts[i].bytes, start, what.len)) return;
    if ((size_t)(stop - start) > max) return;
    memcpy(what.bytes, start, what.len);
    parts[(*next)++ & 1] = what;
}

/* Remembers a header that sl_chat_header has read. Digits of other scripts are left to it. */
static void keep_parts(lock *l, const chat_header *header) {
    uint32_t colon = header->dialect & CHAT_TIME_FIELD, form = header->dialect & CHAT_FORM_FIELD;
    if (colon == CHAT_TIME_H || form == CHAT_FORM_DASH_TIME || form == CHAT_FORM_BRACKET_TIME) return;
    l->colon = colon == CHAT_TIME_DOT ? '.' : ':';
    l->has_seconds = (header->dialect & CHAT_SECONDS) != 0;
    int after = (header->dialect & CHAT_MARKER_AFTER) != 0;
    uint32_t of_suffix = after ? header->shape & CHAT_UPPER : 0;
    part what = {{0}, 0, header->date, (header->shape & ~(uint32_t)CHAT_MARKED) ^ of_suffix, after ? 0 : header->clock};
    keep_part(l->prefix, &l->next_prefix, PART_MAX, header->start, header->time, what);
    what = (part){{0}, 0, 0, of_suffix, after ? header->clock : 0};
    keep_part(l->suffix, &l->next_suffix, SUFFIX_MAX, header->behind, header->rest, what);
}

/* 1 if the line at p starts with a header of the dialect that is looked for; else in `header` what it is, if `found`. */
static inline int read_header(chat *c, lock *l, const chat_segment *s, const char *p, chat_header *header, int *found) {
    *found = 0;
    if (!may_start(*p)) return 0;
    const char *start = p;
    uint32_t shape = 0;
    for (uint32_t len; p < c->end && ((unsigned char)*p & 0x80) && (len = chat_mark(p, c->end)); p += len)
        if (chat_direction(p, c->end)) shape = CHAT_MARKED;
    if (SL_LIKELY(read_again(l, p, c->end, header))) {
        header->shape |= shape;
        return 1;
    }
    *found = sl_chat_header(start, c->end, header);
    if (*found != 1) return 0;
    if (c->any) return 1;
    if (!chat_same(&s->dialect, header)) return 0;
    keep_parts(l, header);
    return 1;
}

/* ---- what stands in messages ------------------------------------------------------------------------------------- */

/* What the byte at a place of the window says of its message. A mark in an address hides what makes it one. */
static inline uint32_t meaning(char c) {
    switch (c) {
        case ':':
            return CHAT_HAS_COLON;
        case 'm':
            return CHAT_HAS_SLASH;
        case '\r':
            return CHAT_HAS_RETURN;
        default:
            return CHAT_HAS_SPECIAL | CHAT_HAS_SLASH;
    }
}

/* What [p, stop) holds, of which all but its start is in the window. */
static inline uint32_t see(const char *base, const uint16_t **place, const char *p, const char *stop) {
    uint32_t has = 0;
    size_t from = (size_t)(p - base), to = (size_t)(stop - base);
    while (**place < from) ++*place;
    for (; SL_UNLIKELY(**place < to); ++*place) has |= meaning(base[**place]);
    return has;
}

/* The first ": " of the line, or NULL. `plain` is 0 if anything before it could change or be a quote. */
static inline const char *find_split(const chat *c, const char *p, int *plain) {
    uint32_t odd = 0;
    while (p < c->end) {
        size_t left = (size_t)(c->end - p), taken = left < 32 ? left : 32;
        uint32_t found = 0, here = 0;
        for (size_t i = 0; i < taken; i += 16) {
            sl_v16 v = SL_LIKELY(left - i >= 16) ? sl_v16_load(p + i) : sl_v16_load_tail(p + i, left - i, 'a');
            sl_v16 stops = sl_v16_or(sl_v16_eq(v, sl_v16_fill(':')), sl_v16_eq(v, sl_v16_fill((uint8_t)c->lines)));
            sl_v16 wide = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xC2)),
                                    sl_v16_eq(sl_v16_or(v, sl_v16_fill(0x0D)), sl_v16_fill(0xEF)));
            sl_v16 narrow = sl_v16_or(sl_v16_eq(v, sl_v16_fill('"')), sl_v16_eq(v, sl_v16_fill(0)));
            found |= sl_v16_mask(stops) << i;
            here |= sl_v16_mask(sl_v16_or(wide, narrow)) << i;
        }
        for (; found; found &= found - 1) {
            uint32_t bit = sl_first_bit(found);
            const char *at = p + bit;
            if (*at == ':' && (at + 1 == c->end || at[1] != ' ')) continue;
            *plain = !(odd | (here & ((1u << bit) - 1)));
            return *at == ':' ? at : NULL;
        }
        odd |= here;
        p += taken;
    }
    return NULL;
}

static sl_status grow(chat *c) {
    enum { SHORT = 96 }; /* bytes: most messages have more */
    /* Those of the other pieces come behind those of the first one. */
    size_t len = (size_t)(c->from == c->start ? c->end - c->start : c->to - c->from);
    size_t capacity = c->capacity ? c->capacity * 2 : len / SHORT + 64;
    chat_record *records = sl_pages_grow(c->records, c->count * sizeof(chat_record), capacity * sizeof(chat_record));
    if (!records) return SL_ENOMEM;
    c->records = records;
    c->capacity = capacity;
    return SL_OK;
}

/* Counts a header whatever its dialect: first those of the dialect that was locked. */
static void count_other(chat *c, const chat_header *header, const char *line, uint32_t number) {
    uint32_t i = 0;
    c->headers++;
    chat_lose(&c->lost[CHAT_LOST_DIALECT], number, line, header->rest);
    while (i < c->other_count && !chat_same(&c->others[i].dialect, header)) i++;
    if (i == 1 + CHAT_OTHERS) return;
    if (i == c->other_count) {
        c->others[i] = (chat_other){{header->dialect, header->connector}, line, line, 0, number, 0};
        c->other_count++;
    }
    c->others[i].count++;
    c->others[i].last = line;
    c->others[i].late |= header->seconds / 3600 > 12;
}

static void count_locked(chat *c, const char *line) {
    chat_other *locked = &c->others[0];
    if (!locked->count++) locked->first = line;
    locked->last = line;
    c->headers++;
}

/* Counts a line that would be a header, if its marker were known. */
static void count_unknown(chat *c, const chat_header *header, const char *line, uint32_t number) {
    const char *word = header->marker.ptr, *end = word + header->marker.len;
    int counts = c->any;
    for (uint32_t s = 0; s < c->segment_count && !counts; s++) counts = chat_same(&c->segments[s].dialect, header);
    if (counts) chat_lose(&c->lost[CHAT_LOST_WORD], number, word, end);
    else chat_lose(&c->lost[CHAT_LOST_DIALECT], number, line, header->rest);
    chat_lose(&c->lost[CHAT_LOST_ANY_WORD], number, word, end);
}

/* What a line holds is of the message that it belongs to, which may have begun in the piece before. */
static inline void add_flags(chat *c, uint32_t has) {
    if (SL_LIKELY(c->count)) c->records[c->count - 1].bits |= has << CHAT_SECONDS_BITS;
    else c->before |= has;
}

/* `*body` is what stands behind the author. */
static sl_status add_record(chat *c, chat_segment *s, const char *line, uint32_t number, uint32_t after_crlf,
                            const chat_header *header, const char **body) {
    if (SL_UNLIKELY(c->count == c->capacity)) SL_TRY(grow(c));
    int plain = 0;
    const char *rest = header->rest, *colon = find_split(c, rest, &plain);
    if (colon && (colon == rest || !(plain || sl_chat_balanced(rest, colon)))) colon = NULL;
    if (!s->count++) s->first = c->count;
    else s->after_crlf += after_crlf != 0;
    chat_record *r = &c->records[c->count++];
    *r = (chat_record){(uint32_t)(line - c->start), (uint32_t)(rest - c->start), colon ? (uint32_t)(colon - c->start) : 0,
                       number, header->date, 0};
    r->bits = header->seconds | (header->shape | after_crlf | (plain ? CHAT_PLAIN : 0)) << CHAT_SECONDS_BITS;
    *body = colon ? colon + 1 : rest;
    chat_count(s, r);
    return SL_OK;
}

/* Of the line behind the one that ends at `stop`. */
static inline uint32_t is_after_crlf(const chat *c, const char *stop) {
    return c->lines == '\n' && stop > c->start && stop[-1] == '\r' ? CHAT_AFTER_CRLF : 0;
}

/* What the lines before have left to know. */
typedef struct reading {
    chat_segment *s, *last; /* the segment of the line, and the last one */
    lock l;
    uint32_t number, after_crlf;
} reading;

/* Reads the line from p to `stop`: its header and its author, or that it belongs to the message before. What it holds is
 * found from `*body` on. */
static inline sl_status read_line(chat *c, reading *r, const char *p, const char *stop, const char **body) {
    int found;
    chat_header header;
    *body = p;
    if (SL_UNLIKELY(r->s < r->last && p >= r->s[1].start)) {
        r->s++;
        memset(&r->l, 0, sizeof(r->l));
    }
    if (read_header(c, &r->l, r->s, p, &header, &found)) {
        count_locked(c, p);
        SL_TRY(add_record(c, r->s, p, r->number, r->after_crlf, &header, body));
    } else {
        if (SL_UNLIKELY(found == 1)) count_other(c, &header, p, r->number);
        else if (SL_UNLIKELY(found == 2)) count_unknown(c, &header, p, r->number);
        add_flags(c, CHAT_HAS_LINE | (r->after_crlf || c->lines == '\r' ? CHAT_HAS_RETURN : 0));
    }
    r->number++;
    r->after_crlf = is_after_crlf(c, stop);
    return SL_OK;
}

/* Every line of [from, to) is read once: whether it is UTF-8, its header, its author, and what else it holds. */
static sl_status find_records(chat *c, chat_window *w) {
    reading r = {.s = c->segments, .last = c->segments + c->segment_count - 1, .number = 1};
    while (r.s < r.last && c->from >= r.s[1].start) r.s++;
    if (c->from > c->start) r.after_crlf = is_after_crlf(c, c->from - 1);
    c->count = c->headers = 0;
    c->before = 0;
    c->other_count = 1;
    c->others[0] = (chat_other){c->segments[0].dialect, NULL, NULL, 0, 0, 0};
    memset(c->lost, 0, sizeof(c->lost));
    for (const char *p = c->from, *body; p < c->to;) {
        const char *base = p, *stop;
        sl_chat_window(p, c->to, c->lines, w);
        if (base + w->len == c->to && c->to[-1] != c->lines) w->lines[w->line_count++] = (uint16_t)w->len;
        if (SL_LIKELY(w->line_count)) stop = base + w->lines[w->line_count - 1];
        else stop = memchr(base + w->len, c->lines, (size_t)(c->to - base) - w->len);
        if (!stop) stop = c->to;
        if (c->unchecked && SL_UNLIKELY(!sl_utf8_valid(base, (size_t)(stop - base)))) return SL_EUTF8;
        const uint16_t *place = w->places;
        for (uint32_t i = 0; i < w->line_count; i++) {
            stop = base + w->lines[i];
            SL_TRY(read_line(c, &r, p, stop, &body));
            add_flags(c, see(base, &place, body, stop));
            p = stop < c->to ? stop + 1 : stop;
        }
        if (SL_LIKELY(w->line_count)) continue;
        /* A line that does not end in the window: it may hold anything. */
        SL_TRY(read_line(c, &r, p, stop, &body));
        add_flags(c, CHAT_HAS_ANY);
        p = stop < c->to ? stop + 1 : stop;
    }
    c->line_count = r.number - 1;
    return SL_OK;
}

/* Whether no line of a dialect stands between lines of one that is read already, or the other way round. */
static int is_alone(const chat_other *other, const chat_other *const *read, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (other->last >= read[i]->first && read[i]->last >= other->first) return 0;
    return 1;
}

/* Makes the other exports in the text segments of their own: each has a fifth of all headers, and stands by itself before
 * or behind the others. What is quoted in messages stands between them. Returns 1 if there are any. */
static int find_segments(chat *c) {
    enum { LEAST = 3 };
    const chat_other *read[CHAT_SEGMENTS] = {&c->others[0]};
    uint32_t count = 1;
    for (uint32_t i = 1; i < c->other_count && count < CHAT_SEGMENTS; i++) {
        const chat_other *other = &c->others[i];
        if (other->count < LEAST || 5 * other->count < c->headers || !is_alone(other, read, count)) continue;
        uint32_t at = count++;
        for (; at && read[at - 1]->first > other->first; at--) read[at] = read[at - 1];
        read[at] = other;
    }
    if (count == 1) return 0;
    for (uint32_t i = 0; i < count; i++) c->segments[i] = (chat_segment){.dialect = read[i]->dialect, .start = read[i]->first};
    c->segment_count = count;
    return 1;
}

/* Phones end messages with one kind of line end and lines within messages with another. Where both stand before
 * headers, those of the rarer kind are text; between equals, iOS writes CRLF and Android LF. */
static void lock_line_ends(chat *c) {
    size_t kept = 0;
    for (chat_segment *s = c->segments; s < c->segments + c->segment_count; s++) {
        size_t crlf = s->after_crlf, lf = s->count - 1 - crlf, first = kept, stop = s->first + s->count;
        uint32_t form = s->dialect.bits & CHAT_FORM_FIELD;
        int from_ios = form != CHAT_FORM_DASH && form != CHAT_FORM_DASH_TIME;
        uint32_t wanted = crlf > lf || (crlf == lf && from_ios) ? CHAT_AFTER_CRLF : 0;
        int mixed = crlf && lf;
        if (!mixed && kept == s->first) kept = stop; /* the usual case: nothing moves */
        for (size_t i = kept == stop ? stop : s->first; i < stop; i++) {
            if (i == s->first || !mixed || (chat_flags(&c->records[i]) & CHAT_AFTER_CRLF) == wanted)
                c->records[kept++] = c->records[i];
            else {
                const chat_record *r = &c->records[i];
                chat_lose(&c->lost[CHAT_LOST_END], r->line, c->start + r->start, c->start + r->rest);
                chat_absorb(&c->records[kept - 1]);
            }
        }
        s->first = first;
        s->count = kept - first;
        if (!mixed) continue;
        s->above_12[0] = s->above_12[1] = 0;
        for (size_t i = first; i < kept; i++) chat_count(s, &c->records[i]);
    }
    c->count = kept;
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

enum { PIECE_MIN = 1 << 17 }; /* bytes: below, a thread has nothing to gain */

/* Where up to `count` pieces begin and end: with lines. */
static sl_status split(chat *c, uint32_t count) {
    size_t len = (size_t)(c->end - c->start);
    c->from = c->start;
    c->to = c->end;
    c->piece_count = 1;
    if (count > len / PIECE_MIN) count = (uint32_t)(len / PIECE_MIN);
    if (count < 2) return SL_OK;
    if (!c->pieces && !(c->pieces = malloc(count * sizeof(chat)))) return SL_ENOMEM;
    uint32_t made = 0;
    for (const char *from = c->start, *to; from < c->end; from = to) {
        const char *near = c->start + len / count * (made + 1);
        to = made + 1 == count || near <= from ? c->end : memchr(near, c->lines, (size_t)(c->end - near));
        to = to && to < c->end ? to + 1 : c->end;
        chat *piece = &c->pieces[made++];
        *piece = *c;
        piece->from = from;
        piece->to = to;
        piece->pieces = NULL;
        if (made > 1) {
            piece->records = NULL;
            piece->capacity = 0;
        }
    }
    /* The first piece has them, unless it is all there is: a last line can reach across every cut. */
    if (made > 1) c->records = NULL;
    else c->pieces[0].records = NULL;
    c->piece_count = made;
    return SL_OK;
}

static void join_segment(chat *c, const chat *piece, uint32_t s) {
    const chat_segment *more = &piece->segments[s];
    chat_segment *whole = &c->segments[s];
    if (!more->count) return;
    if (!whole->count) whole->first = c->count + more->first;
    else whole->after_crlf += (chat_flags(&piece->records[more->first]) & CHAT_AFTER_CRLF) != 0;
    whole->count += more->count;
    whole->after_crlf += more->after_crlf;
    whole->above_12[0] += more->above_12[0];
    whole->above_12[1] += more->above_12[1];
}

static void join_others(chat *c, const chat *piece) {
    for (uint32_t p = 0; p < piece->other_count; p++) {
        const chat_other *more = &piece->others[p];
        uint32_t i = 0;
        if (!more->count) continue;
        const chat_header header = {.dialect = more->dialect.bits, .connector = more->dialect.connector};
        while (i < c->other_count && !chat_same(&c->others[i].dialect, &header)) i++;
        if (i == 1 + CHAT_OTHERS) continue;
        if (i == c->other_count) {
            c->others[c->other_count] = *more;
            c->others[c->other_count++].line += c->line_count;
            continue;
        }
        if (!c->others[i].count) c->others[i].first = more->first;
        c->others[i].last = more->last;
        c->others[i].count += more->count;
        c->others[i].late |= more->late;
    }
    c->headers += piece->headers;
}

/* Puts the piece behind those that are in c. */
static sl_status join_piece(chat *c, chat *piece) {
    for (int i = 0; i < CHAT_LOST; i++) {
        chat_lost *lost = &c->lost[i], more = piece->lost[i];
        if (!lost->count) *lost = (chat_lost){0, more.line + c->line_count, more.text};
        lost->count += more.count;
    }
    add_flags(c, piece->before);
    for (uint32_t s = 0; s < c->segment_count; s++) join_segment(c, piece, s);
    join_others(c, piece);
    size_t count = c->count + piece->count;
    if (count > c->capacity) {
        chat_record *records = sl_pages_grow(c->records, c->count * sizeof(chat_record), count * sizeof(chat_record));
        if (!records) return SL_ENOMEM;
        c->records = records;
        c->capacity = count;
    }
    for (size_t i = 0; i < piece->count; i++) {
        chat_record r = piece->records[i];
        r.line += c->line_count;
        c->records[c->count++] = r;
    }
    c->line_count += piece->line_count;
    return SL_OK;
}

static sl_status join(chat *c) {
    chat *first = &c->pieces[0];
    int full = 0;
    for (uint32_t i = 0; i < c->piece_count; i++) full |= c->pieces[i].other_count > CHAT_OTHERS;
    first->pieces = c->pieces;
    first->piece_count = c->piece_count;
    chat *pieces = c->pieces;
    *c = *first;
    first->records = NULL;
    sl_status status = SL_OK;
    if (full) { /* more dialects than are counted: which ones depends on all that stands before */
        for (uint32_t s = 0; s < c->segment_count; s++)
            c->segments[s] = (chat_segment){.dialect = c->segments[s].dialect, .start = c->segments[s].start};
        c->from = c->start;
        c->to = c->end;
        status = sl_chat_scan(c, 0, 1);
    }
    for (uint32_t i = 1; i < c->piece_count; i++) {
        if (!full && status == SL_OK) status = join_piece(c, &pieces[i]);
        free(pieces[i].records);
        pieces[i].records = NULL;
    }
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

sl_status sl_chat_open(chat *c, sl_str content, const sl_options *options, uint32_t pieces, int unchecked) {
    memset(c, 0, offsetof(chat, others));
    c->start = c->from = c->to = content.ptr;
    c->end = content.ptr + content.len;
    c->lines = content.len && !memchr(content.ptr, '\n', content.len) ? '\r' : '\n';
    c->any = (options->word[0] & CHAT_ANY) != 0;
    c->until = options->word[0] & CHAT_UNTIL ? (int32_t)(options->word[0] >> 32) : INT32_MAX;
    c->wanted = (int)(options->word[0] & CHAT_ORDER_FIELD);
    c->unchecked = unchecked;
    c->wanted_pieces = pieces;
    if (!content.len) return SL_OK;
    sample *found = malloc(sizeof(*found));
    if (!found) return SL_ENOMEM;
    int has_header = find_dialect(c, found, &c->segments[0].dialect);
    if (c->any && has_header) c->segments[0].dialect = found->dialects[0];
    free(found);
    if (!has_header) return unchecked && !sl_utf8_valid(content.ptr, content.len) ? SL_EUTF8 : SL_OK;
    c->segments[0].start = c->start;
    c->segment_count = 1;
    return split(c, pieces);
}

sl_status sl_chat_scan(chat *c, uint32_t piece, int whole) {
    chat_window *window = malloc(sizeof(*window));
    if (!window) return SL_ENOMEM;
    sl_status status = find_records(c->piece_count > 1 && !whole ? &c->pieces[piece] : c, window);
    free(window);
    return status;
}

sl_status sl_chat_join(chat *c, int *again) {
    *again = 0;
    if (c->piece_count > 1) SL_TRY(join(c));
    c->unchecked = 0;
    if (!c->joined && c->segment_count && !c->any && c->other_count > 1 && find_segments(c)) {
        c->joined = 1;
        *again = 1;
        return split(c, c->wanted_pieces);
    }
    if (!c->segment_count) return SL_OK;
    lock_line_ends(c);
    sl_chat_settle(c, c->wanted);
    return SL_OK;
}

sl_status sl_chat_read(chat *c, sl_str content, const sl_options *options) {
    int again = 1;
    sl_status status = sl_chat_open(c, content, options, 1, 0);
    while (status == SL_OK && c->piece_count && again) {
        status = sl_chat_scan(c, 0, 1);
        if (status == SL_OK) status = sl_chat_join(c, &again);
    }
    return status;
}

/* Lines of the whole text, of which those that would be headers if their markers were known are counted too. */
size_t sl_chat_count_lines(chat *c) {
    size_t count = 0;
    chat_header header;
    for (const char *p = c->start; p && p < c->end; p = next_line(c, p)) {
        count++;
        if (!c->segment_count && may_start(*p) && sl_chat_header(p, c->end, &header) == 2)
            count_unknown(c, &header, p, (uint32_t)count);
    }
    return count;
}

void sl_chat_free(chat *c) {
    for (uint32_t i = 0; c->pieces && i < c->piece_count; i++) free(c->pieces[i].records);
    free(c->pieces);
    free(c->records);
}
