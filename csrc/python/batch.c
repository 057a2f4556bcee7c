/* batch.c - columns of results, grown as kernels write.
 * Contract: texts are written where they stay; memory grows by half, so that a column costs a few moves at most. */
#include "batch.h"

#include "../memo.h"
#include "../pages.h"
#include "../spans.h"

#include <stdlib.h>

void sl_batch_init(sl_batch *batch, const sl_function *function) {
    memset(batch, 0, sizeof(*batch));
    batch->function = function;
    batch->columns[0].type = function->result->type;
    for (uint32_t f = 0; f < function->result->field_count; f++)
        batch->columns[1 + f].type = function->result->fields[f].type;
}

void sl_batch_free(sl_batch *batch) {
    for (int c = 0; c < 1 + SL_FIELD_MAX; c++) {
        free(batch->columns[c].offsets);
        free(batch->columns[c].values);
        free(batch->columns[c].validity);
    }
    free(batch->unchanged);
    memset(batch, 0, sizeof(*batch));
}

void sl_batch_reset(sl_batch *batch) {
    for (int c = 0; c < 1 + SL_FIELD_MAX; c++) {
        sl_column *column = &batch->columns[c];
        column->count = column->null_count = 0;
        column->len = 0;
        free(column->validity);
        column->validity = NULL;
        column->validity_capacity = 0;
    }
}

static int has_offsets(sl_type type) { return type == SL_TYPE_TEXT || type == SL_TYPE_LIST; }
static size_t value_size(sl_type type) {
    return type == SL_TYPE_UUID ? 16 : type == SL_TYPE_BOOLEAN ? 1 : type == SL_TYPE_STRUCT ? 0 : 8;
}

/* Room for `extra` bytes behind len. A kernel in the middle of a text has `written` of them already, which must stay. */
static sl_status grow_values_within(sl_column *column, size_t written, size_t extra) {
    if (column->cap - column->len >= extra) return SL_OK;
    if (extra > SIZE_MAX / 2 - column->len) return SL_ENOMEM;
    size_t cap = column->cap + column->cap / 2;
    if (cap < column->len + extra) cap = column->len + extra;
    if (cap < 256) cap = 256;
    uint8_t *values = sl_pages_grow(column->values, column->len + written, cap);
    if (!values) return SL_ENOMEM;
    column->values = values;
    column->cap = cap;
    return SL_OK;
}

static sl_status grow_values(sl_column *column, size_t extra) { return grow_values_within(column, 0, extra); }

/* Room for `extra` more entries, the end of the last one included. */
static sl_status grow_entries(sl_column *column, int64_t extra) {
    if (!has_offsets(column->type)) return grow_values(column, (size_t)extra * value_size(column->type));
    if (column->offsets && column->capacity - column->count >= extra) return SL_OK;
    int64_t capacity = column->capacity + column->capacity / 2, *offsets;
    if (capacity < column->count + extra) capacity = column->count + extra;
    if (capacity < 64) capacity = 64;
    size_t used = column->offsets ? ((size_t)column->count + 1) * sizeof(*offsets) : 0;
    offsets = sl_pages_grow(column->offsets, used, ((size_t)capacity + 1) * sizeof(*offsets));
    if (!offsets) return SL_ENOMEM;
    if (!column->offsets) offsets[0] = 0;
    column->offsets = offsets;
    column->capacity = capacity;
    return SL_OK;
}

static sl_status set_null(sl_column *column, int64_t i) {
    if (i >= column->validity_capacity) {
        int64_t capacity = column->capacity > i ? column->capacity : i + i / 2;
        capacity = (capacity + 64) & ~INT64_C(63);
        uint8_t *validity = realloc(column->validity, (size_t)capacity / 8);
        if (!validity) return SL_ENOMEM;
        memset(validity + column->validity_capacity / 8, 0xFF, (size_t)(capacity - column->validity_capacity) / 8);
        column->validity = validity;
        column->validity_capacity = capacity;
    }
    column->validity[i >> 3] &= (uint8_t)~(1u << (i & 7));
    column->null_count++;
    return SL_OK;
}

