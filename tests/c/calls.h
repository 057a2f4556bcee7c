/* calls.h - one call of any row of the function table, with an output that makes mistakes visible, and options for it.
 * Contract: nothing here knows a single function; the answer of a call is in `gathered`. */
#ifndef SL_CALLS_H
#define SL_CALLS_H

#include "check.h"
#include "kernels/utf8.h"

static sl_buf gathered; /* the answer of one call, flat, so that answers can be compared */

static void gather(const void *bytes, size_t len) { CHECK(sl_buf_append(&gathered, bytes, len) == SL_OK); }

/* ---- outputs that make mistakes visible ---------------------------------------------------------------------------- */

static int growths_left; /* growths and flushes until one fails; below zero: none fails */
static int refused;

static int refuse(void) {
    if (growths_left != 0) {
        growths_left -= growths_left > 0;
        return 0;
    }
    refused = 1;
    return 1;
}

static sl_status grow_exactly(sl_buf *buf, size_t extra) {
    if (refuse()) return SL_ENOMEM;
    /* Large ones get some more, or a megabyte of references would be copied as often as it has references. */
    size_t cap = buf->len + extra + (buf->len + extra > 16384 ? buf->len : 0);
    char *fresh = malloc(cap);
    CHECK(fresh != NULL);
    if (buf->len) memcpy(fresh, buf->ptr, buf->len);
    free(buf->ptr);
    buf->ptr = fresh;
    buf->cap = cap;
    return SL_OK;
}

enum { COLUMNS_MAX = 8, ROWS_MAX = 64 };

typedef struct sink {
    sl_rows rows;
    sl_cell cells[COLUMNS_MAX * ROWS_MAX];
    const sl_result *result;
    int text_is_valid;
    uint64_t *placed; /* numbers that the kernel fills after it has been given their place */
    size_t placed_count;
} sink;

/* By now they are filled: at the next call of the kernel, or at its end. */
static void settle(sink *s) {
    if (s->placed_count) gather(s->placed, s->placed_count * sizeof(uint64_t));
    free(s->placed);
    s->placed = NULL;
    s->placed_count = 0;
}

static sl_status gather_rows(sl_rows *rows) {
    if (refuse()) return SL_ENOMEM;
    sink *s = rows->owner;
    settle(s);
    for (uint32_t i = 0; i < rows->count * rows->columns; i++) {
        const sl_cell *cell = &rows->cells[i];
        if (s->result->fields[i % rows->columns].type != SL_TYPE_TEXT) {
            gather(cell, 8);
            continue;
        }
        int valid = cell->text.ptr == NULL || sl_utf8_valid(cell->text.ptr, cell->text.len);
        if (s->text_is_valid) CHECK(valid);
        gather(cell->text.ptr ? "text" : "null", 4);
        gather(&cell->text.len, cell->text.ptr ? 4 : 0);
        gather(cell->text.ptr, cell->text.ptr ? cell->text.len : 0);
    }
    /* What the flushed cells held must not be needed again. */
    memset(rows->cells, 0xA5, sizeof(sl_cell) * rows->count * rows->columns);
    rows->count = 0;
    sl_rows_free(rows);
    return SL_OK;
}

/* Memory of exactly so many numbers, with garbage in it. */
static sl_status place_numbers(sl_rows *rows, size_t count, uint64_t **out) {
    sink *s = rows->owner;
    if (rows->count) SL_TRY(gather_rows(rows));
    settle(s);
    if (refuse()) return SL_ENOMEM;
    CHECK(count > 0);
    *out = s->placed = malloc(count * sizeof(uint64_t));
    CHECK(s->placed != NULL);
    memset(s->placed, 0xA5, count * sizeof(uint64_t));
    s->placed_count = count;
    return SL_OK;
}

/* ---- one call ------------------------------------------------------------------------------------------------------- */

typedef struct testee {
    const sl_function *function;
    const sl_options *options;
    const sl_str *second; /* of a pair; NULL: the end of the first, as long, shorter or empty */
} testee;

static sl_str second_of(const testee *t, sl_str text) {
    if (t->second) return *t->second;
    uint32_t cut = text.len ? text.len - text.len / (1 + text.len % 3) : 0;
    if (text.len - cut > 2000) cut = text.len - 2000;
    return (sl_str){text.ptr + cut, text.len - cut};
}

static sl_status call_text(const testee *t, sl_str text, size_t room, int valid) {
    sl_buf out = {room ? malloc(room) : NULL, 0, room, grow_exactly, NULL};
    sl_status status = t->function->kernel.TEXT(text, t->options, &out);
    if (status == SL_UNCHANGED) {
        gather(text.ptr, text.len);
    } else if (status == SL_OK) {
        CHECK(out.len <= out.cap);
        if (valid) CHECK(sl_utf8_valid(out.ptr, out.len));
        gather(out.ptr, out.len);
    }
    free(out.ptr);
    return status;
}

