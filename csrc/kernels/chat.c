/* chat.c - messages of chat exports: the rows of the records that chat_records.c finds.
 * Contract: linear in the text, whatever it is; a text without headers gives no rows; rows point into the text where
 * nothing had to be removed. Source: public exports; the grammar is stated in streamliner_udf/reference/chat.py. */
#include "chat.h"
#include "chat_file.h"

#include <stdlib.h>

/* word[0]: the order of dates, CHAT_ANY and CHAT_UNTIL, and above them the day; object: a name of word[1] bytes. */
sl_status sl_prepare_whatsapp(const sl_value *values, sl_options *options, sl_error *error) {
    static const char words[][4] = {[CHAT_ORDER_DMY] = "dmy", [CHAT_ORDER_MDY] = "mdy", [CHAT_ORDER_YMD] = "ymd", "any"};
    const char *p = values[0].text.ptr, *end = p + values[0].text.len;
    uint64_t order = CHAT_ORDER_AUTO, flags = 0;
    int32_t until = INT32_MAX;
    options->word[1] = 0;
    for (;;) {
        while (p < end && (*p == ',' || *p == ' ')) p++;
        size_t left = (size_t)(end - p);
        if (left > 6 && !memcmp(p, "title=", 6)) { /* and all that stands behind it, for a name can hold anything */
            options->object = (void *)(uintptr_t)(p + 6);
            options->word[1] = left - 6;
        }
        if (!left || options->word[1]) break;
        const char *start = p;
        while (p < end && *p != ',' && *p != ' ') p++;
        size_t len = (size_t)(p - start);
        if (len == 6 && !memcmp(start, "title=", 6)) continue;
        if (len >= 6 && !memcmp(start, "until=", 6)) {
            int32_t day;
            if (!sl_chat_read_day(start + 6, len - 6, &day))
                return sl_error_set(error, "expected until to be a day from 1970 on, as in until=2024-03-05, got '%.*s'",
                                    (int)(len > 150 ? 150 : len), start);
            flags |= CHAT_UNTIL;
            if (day < until) until = day;
            continue;
        }
        uint64_t word = CHAT_ORDER_DMY;
        while (word < 5 && !(len == 3 && !memcmp(words[word], start, 3))) word++;
        if (word == 5)
            return sl_error_set(error,
                                "expected options to be a list of dmy, mdy, ymd, any, until=YYYY-MM-DD, title=NAME, got '%.*s'",
                                (int)(len > 150 ? 150 : len), start);
        if (word > CHAT_ORDER_YMD) flags |= CHAT_ANY;
        else if (order != CHAT_ORDER_AUTO && order != word)
            return sl_error_set(error, "expected options to name one order of dates, got '%.3s' and '%.3s'", words[order],
                                words[word]);
        else order = word;
    }
    options->word[0] = order | flags | (uint64_t)(uint32_t)until << 32;
    return SL_OK;
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
    chat_context context = {(has & CHAT_MARKED) != 0, 0, (has & CHAT_BRACKETED) != 0};
    if (SL_UNLIKELY(has & (CHAT_HAS_SPECIAL | CHAT_HAS_RETURN))) {
        while (body < end && (*body == ' ' || *body == '\t')) body++;
        context.body_marked = chat_direction(body, end);
        SL_TRY(sl_chat_clean(out, c->lines, &cells[3].text));
    }
    cells[4].text = colon ? sl_chat_kind(&cells[3].text, has, context, &cells[5].text) : SL_STR("system");
    if (SL_UNLIKELY(c->app.len) && colon && context.bracket && cells[4].text.len == 4 && cells[4].text.ptr[0] == 't' &&
        sl_chat_is_called(c->app, rest, colon))
        cells[4].text = SL_STR("system");
    return SL_OK;
}

static inline void prefetch(const chat *c, size_t i) {
    if (i + CHAT_AHEAD >= c->count) return;
    const char *rest = c->start + c->records[i + CHAT_AHEAD].rest;
    CHAT_PREFETCH(rest);
    if (c->end - rest > 64) CHAT_PREFETCH(rest + 64);
}

