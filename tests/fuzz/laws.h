/* laws.h - what holds of an answer for any text and any options, without knowing the answer.
 * Contract: texts and options are valid UTF-8; a law that breaks ends the program. */
#ifndef SL_LAWS_H
#define SL_LAWS_H

#include "../c/calls.h"

/* ---- answers --------------------------------------------------------------------------------------------------------- */

typedef struct answer {
    sl_buf text; /* of TEXT; with a status of SL_UNCHANGED a copy of the input */
    sl_rows rows;
    sl_cell cell;
    sl_uuid uuid;
} answer;

/* Keeps all elements, and so all that they point to, until the answer is freed. */
static sl_status keep_rows(sl_rows *rows) {
    rows->capacity = rows->capacity ? rows->capacity * 2 : 16;
    rows->cells = realloc(rows->cells, (size_t)rows->capacity * rows->columns * sizeof(sl_cell));
    CHECK(rows->cells != NULL);
    return SL_OK;
}

static answer ask(const sl_function *function, const sl_options *options, sl_str text, sl_str beside) {
    answer a;
    memset(&a, 0, sizeof(a));
    a.text = SL_BUF_HEAP;
    a.rows = (sl_rows){.columns = function->result->field_count, .flush = keep_rows};
    sl_status status = SL_EARG;
    if (function->shape == SL_SHAPE_TEXT) {
        status = function->kernel.TEXT(text, options, &a.text);
        if (status == SL_UNCHANGED) {
            a.text.len = 0;
            CHECK(sl_buf_append(&a.text, text.ptr, text.len) == SL_OK);
        }
    }
    if (function->shape == SL_SHAPE_ROWS) status = function->kernel.ROWS(text, options, &a.rows);
    if (function->shape == SL_SHAPE_UUID) status = function->kernel.UUID(text, options, &a.uuid);
    if (function->shape == SL_SHAPE_NUMBER) status = function->kernel.NUMBER(text, options, &a.cell);
    if (function->shape == SL_SHAPE_PAIR) status = function->kernel.PAIR(text, beside, options, &a.cell);
    CHECK(status <= SL_OK);
    return a;
}

static void answer_free(answer *a) {
    sl_buf_free(&a->text);
    free(a->rows.cells);
    a->rows.cells = NULL;
    sl_rows_free(&a->rows);
}

static const sl_function *named(const char *name) {
    for (uint32_t f = 0; f < sl_function_count; f++)
        if (strcmp(sl_functions[f].name, name) == 0) return &sl_functions[f];
    CHECK(!"a law of a function that is not in the table");
    return NULL;
}

/* Another function, with the first `given` values of the options at hand and defaults behind them. */
static answer ask_other(const char *name, uint32_t given, sl_str text) {
    const sl_function *function = named(name);
    sl_value values[COLUMNS_MAX];
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->param_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        values[count] = count < given ? kept[count] : function->params[p].fallback;
        count++;
    }
    sl_options options = {{0, 0}, NULL, NULL};
    sl_error error;
    CHECK(function->prepare(values, &options, &error) == SL_OK);
    answer a = ask(function, &options, text, (sl_str){NULL, 0});
    /* Nothing of an answer points into options: findings are of the input, kinds are constants, patterns are of `kept`. */
    if (options.release) options.release(options.object);
    return a;
}

/* ---- of one text ------------------------------------------------------------------------------------------------------ */

typedef struct question {
    const sl_function *function;
    const sl_options *options;
    sl_str text, beside;
    const answer *got;
} question;

static sl_str out_of(const answer *a) { return (sl_str){a->text.len ? a->text.ptr : "", (uint32_t)a->text.len}; }

static int same(sl_str a, sl_str b) { return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0); }

static void idempotent(const question *q) {
    answer again = ask(q->function, q->options, out_of(q->got), (sl_str){NULL, 0});
    CHECK(same(out_of(q->got), out_of(&again)));
    answer_free(&again);
}

static void no_longer(const question *q) { CHECK(q->got->text.len <= q->text.len); }

static void tidy(const question *q) {
    sl_str out = out_of(q->got);
    CHECK(!out.len || (out.ptr[0] != ' ' && out.ptr[out.len - 1] != ' '));
    for (uint32_t i = 0; i + 1 < out.len; i++) CHECK(out.ptr[i] != ' ' || out.ptr[i + 1] != ' ');
    for (uint32_t i = 0; i < out.len; i++) CHECK(out.ptr[i] < '\t' || out.ptr[i] > '\r');
}

static void is_part(const question *q) {
    sl_str out = out_of(q->got);
    int found = 0;
    for (uint32_t at = 0; at + out.len <= q->text.len && !found; at++) found = same(out, (sl_str){q->text.ptr + at, out.len});
    CHECK(found);
}