/* The bytes of a text as numbers, as many as are whole: what a kernel of numbers can be handed is any numbers. They stay
 * where they are if numbers can be there. */
static sl_numbers numbers_of(sl_str text, int64_t *room) {
    uint32_t count = text.len / 8 < 256 ? text.len / 8 : 256;
    if ((uintptr_t)text.ptr % 8 == 0 && text.len <= 2048) return (sl_numbers){(const int64_t *)(const void *)text.ptr, count};
    memcpy(room, text.ptr, count * 8u);
    return (sl_numbers){room, count};
}

/* Numbers may be refused, in words. */
static sl_status told(sl_status status, const sl_error *error) {
    if (status != SL_EARG) return status;
    CHECK(strstr(error->text, "expected ") && strstr(error->text, "got "));
    gather(error->text, strlen(error->text));
    return SL_OK;
}

static sl_status call_rows(const testee *t, sl_str text, uint32_t capacity, int valid) {
    static sink s;
    s = (sink){.result = t->function->result, .text_is_valid = valid};
    s.rows = (sl_rows){.cells = s.cells,
                       .columns = s.result->field_count,
                       .capacity = capacity,
                       .flush = gather_rows,
                       .owner = &s};
    /* Of lists of numbers both ways are tried, and give the same. */
    if (capacity > 1 && sl_gives_list(t->function) && sl_gives_numbers(t->function)) s.rows.place = place_numbers;
    CHECK(s.rows.columns >= 1 && s.rows.columns <= COLUMNS_MAX);
    /* Cells of every row are garbage, as in a door: a kernel that leaves one out is seen by its unequal answers. */
    memset(s.cells, (int)capacity, sizeof(s.cells));
    sl_status status;
    if (t->function->shape == SL_SHAPE_ROWS) {
        status = t->function->kernel.ROWS(text, t->options, &s.rows);
    } else {
        int64_t room[256];
        sl_error error = {{0}};
        status = told(t->function->kernel.NUMBERS_ROWS(numbers_of(text, room), t->options, &s.rows, &error), &error);
    }
    CHECK(status != SL_UNCHANGED);
    if (status == SL_OK) status = gather_rows(&s.rows);
    free(s.placed);
    sl_rows_free(&s.rows);
    return status;
}

static sl_status call_uuid(const testee *t, sl_str text, int garbage) {
    sl_uuid value;
    memset(&value, garbage, sizeof(value));
    sl_status status = t->function->kernel.UUID(text, t->options, &value);
    CHECK(status == SL_OK);
    gather(value.bytes, sizeof(value.bytes));
    return status;
}

static sl_status call_number(const testee *t, sl_str text, int garbage) {
    sl_cell cell;
    memset(&cell, garbage, sizeof(cell)); /* a door clears it: what a kernel leaves alone would be seen */
    sl_status status = SL_OK;
    sl_str second = second_of(t, text);
    if (t->function->shape == SL_SHAPE_NUMBER) {
        status = t->function->kernel.NUMBER(text, t->options, &cell);
    } else if (t->function->shape == SL_SHAPE_PAIR) {
        status = t->function->kernel.PAIR(text, second, t->options, &cell);
    } else {
        int64_t a[256], b[256];
        sl_error error = {{0}};
        sl_numbers first = numbers_of(text, a), other = numbers_of(garbage ? text : second, b);
        status = t->function->kernel.NUMBERS_PAIR(first, first, t->options, &cell, &error);
        if (told(status, &error) > SL_OK) return status;
        status = told(t->function->kernel.NUMBERS_PAIR(first, other, t->options, &cell, &error), &error);
        gathered.len = 0;
        return status;
    }
    if (status == SL_OK) gather(&cell.natural, t->function->result->type == SL_TYPE_BOOLEAN ? 1 : 8);
    return status;
}

/* `variant` 0 gives the least room and 1 the most; the answer must not depend on it. */
static sl_status call(const testee *t, sl_str text, int variant, int valid) {
    gathered.len = 0;
    switch (t->function->shape) {
        case SL_SHAPE_TEXT:
            return call_text(t, text, variant ? 3 * (size_t)text.len + 100 : 0, valid);
        case SL_SHAPE_ROWS:
            return call_rows(t, text, variant ? ROWS_MAX : 1, valid);
        case SL_SHAPE_UUID:
            return call_uuid(t, text, variant);
        case SL_SHAPE_NUMBERS_ROWS:
            return call_rows(t, text, variant ? ROWS_MAX : 1, valid);
        case SL_SHAPE_NUMBER:
        case SL_SHAPE_PAIR:
        case SL_SHAPE_NUMBERS_PAIR:
            return call_number(t, text, variant);
        default:
            CHECK(!"a shape without a test");
            return SL_EARG;
    }
}