/* A text that was read, and the names that each worker knows. */
typedef struct chat_parts {
    chat c;
    uint32_t workers;
    chat_names *names;
    sl_str title;
} chat_parts;

static void close_parts(void *state) {
    chat_parts *parts = state;
    for (uint32_t i = 0; parts->names && i < parts->workers; i++) free(parts->names[i].slots);
    free(parts->names);
    sl_chat_free(&parts->c);
    free(parts);
}

static sl_status open_parts(sl_str content, const sl_options *options, uint32_t workers, int unchecked, void **state,
                            uint32_t *scans) {
    chat_parts *parts = malloc(sizeof(*parts));
    if (!parts) return SL_ENOMEM;
    parts->workers = workers;
    parts->names = NULL;
    parts->title = (sl_str){options->object, (uint32_t)options->word[1]};
    sl_status status = sl_chat_open(&parts->c, content, options, workers > 1 ? 2 * workers : 1, unchecked);
    *state = parts;
    *scans = parts->c.piece_count;
    if (status != SL_OK) close_parts(parts);
    return status;
}

static sl_status scan_part(void *state, uint32_t scan) { return sl_chat_scan(&((chat_parts *)state)->c, scan, 0); }

static sl_status join_parts(void *state, size_t *count, uint32_t *scans) {
    chat_parts *parts = state;
    int again;
    SL_TRY(sl_chat_join(&parts->c, &again));
    *scans = again ? parts->c.piece_count : 0;
    if (again) return SL_OK;
    SL_TRY(sl_chat_double_names(&parts->c));
    if (!(parts->names = calloc(parts->workers, sizeof(chat_names)))) return SL_ENOMEM;
    if (parts->title.len) SL_TRY(sl_chat_find_app(&parts->c, &parts->names[0], parts->title));
    *count = parts->c.count;
    return SL_OK;
}

static sl_status make_part(void *state, uint32_t worker, size_t from, size_t to, sl_rows *out) {
    chat_parts *parts = state;
    for (size_t i = from; i < to; i++) {
        prefetch(&parts->c, i);
        SL_TRY(put_row(&parts->c, &parts->names[worker], i, out));
    }
    return SL_OK;
}

/* What sl_sniff_whatsapp says. */
static sl_status look(chat *c, sl_rows *out) {
    static const char *const order[] = {NULL, "dmy", "mdy", "ymd"};
    sl_cell *cells;
    SL_TRY(sl_rows_add(out, &cells));
    cells[4].integer = (int64_t)c->count;
    cells[5].integer = c->count ? (int64_t)c->records[0].line - 1 : (int64_t)sl_chat_count_lines(c);
    cells[1].text = (sl_str){c->count ? order[c->segments[0].decision.order] : NULL, c->count ? 3 : 0};
    int doubts;
    SL_TRY(sl_chat_describe(c, out, &cells[0].text, &cells[3].text, &doubts));
    cells[2].integer = c->count && !doubts;
    for (uint32_t s = 0; s < c->segment_count; s++) cells[2].integer &= c->segments[s].decision.confident;
    return SL_OK;
}

static sl_status look_parts(void *state, sl_rows *out) { return look(&((chat_parts *)state)->c, out); }

const sl_parts sl_whatsapp_parts = {"sniff_whatsapp", sl_chat_plain, open_parts, scan_part, join_parts, look_parts,
                                    make_part,        close_parts};

sl_status sl_parse_whatsapp(sl_str content, const sl_options *options, sl_rows *out) {
    void *state;
    uint32_t scans;
    size_t count = 0;
    SL_TRY(open_parts(content, options, 1, 0, &state, &scans));
    sl_status status = SL_OK;
    while (status == SL_OK && scans) {
        status = scan_part(state, 0);
        if (status == SL_OK) status = join_parts(state, &count, &scans);
    }
    out->expected = out->count + count;
    if (status == SL_OK) status = make_part(state, 0, 0, count, out);
    out->expected = 0;
    close_parts(state);
    return status;
}

sl_status sl_sniff_whatsapp(sl_str content, const sl_options *options, sl_rows *out) {
    chat c;
    sl_status status = sl_chat_read(&c, content, options);
    if (status == SL_OK) status = look(&c, out);
    sl_chat_free(&c);
    return status;
}