static void escaping_is_undone(const question *q) {
    sl_str out = out_of(q->got);
    CHECK(out.len <= 6 * (uint64_t)q->text.len);
    for (uint32_t i = 0; i < out.len; i++) CHECK(out.ptr[i] != '<' && out.ptr[i] != '>');
    answer back = ask_other("html_unescape", 0, out);
    CHECK(same(out_of(&back), q->text));
    answer_free(&back);
}

/* The references that grow most, `&nGt;` among them, become six bytes of five. */
static void unescaped(const question *q) { CHECK(q->got->text.len <= (uint64_t)q->text.len * 6 / 5); }

static void slug(const question *q) {
    sl_str out = out_of(q->got);
    CHECK(out.len <= (uint64_t)kept[0].integer);
    CHECK(!out.len || (out.ptr[0] != '-' && out.ptr[out.len - 1] != '-'));
    for (uint32_t i = 0; i < out.len; i++) {
        char c = out.ptr[i];
        CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && out.ptr[i + 1] != '-'));
    }
}

static void hexadecimal(const question *q) {
    CHECK(q->got->text.len == 32);
    for (int i = 0; i < 32; i++) CHECK(strchr("0123456789abcdef", q->got->text.ptr[i]) != NULL && q->got->text.ptr[i]);
}

static void version_five(const question *q) { CHECK(q->got->uuid.bytes[6] >> 4 == 5 && q->got->uuid.bytes[8] >> 6 == 2); }

/* ---- of findings ------------------------------------------------------------------------------------------------------ */

/* Texts that stand in the input one behind the other. */
static void in_order(const question *q) {
    uint32_t at = 0;
    for (uint32_t r = 0; r < q->got->rows.count; r++) {
        sl_str found = q->got->rows.cells[r].text;
        CHECK(found.ptr && found.len);
        while (at + found.len <= q->text.len && !same(found, (sl_str){q->text.ptr + at, found.len})) at++;
        CHECK(at + found.len <= q->text.len);
        at += found.len;
    }
}

/* The bytes of code points [start, stop), which have to be there. */
static sl_str points(sl_str text, int64_t start, int64_t stop) {
    const char *p = text.ptr, *end = text.ptr + text.len, *from = NULL;
    int64_t at = 0;
    CHECK(0 <= start && start <= stop);
    for (;; at++) {
        if (at == start) from = p;
        if (at == stop) break;
        CHECK(p < end);
        sl_utf8_next(&p, end);
    }
    return (sl_str){from, (uint32_t)(p - from)};
}

static void is_blank(sl_str gap) {
    answer squashed = ask_other("squash_spaces", 0, gap);
    CHECK(squashed.text.len == 0);
    answer_free(&squashed);
}

static void chunks(const question *q) {
    int64_t most = kept[0].integer, covered = 0, before = -1;
    const sl_cell *cells = q->got->rows.cells;
    for (uint32_t r = 0; r < q->got->rows.count; r++, cells += 4) {
        int64_t start = cells[1].integer, stop = cells[2].integer;
        CHECK(cells[0].integer == r && start > before && start < stop && stop - start <= most);
        CHECK(same(points(q->text, start, stop), cells[3].text));
        if (start > covered) is_blank(points(q->text, covered, start));
        CHECK(stop > covered);
        before = start;
        covered = stop;
    }
    is_blank(points(q->text, covered, (int64_t)sl_utf8_count(q->text.ptr, q->text.len)));
}

/* kind, start, stop, value: in order, apart from each other, and the value is what stands there. */
static void findings(const question *q) {
    int64_t at = 0;
    const sl_cell *cells = q->got->rows.cells;
    for (uint32_t r = 0; r < q->got->rows.count; r++, cells += 4) {
        CHECK(cells[1].integer >= at && cells[1].integer < cells[2].integer);
        CHECK(same(points(q->text, cells[1].integer, cells[2].integer), cells[3].text));
        at = cells[2].integer;
    }
    answer has = ask_other("has_pii", 1, q->text);
    CHECK(has.cell.integer == (q->got->rows.count > 0));
    answer_free(&has);
}