/* ---- options -------------------------------------------------------------------------------------------------------- */

static const sl_str option_texts[] = {
    SL_STR(""),        SL_STR("NFC"),   SL_STR("NFD"),  SL_STR("NFKC"),        SL_STR("NFKD"),     SL_STR("dns"),
    SL_STR("email"),   SL_STR("ip,mac"), SL_STR("phone,,"), SL_STR(" email , phone "), SL_STR("nfc"), SL_STR("\0"),
    SL_STR("ignore_case"), SL_STR("whole_words, ignore_case"), SL_STR("e"), SL_STR("an"), SL_STR("example.org"), SL_STR("SS"),
    SL_STR("mdy"),     SL_STR("dmy"),   SL_STR("\xFF\xC0\xF4"), SL_STR("%s%n%p"), SL_STR("{}{}{}-----"),
    SL_STR("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), SL_STR("all"), SL_STR("credit_card,iban,us_ssn,br_cpf,br_cnpj"),
    SL_STR("ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
           "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"),
};
static const int64_t option_integers[] = {0, 1, 2, 3, 10, 60, 4096, -1, UINT32_MAX, INT64_C(1) << 40, INT64_MAX, INT64_MIN};
static const double option_reals[] = {0, 0.5, 1, 100, -1, 1e300, -1e300};

#define PICK(array, number) ((array)[(number) % (sizeof(array) / sizeof((array)[0]))])
#define TRIALS 24

/* The values of the last preparation, whose texts its options may point to. */
static sl_value kept[COLUMNS_MAX];
static uint32_t kept_count;

static void forget(void) {
    for (uint32_t i = 0; i < kept_count; i++) {
        if (kept[i].type == SL_TYPE_TEXT) free((char *)kept[i].text.ptr);
        if (kept[i].type != SL_TYPE_TEXTS) continue;
        for (uint32_t t = 0; t < kept[i].count; t++) free((char *)kept[i].texts[t].ptr);
        free((sl_str *)kept[i].texts);
    }
    kept_count = 0;
}

/* Options of these values, or 0 and a sentence that says what is wrong with them. */
static int prepared(const sl_function *function, const sl_value *values, sl_options *options) {
    *options = (sl_options){{0, 0}, NULL, NULL};
    sl_error error;
    memset(&error, 0, sizeof(error));
    sl_status status = function->prepare(values, options, &error);
    CHECK(status == SL_OK || status == SL_EARG);
    if (status == SL_EARG) {
        CHECK(memchr(error.text, 0, sizeof(error.text)) != NULL);
        CHECK(strstr(error.text, "expected ") && strstr(error.text, "got "));
        CHECK(strncmp(error.text, "sl_", 3) != 0 && strncmp(error.text, function->name, strlen(function->name)) != 0);
        if (options->release) CHECK(options->object == NULL);
    }
    return status == SL_OK;
}

/* Prepares trial number `trial`: 0 is the defaults, later ones walk through the values above. */
static inline int prepare(const sl_function *function, uint32_t trial, sl_options *options) {
    sl_value *values = kept;
    uint32_t count = 0;
    int all_default = 1;
    forget();
    for (uint32_t p = 0; p < function->param_count; p++) {
        const sl_param *param = &function->params[p];
        if (param->role != SL_ROLE_OPTION) continue;
        sl_value *value = &values[count++];
        *value = param->fallback;
        if (value->type == SL_TYPE_TEXTS) {
            /* Lists of one length in every place of a trial: some empty, some with texts that are alike. */
            value->count = trial % 3 ? 1 + trial % 7 : 0;
            sl_str *texts = malloc((value->count + 1) * sizeof(sl_str));
            for (uint32_t i = 0; i < value->count; i++) {
                sl_str text = PICK(option_texts, 1 + trial * 5 + i * (1 + p));
                texts[i] = (sl_str){exact_copy(text.ptr, text.len), text.len};
            }
            value->texts = texts;
            all_default &= !value->count;
            continue;
        }
        int replaced = param->required || (trial > 0 && (trial < TRIALS / 2 || random_below(2)));
        if (value->type == SL_TYPE_TEXT) {
            sl_str text = replaced ? PICK(option_texts, trial + random_below(2) * p) : value->text;
            value->text = (sl_str){exact_copy(text.ptr, text.len), text.len};
        } else if (replaced) {
            value->integer = value->type == SL_TYPE_BOOLEAN ? trial & 1 : PICK(option_integers, trial);
            value->real = PICK(option_reals, trial);
        }
        all_default &= !replaced;
    }
    kept_count = count;
    int usable = prepared(function, values, options);
    if (all_default) CHECK(usable);
    return usable;
}

#endif