/* A bitmap that was started early must cover the valid entries behind the last NULL as well. */
static sl_status cover(sl_column *column) {
    if (!column->validity || column->count <= column->validity_capacity) return SL_OK;
    int64_t last = column->count - 1;
    SL_TRY(set_null(column, last));
    column->validity[last >> 3] |= (uint8_t)(1u << (last & 7));
    column->null_count--;
    return SL_OK;
}

sl_status sl_batch_reserve(sl_batch *batch, int64_t rows, size_t bytes) {
    SL_TRY(grow_entries(&batch->columns[0], rows));
    if (batch->columns[0].type == SL_TYPE_TEXT) SL_TRY(grow_values(&batch->columns[0], bytes));
    /* An empty list column needs its first offset too, in every field. */
    for (uint32_t f = 0; f < batch->function->result->field_count; f++) SL_TRY(grow_entries(&batch->columns[1 + f], 0));
    return SL_OK;
}

/* ---- one adapter a shape ---------------------------------------------------------------------------------------- */

static sl_status buf_grow(sl_buf *buf, size_t extra) {
    sl_column *column = buf->owner;
    if (extra > SL_TEXT_MAX - buf->len) return SL_ERANGE;
    SL_TRY(grow_values_within(column, buf->len, buf->len + extra));
    buf->ptr = (char *)column->values + column->len;
    buf->cap = column->cap - column->len;
    return SL_OK;
}

static sl_status run_TEXT(sl_batch *batch, sl_column *out, sl_str text, const sl_options *options, int64_t row) {
    sl_buf buf = {(char *)out->values + out->len, 0, out->cap - out->len, buf_grow, out};
    sl_status status = batch->function->kernel.TEXT(text, options, &buf);
    if (status > SL_OK) return status;
    if (batch->unchanged) batch->unchanged[row] = status == SL_UNCHANGED;
    if (status == SL_UNCHANGED) {
        buf.len = 0; /* a kernel may have begun to write before it found nothing to change */
        if (!batch->unchanged) SL_TRY(sl_buf_append(&buf, text.ptr, text.len));
    }
    out->len += buf.len;
    out->offsets[row + 1] = (int64_t)out->len;
    return SL_OK;
}

/* A memo pays once there are more texts than it takes to clear it. */
enum { MEMO_ROWS_MIN = 256 };

static sl_status run_UUID(sl_batch *batch, sl_column *out, sl_str text, const sl_options *options, sl_memo *memo) {
    sl_uuid value;
    sl_kernel_UUID kernel = batch->function->kernel.UUID;
    SL_TRY(memo ? sl_memo_uuid(memo, 1, kernel, text, options, &value) : kernel(text, options, &value));
    memcpy(out->values + out->len, value.bytes, sizeof(value.bytes));
    out->len += sizeof(value.bytes);
    return SL_OK;
}

static void append_cell(sl_column *out, sl_cell cell) {
    uint8_t bit = cell.integer != 0;
    size_t size = value_size(out->type);
    memcpy(out->values + out->len, out->type == SL_TYPE_BOOLEAN ? (const void *)&bit : (const void *)&cell.natural, size);
    out->len += size;
}

static sl_status run_NUMBER(sl_batch *batch, sl_column *out, sl_str text, const sl_options *options) {
    sl_cell cell = {.natural = 0};
    SL_TRY(batch->function->kernel.NUMBER(text, options, &cell));
    append_cell(out, cell);
    return SL_OK;
}

/* What one call needs beside the batch. */
typedef struct cell_sink {
    sl_rows rows;
    sl_cell cells[SL_CELL_ROWS * SL_FIELD_MAX];
    sl_batch *batch;
    sl_memo memo;
    int has_memo;
} cell_sink;

static sl_status append_text(sl_column *column, sl_str text) {
    if (!text.ptr) SL_TRY(set_null(column, column->count));
    SL_TRY(grow_values(column, text.len));
    if (text.ptr && text.len) memcpy(column->values + column->len, text.ptr, text.len);
    if (text.ptr) column->len += text.len;
    column->offsets[++column->count] = (int64_t)column->len;
    return SL_OK;
}

static sl_status cover_all(sl_batch *batch) {
    for (int c = 0; c < 1 + SL_FIELD_MAX; c++) SL_TRY(cover(&batch->columns[c]));
    return SL_OK;
}