static void scrubbed(const question *q) {
    answer found = ask_other("find_pii", 1, q->text);
    sl_buf rebuilt = SL_BUF_HEAP;
    int64_t at = 0;
    for (const sl_cell *cells = found.rows.cells, *end = cells + (size_t)found.rows.count * 4; cells < end; cells += 4) {
        sl_str before = points(q->text, at, cells[1].integer), kind = cells[0].text;
        CHECK(sl_buf_append(&rebuilt, before.ptr, before.len) == SL_OK && sl_buf_append(&rebuilt, "<", 1) == SL_OK);
        for (uint32_t i = 0; i < kind.len; i++) {
            char c = (char)(kind.ptr[i] >= 'a' && kind.ptr[i] <= 'z' ? kind.ptr[i] - 32 : kind.ptr[i]);
            CHECK(sl_buf_append(&rebuilt, &c, 1) == SL_OK);
        }
        CHECK(sl_buf_append(&rebuilt, "_REDACTED>", 10) == SL_OK);
        at = cells[2].integer;
    }
    sl_str rest = points(q->text, at, (int64_t)sl_utf8_count(q->text.ptr, q->text.len));
    CHECK(sl_buf_append(&rebuilt, rest.ptr, rest.len) == SL_OK);
    CHECK(same(out_of(q->got), (sl_str){rebuilt.len ? rebuilt.ptr : "", (uint32_t)rebuilt.len}));
    sl_buf_free(&rebuilt);
    answer_free(&found);
}

static int ignores_case(void) { return kept_count > 1 && kept[kept_count - 1].type == SL_TYPE_TEXT && kept[kept_count - 1].text.len; }

static void matches(const question *q) {
    int64_t at = 0;
    const sl_cell *cells = q->got->rows.cells;
    for (uint32_t r = 0; r < q->got->rows.count; r++, cells += 3) {
        CHECK(cells[1].integer >= at && cells[1].integer < cells[2].integer);
        sl_str there = points(q->text, cells[1].integer, cells[2].integer);
        if (!ignores_case()) CHECK(same(there, cells[0].text));
        at = cells[2].integer;
    }
}

static void contains(const question *q) {
    answer found = ask_other("find_many", 1, q->text);
    CHECK(q->got->cell.integer == (found.rows.count > 0));
    answer_free(&found);
}

static void replaces_what_is_there(const question *q) {
    answer has = ask_other("contains_any", 1, q->text);
    if (!has.cell.integer && !ignores_case()) CHECK(same(out_of(q->got), q->text));
    answer_free(&has);
}

static void ordered_messages(const question *q) {
    int64_t seq = -1, line = -1;
    const sl_cell *cells = q->got->rows.cells;
    for (uint32_t r = 0; r < q->got->rows.count; r++, cells += 7) {
        CHECK(cells[0].integer > seq && cells[6].integer > line);
        seq = cells[0].integer;
        line = cells[6].integer;
    }
}

static void one_row(const question *q) { CHECK(q->got->rows.count == 1); }

static void as_many_as_asked(const question *q) {
    CHECK(q->got->rows.count == 0 || q->got->rows.count == (uint64_t)kept[0].integer);
}

/* ---- of numbers and pairs --------------------------------------------------------------------------------------------- */

static void no_more_than_characters(const question *q) {
    CHECK(q->got->cell.integer >= 0 && (uint64_t)q->got->cell.integer <= sl_utf8_count(q->text.ptr, q->text.len));
}

/* No token is shorter than a byte; an estimate may be half as many too high. */
static void hardly_more_than_bytes(const question *q) {
    CHECK(q->got->cell.integer >= 0 && q->got->cell.integer <= 1 + q->text.len * (int64_t)3 / 2);
}

static void symmetric(const question *q) {
    answer swapped = ask(q->function, q->options, q->beside, q->text);
    CHECK(swapped.cell.natural == q->got->cell.natural);
    answer_free(&swapped);
}

static void distance(const question *q) {
    int64_t a = (int64_t)sl_utf8_count(q->text.ptr, q->text.len), b = (int64_t)sl_utf8_count(q->beside.ptr, q->beside.len);
    int64_t cutoff = kept[0].integer, got = q->got->cell.integer;
    CHECK(got >= 0 && (got <= cutoff || got == cutoff + 1));
    CHECK((got == 0) == same(q->text, q->beside));
    CHECK(got > cutoff || (got >= (a > b ? a - b : b - a) && got <= (a > b ? a : b)));
}

static void similarity(const question *q) {
    double got = q->got->cell.real;
    CHECK(got >= 0 && got <= 100 && (got == 0 || got >= kept[0].real));
    answer itself = ask(q->function, q->options, q->text, q->text);
    CHECK(itself.cell.real >= got || !q->text.len);
    answer_free(&itself);
}

typedef struct law {
    const char *name;
    void (*check)(const question *);
} law;