static sl_status cells_flush(sl_rows *rows) {
    cell_sink *sink = rows->owner;
    for (uint32_t f = 0; f < rows->columns; f++) {
        sl_column *column = &sink->batch->columns[1 + f];
        const sl_cell *cells = rows->cells + f;
        SL_TRY(grow_entries(column, rows->count));
        if (column->type == SL_TYPE_TEXT) {
            for (uint32_t i = 0; i < rows->count; i++) SL_TRY(append_text(column, cells[i * rows->columns].text));
            continue;
        }
        if (column->type == SL_TYPE_BOOLEAN) {
            for (uint32_t i = 0; i < rows->count; i++) append_cell(column, cells[i * rows->columns]);
            column->count += rows->count;
            continue;
        }
        /* INTEGER, NATURAL, REAL and TIMESTAMP are 64-bit each. */
        int64_t *out = (int64_t *)(void *)(column->values + column->len);
        for (uint32_t i = 0; i < rows->count; i++) out[i] = cells[i * rows->columns].integer;
        column->len += rows->count * sizeof(int64_t);
        column->count += rows->count;
    }
    rows->count = 0;
    sl_rows_reset(rows);
    return SL_OK;
}

static void start_sink(cell_sink *sink, sl_batch *batch) {
    sink->batch = batch;
    sink->rows = (sl_rows){.cells = sink->cells,
                           .columns = batch->function->result->field_count,
                           .capacity = SL_CELL_ROWS,
                           .flush = cells_flush,
                           .owner = sink};
}

static sl_status append_null_to(sl_column *out) {
    int64_t row = out->count;
    SL_TRY(set_null(out, row));
    if (has_offsets(out->type)) {
        out->offsets[row + 1] = out->offsets[row];
    } else if (value_size(out->type)) {
        memset(out->values + out->len, 0, value_size(out->type));
        out->len += value_size(out->type);
    }
    out->count++;
    return SL_OK;
}

static sl_status append_null(sl_batch *batch) {
    if (batch->unchanged) batch->unchanged[batch->columns[0].count] = 0;
    SL_TRY(append_null_to(&batch->columns[0]));
    for (uint32_t f = 0; sl_gives_struct(batch->function) && f < batch->function->result->field_count; f++) {
        SL_TRY(grow_entries(&batch->columns[1 + f], 1));
        SL_TRY(append_null_to(&batch->columns[1 + f]));
    }
    return SL_OK;
}

static sl_status run_one(sl_batch *batch, const sl_options *options, sl_str text, cell_sink *sink) {
    sl_column *out = &batch->columns[0];
    int64_t row = out->count;
    if (!text.ptr) {
        if (sl_gives_struct(batch->function) && sink->rows.count) SL_TRY(cells_flush(&sink->rows));
        return append_null(batch);
    }
    if (batch->function->shape == SL_SHAPE_TEXT) {
        SL_TRY(run_TEXT(batch, out, text, options, row));
    } else if (batch->function->shape == SL_SHAPE_UUID) {
        SL_TRY(run_UUID(batch, out, text, options, sink->has_memo ? &sink->memo : NULL));
    } else if (batch->function->shape == SL_SHAPE_NUMBER) {
        SL_TRY(run_NUMBER(batch, out, text, options));
    } else {
        SL_TRY(batch->function->kernel.ROWS(text, options, &sink->rows));
        if (sl_gives_list(batch->function)) out->offsets[row + 1] = batch->columns[1].count + sink->rows.count;
    }
    out->count++;
    return SL_OK;
}

/* Texts that need no kernel, next to each other in memory: one copy of them all. */
static sl_status copy_quiet(sl_batch *batch, const sl_str *texts, const sl_span *span, size_t first, size_t stop) {
    sl_column *out = &batch->columns[0];
    const char *start = texts[span->down ? stop - 1 : first].ptr;
    const sl_str *last = &texts[span->down ? first : stop - 1];
    size_t len = (size_t)(last->ptr + last->len - start);
    if (span->down || batch->unchanged) { /* offsets only ever rise, so these are copied one by one, or not at all */
        for (size_t i = first; i < stop; i++, out->count++) {
            if (batch->unchanged) {
                batch->unchanged[out->count] = 1;
            } else {
                SL_TRY(grow_values(out, texts[i].len));
                if (texts[i].len) memcpy(out->values + out->len, texts[i].ptr, texts[i].len);
                out->len += texts[i].len;
            }
            out->offsets[out->count + 1] = (int64_t)out->len;
        }
        return SL_OK;
    }
    SL_TRY(grow_values(out, len));
    if (len) memcpy(out->values + out->len, start, len);
    for (size_t i = first; i < stop; i++) {
        out->len += texts[i].len;
        out->offsets[++out->count] = (int64_t)out->len;
    }
    return SL_OK;
}

static sl_status run_span(sl_batch *batch, const sl_options *options, const sl_str *texts, const sl_span *span,
                          const uint8_t *loud, cell_sink *sink, int64_t *at) {
    size_t stop = span->first + span->count;
    sl_shape shape = batch->function->shape;
    for (size_t i = span->first; i < stop; i++) {
        *at = (int64_t)i;
        if (loud[i]) {
            SL_TRY(run_one(batch, options, texts[i], sink));
        } else if (shape == SL_SHAPE_TEXT) {
            size_t first = i;
            while (i + 1 < stop && !loud[i + 1]) i++;
            SL_TRY(copy_quiet(batch, texts, span, first, i + 1));
        } else {
            sl_column *out = &batch->columns[0];
            if (shape == SL_SHAPE_NUMBER)
                append_cell(out, (sl_cell){.natural = 0});
            else
                out->offsets[out->count + 1] = batch->columns[1].count + sink->rows.count;
            out->count++;
        }
    }
    return SL_OK;
}

/* Which text of a span is not UTF-8: only asked when one is. */
static int64_t first_invalid(const sl_str *texts, const sl_span *span) {
    size_t i = span->first;
    while (i + 1 < span->first + span->count && sl_utf8_valid(texts[i].ptr, texts[i].len)) i++;
    return (int64_t)i;
}

static sl_status run_block(sl_batch *batch, const sl_options *options, const sl_str *texts, size_t count, int checked,
                           cell_sink *sink, int64_t *at) {
    uint8_t loud[SL_BATCH_BLOCK];
    for (size_t i = 0; i < count;) {
        *at = (int64_t)i;
        if (!texts[i].ptr) {
            SL_TRY(run_one(batch, options, texts[i], sink));
            i++;
            continue;
        }
        sl_span span = sl_span_at(texts, i, count);
        if (!checked && SL_UNLIKELY(!sl_span_valid(&span))) {
            *at = first_invalid(texts, &span);
            return SL_EUTF8;
        }
        sl_span_mark(&span, texts, batch->function, options, loud);
        SL_TRY(run_span(batch, options, texts, &span, loud, sink, at));
        i += span.count;
    }
    return SL_OK;
}

sl_status sl_batch_run(sl_batch *batch, const sl_options *options, const sl_str *texts, int64_t count, int checked,
                       int64_t *failed) {
    cell_sink sink;
    start_sink(&sink, batch);
    sink.has_memo = batch->function->shape == SL_SHAPE_UUID && count >= MEMO_ROWS_MIN;
    if (sink.has_memo) memset(&sink.memo, 0, sizeof(sink.memo));
    sl_status status = sl_batch_reserve(batch, count, 0);
    for (int64_t i = 0; i < count && status <= SL_OK; i += SL_BATCH_BLOCK) {
        int64_t at = 0;
        size_t some = (size_t)(count - i < SL_BATCH_BLOCK ? count - i : SL_BATCH_BLOCK);
        status = run_block(batch, options, texts + i, some, checked, &sink, &at);
        *failed = i + at;
    }
    if (status <= SL_OK && sink.rows.count) status = cells_flush(&sink.rows);
    if (status <= SL_OK) status = cover_all(batch);
    sl_rows_free(&sink.rows);
    return status;
}

/* Whether all are UTF-8; if not, *failed is the first that is not. */
static int check_texts(const sl_str *texts, int64_t count, int64_t *failed) {
    sl_span bad;
    if (sl_texts_valid(texts, (size_t)count, &bad)) return 1;
    *failed = first_invalid(texts, &bad);
    return 0;
}