/* Of `simhash` none is known: any 64 bits can be right. */
static const law laws[] = {
    {"normalize", idempotent}, {"strip_invisible", idempotent}, {"strip_invisible", no_longer},
    {"squash_spaces", idempotent}, {"squash_spaces", no_longer}, {"squash_spaces", tidy},
    {"clean_text", idempotent}, {"clean_text", tidy}, {"fold", idempotent},
    {"straighten_quotes", idempotent}, {"straighten_quotes", no_longer}, {"unquote", is_part},
    {"html_escape", escaping_is_undone}, {"html_unescape", unescaped}, {"html_to_text", unescaped}, {"slugify", idempotent}, {"slugify", slug},
    {"pseudonym", hexadecimal}, {"uuid5", version_five}, {"media_to_markdown", idempotent},
    {"extract_urls", in_order}, {"extract_emails", in_order}, {"extract_mentions", in_order}, {"extract_hashtags", in_order},
    {"extract_emoji", in_order}, {"extract_media", in_order}, {"find_pii", findings}, {"scrub_pii", scrubbed},
    {"chunk_text", chunks}, {"find_many", matches}, {"contains_any", contains}, {"replace_many", replaces_what_is_there},
    {"parse_whatsapp", ordered_messages}, {"sniff_whatsapp", one_row}, {"minhash", as_many_as_asked},
    {"count_words", no_more_than_characters}, {"estimate_tokens", hardly_more_than_bytes},
    {"edit_distance", symmetric}, {"edit_distance", distance}, {"ratio", symmetric}, {"ratio", similarity},
    {"partial_ratio", symmetric}, {"partial_ratio", similarity}, {"token_sort_ratio", symmetric},
    {"token_sort_ratio", similarity}, {"token_set_ratio", symmetric}, {"token_set_ratio", similarity},
};

static void check_laws(const sl_function *function, const sl_options *options, sl_str text, sl_str beside) {
    for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
        if (strcmp(laws[i].name, function->name) != 0) continue;
        answer got = ask(function, options, text, beside);
        laws[i].check(&(question){function, options, text, beside, &got});
        answer_free(&got);
    }
}

/* Within what a scan passes over a kernel finds nothing to do, wherever a text of it ends. */
static void check_scan(testee *t, sl_str text) {
    sl_scan scan = t->function->scan;
    if (!scan) return;
    size_t quiet = scan(text.ptr, text.len, t->options);
    CHECK(quiet <= text.len);
    while (quiet && quiet < text.len && ((unsigned char)text.ptr[quiet] & 0xC0) == 0x80) quiet--;
    if (t->function->trims && quiet && (text.ptr[0] == ' ' || text.ptr[quiet - 1] == ' ')) return;
    sl_str calm = {text.ptr, (uint32_t)quiet};
    answer got;
    if (t->function->shape == SL_SHAPE_TEXT) {
        sl_buf out = SL_BUF_HEAP;
        CHECK(t->function->kernel.TEXT(calm, t->options, &out) == SL_UNCHANGED || out.len == 0);
        CHECK(out.len == 0 || quiet == 0);
        sl_buf_free(&out);
        return;
    }
    got = ask(t->function, t->options, calm, (sl_str){NULL, 0});
    CHECK(got.rows.count == 0 && got.cell.natural == 0);
    answer_free(&got);
}

/* Windows hold the items they say, stay within the budget unless of one item, and leave none out. */
static void check_windows(sl_numbers sizes, const sl_rows *rows) {
    int64_t next = 0, before = -1;
    const sl_cell *cells = rows->cells;
    for (uint32_t r = 0; r < rows->count; r++, cells += 3) {
        int64_t first = cells[0].integer - 1, last = cells[1].integer - 1; /* they count from 1 */
        uint64_t total = 0;
        CHECK(first <= next && first > before && first <= last && last < (int64_t)sizes.count && last >= next);
        for (int64_t i = first; i <= last; i++) total += (uint64_t)sizes.ptr[i];
        CHECK((int64_t)total == cells[2].integer);
        CHECK(cells[2].integer <= kept[0].integer || first == last);
        before = first;
        next = last + 1;
    }
    CHECK(next == (int64_t)sizes.count);
}

static void check_numbers(const sl_function *function, const sl_options *options, sl_str text) {
    int64_t room[256];
    sl_numbers numbers = numbers_of(text, room);
    sl_error error = {{0}};
    if (function->shape == SL_SHAPE_NUMBERS_PAIR) {
        sl_cell cell = {.natural = 0};
        sl_status status = function->kernel.NUMBERS_PAIR(numbers, numbers, options, &cell, &error);
        if (status == SL_OK) CHECK(cell.real >= 0 && cell.real <= 1 && (!numbers.count || cell.real == 1));
        return;
    }
    sl_rows rows = {.columns = function->result->field_count, .flush = keep_rows};
    sl_status status = function->kernel.NUMBERS_ROWS(numbers, options, &rows, &error);
    if (status == SL_OK && strcmp(function->name, "pack_windows") == 0) check_windows(numbers, &rows);
    if (status == SL_OK && strcmp(function->name, "minhash_bands") == 0)
        CHECK(rows.count == 0 || rows.count == (uint64_t)kept[0].integer);
    free(rows.cells);
    sl_rows_free(&rows);
}

#endif