sl_status sl_batch_run_pairs(sl_batch *batch, const sl_options *options, const sl_str *a, const sl_str *b, int64_t count,
                             int checked, int64_t *failed) {
    sl_column *out = &batch->columns[0];
    if (!checked && (!check_texts(a, count, failed) || !check_texts(b, count, failed))) return SL_EUTF8;
    SL_TRY(sl_batch_reserve(batch, count, 0));
    for (int64_t i = 0; i < count; i++) {
        *failed = i;
        if (!a[i].ptr || !b[i].ptr) {
            SL_TRY(append_null(batch));
            continue;
        }
        sl_cell cell = {.natural = 0};
        SL_TRY(batch->function->kernel.PAIR(a[i], b[i], options, &cell));
        append_cell(out, cell);
        out->count++;
    }
    return cover_all(batch);
}

static sl_status run_numbers(sl_batch *batch, const sl_options *options, const sl_numbers *a, const sl_numbers *b,
                             int64_t count, cell_sink *sink, int64_t *failed, sl_error *error) {
    sl_column *out = &batch->columns[0];
    const sl_function *function = batch->function;
    for (int64_t i = 0; i < count; i++) {
        *failed = i;
        if (!a[i].ptr || (b && !b[i].ptr)) {
            SL_TRY(append_null(batch));
            continue;
        }
        if (function->shape == SL_SHAPE_NUMBERS_PAIR) {
            sl_cell cell = {.natural = 0};
            SL_TRY(function->kernel.NUMBERS_PAIR(a[i], b[i], options, &cell, error));
            append_cell(out, cell);
        } else {
            SL_TRY(function->kernel.NUMBERS_ROWS(a[i], options, &sink->rows, error));
            out->offsets[out->count + 1] = batch->columns[1].count + sink->rows.count;
        }
        out->count++;
    }
    return SL_OK;
}

sl_status sl_batch_run_numbers(sl_batch *batch, const sl_options *options, const sl_numbers *a, const sl_numbers *b,
                               int64_t count, int64_t *failed, sl_error *error) {
    cell_sink sink;
    start_sink(&sink, batch);
    sl_status status = sl_batch_reserve(batch, count, 0);
    if (status <= SL_OK) status = run_numbers(batch, options, a, b, count, &sink, failed, error);
    if (status <= SL_OK && sink.rows.count) status = cells_flush(&sink.rows);
    if (status <= SL_OK) status = cover_all(batch);
    sl_rows_free(&sink.rows);
    return status;
}

sl_status sl_batch_nulls(sl_batch *batch, int64_t count) {
    SL_TRY(sl_batch_reserve(batch, count, 0));
    for (int64_t i = 0; i < count; i++) SL_TRY(append_null(batch));
    return cover_all(batch);
}

static int fits(const sl_column *column) {
    return !column->offsets || column->offsets[column->count] <= INT32_MAX;
}

sl_status sl_batch_narrow(sl_batch *batch) {
    for (int c = 0; c < 1 + SL_FIELD_MAX; c++)
        if (!fits(&batch->columns[c])) return SL_ERANGE;
    for (int c = 0; c < 1 + SL_FIELD_MAX; c++) {
        sl_column *column = &batch->columns[c];
        if (!column->offsets) continue;
        char *bytes = (char *)column->offsets;
        /* In place: each narrow offset lies at or before the wide one that it comes from. */
        for (int64_t i = 0; i <= column->count; i++) {
            int64_t wide;
            memcpy(&wide, bytes + i * 8, 8);
            int32_t offset = (int32_t)wide;
            memcpy(bytes + i * 4, &offset, 4);
        }
    }
    batch->narrow = 1;
    return SL_OK;
}

void sl_batch_pack(sl_batch *batch) {
    for (int c = 0; c < 1 + SL_FIELD_MAX; c++) {
        sl_column *column = &batch->columns[c];
        if (column->type != SL_TYPE_BOOLEAN) continue;
        /* In place: a byte of eight bits lies at or before the eight bytes that it comes from. */
        for (int64_t i = 0; i < column->count; i += 8) {
            uint8_t bits = 0;
            for (int64_t k = i; k < column->count && k < i + 8; k++) bits |= (uint8_t)(column->values[k] << (k - i));
            column->values[i / 8] = bits;
        }
    }
}
