/* scalar.c - the DuckDB door for scalar functions: one adapter a shape, over vectors of up to 2,048 rows.
 * Contract: NULL rows hold undefined bytes and are never read; an output NULL is written here; invalid UTF-8 is an error
 * and never reaches a kernel; no input memory is referred to by an output. */
#include "arguments.h"
#include "list.h"
#include "options.h"
#include "thread_state.h"
#include "../memo.h"
#include "../spans.h"

#include <stdatomic.h>

/* The texts of some rows, and which of them a kernel has to see. */
typedef struct batch {
    sl_str texts[VECTOR_MAX], others[VECTOR_MAX]; /* others: the second ones of pairs */
    uint8_t loud[VECTOR_MAX];
    uint16_t twin[VECTOR_MAX]; /* the row whose result is this row's too, or the row itself */
} batch;

/* Too large for a small stack. To find it is a call, which is made once a batch: the compiler must not repeat it for every
 * row. */
typedef struct thread_state {
    batch batch;
    sl_memo memo;
} thread_state;
__attribute__((noinline)) static thread_state *this_thread(void) { return sl_thread_state(sizeof(thread_state)); }

/* Rows that were handed to kernels, for tests: DuckDB 2.0 asks for each row of a dictionary, and each costs a call. */
SL_EXPORT atomic_uint_least64_t sl_kernel_rows;

/* ---- rows that come again ---------------------------------------------------------------------------------------- */

enum { TWIN_SLOTS = 1024, TWIN_TRIAL = 128, TWIN_LEAST = 6 };

static uint32_t twin_slot(const sl_duckdb_string *a, const sl_duckdb_string *b) {
    uint64_t mixed = (a->words[0] ^ (a->words[1] << 7 | a->words[1] >> 57)) * UINT64_C(0x9E3779B97F4A7C15);
    if (b) mixed = (mixed ^ b->words[0] ^ (b->words[1] << 9 | b->words[1] >> 55)) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 54);
}

static int same_string(const sl_duckdb_string *a, const sl_duckdb_string *b) {
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* DuckDB 2.0 asks for every row of a dictionary column, and flattens it first: rows of one entry are the same 16 bytes.
 * Of rows that are alike only the first keeps its text. Returns 0, and leaves the texts alone, where the first rows do not
 * come again often enough to be worth the look. */
static int find_twins(const call *c, sl_duckdb_index from, sl_duckdb_index count, batch *b) {
    uint16_t slots[TWIN_SLOTS];
    const sl_duckdb_string *first = (const sl_duckdb_string *)c->rows[0].data + from;
    const sl_duckdb_string *second =
        sl_takes_pair(c->overload->function) ? (const sl_duckdb_string *)c->rows[1].data + from : NULL;
    size_t twins = 0;
    if (count < TWIN_TRIAL) return 0;
    memset(slots, 0xFF, sizeof(slots));
    for (size_t i = 0; i < count; i++) {
        if (i == TWIN_TRIAL && twins < TWIN_LEAST) return 0;
        b->twin[i] = (uint16_t)i;
        if (!b->texts[i].ptr) continue;
        uint16_t *slot = &slots[twin_slot(&first[i], second ? &second[i] : NULL)];
        uint16_t earlier = *slot;
        if (earlier != UINT16_MAX && same_string(&first[earlier], &first[i]) &&
            (!second || same_string(&second[earlier], &second[i]))) {
            b->twin[i] = earlier;
            twins++;
        } else {
            *slot = (uint16_t)i;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (b->twin[i] != i) b->texts[i].ptr = NULL;
    return 1;
}

/* Gives each twin the result of the row that it is like: a text then points to the same bytes, a list to the same
 * elements. */
static inline void copy_values(char *out, const uint16_t *twin, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++) memcpy(out + i * size, out + twin[i] * size, size);
}

static void copy_to_twins(call *c, sl_duckdb_index from, sl_duckdb_index count, const batch *b) {
    size_t size = value_size(c->overload->function->result->type);
    char *out = (char *)c->data + from * size;
    /* Each size by itself, so that a copy is one instruction. */
    if (size == 16)
        copy_values(out, b->twin, count, 16);
    else if (size == 8)
        copy_values(out, b->twin, count, 8);
    else
        copy_values(out, b->twin, count, 1);
}

/* ---- text -> text ------------------------------------------------------------------------------------------------ */

static size_t bytes_ahead(const call *c) {
    size_t total = 0;
    const sl_duckdb_string *strings = c->rows[0].data;
    for (sl_duckdb_index row = 0; row < c->row_count; row++)
        if (sl_duckdb_valid(c->rows[0].validity, row) && strings[row].inlined.length > SL_DUCKDB_INLINE)
            total += strings[row].inlined.length;
    return total + total / 32;
}

static sl_status write_text(call *c, sl_duckdb_index row, sl_str text, const sl_options *options) {
    heap *h = &c->texts;
    h->row = row;
    sl_buf buf = {h->next, 0, (size_t)(h->end - h->next), heap_grow, h};
    sl_status status = c->overload->function->kernel.TEXT(text, options, &buf);
    if (status == SL_UNCHANGED)
        heap_copy(h, text.ptr, text.len);
    else if (SL_LIKELY(status == SL_OK))
        heap_take(h, &buf);
    return status;
}

/* In the order of memory: where the scan finds nothing to do, many texts are one copy, and a row is its source with
 * another pointer. */
static sl_status run_TEXT(call *c, sl_duckdb_index from, const sl_str *texts, const sl_span *span,
                          const sl_options *options) {
    heap *h = &c->texts;
    const sl_function *function = c->overload->function;
    sl_scan scan = span->count > 1 ? function->scan : NULL;
    const sl_duckdb_string *rows = (const sl_duckdb_string *)c->rows[0].data;
    const char *end = span->ptr + span->len, *quiet = scan ? span->ptr + scan(span->ptr, span->len, options) : NULL;
    for (size_t k = 0; k < span->count; k++) {
        size_t i = sl_span_index(span, k), after = k;
        const char *start = texts[i].ptr, *stop = start;
        if (scan && quiet < start) quiet = start + scan(start, (size_t)(end - start), options);
        while (scan && after < span->count) {
            size_t next = sl_span_index(span, after);
            if ((size_t)(quiet - stop) < texts[next].len || sl_span_has_edge(function, texts[next])) break;
            stop += texts[next].len;
            after++;
        }
        if (after == k) {
            sl_status status = write_text(c, from + i, texts[i], options);
            if (SL_UNLIKELY(status > SL_OK)) return status;
            continue;
        }
        h->row = from + i;
        const char *copy = heap_block(h, start, (size_t)(stop - start));
        for (; k < after; k++) {
            i = sl_span_index(span, k);
            heap_point(h, from + i, &rows[from + i], copy + (texts[i].ptr - start));
        }
        k--;
    }
    h->ahead -= span->len < h->ahead ? span->len : h->ahead;
    return SL_OK;
}

/* ---- text -> UUID ------------------------------------------------------------------------------------------------ */

static uint64_t big_endian(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
    return value;
}

static sl_status run_UUID(call *c, sl_duckdb_index from, const sl_str *texts, const sl_span *span,
                          const sl_prepared *prepared, sl_memo *memo) {
    const sl_options *options = sl_prepared_options(prepared);
    uint64_t key = sl_prepared_serial(prepared);
    sl_kernel_UUID kernel = c->overload->function->kernel.UUID;
    sl_duckdb_hugeint *out = (sl_duckdb_hugeint *)c->data + from;
    for (size_t i = span->first; i < span->first + span->count; i++) {
        sl_uuid value;
        SL_TRY(sl_memo_uuid(memo, key, kernel, texts[i], options, &value));
        /* DuckDB flips the top bit so that UUIDs order as signed numbers. */
        out[i].upper = (int64_t)(big_endian(value.bytes) ^ UINT64_C(1) << 63);
        out[i].lower = big_endian(value.bytes + 8);
    }
    return SL_OK;
}

/* ---- text -> list ------------------------------------------------------------------------------------------------ */

static sl_status run_ROWS(call *c, sl_duckdb_index from, const sl_str *texts, const uint8_t *loud, const sl_span *span,
                          const sl_options *options, list_sink *sink) {
    sl_kernel_ROWS kernel = c->overload->function->kernel.ROWS;
    sl_duckdb_list_entry *out = (sl_duckdb_list_entry *)c->data + from;
    for (size_t i = span->first; i < span->first + span->count; i++) {
        uint64_t before = sink->size + sink->rows.count;
        if (loud[i]) SL_TRY(kernel(texts[i], options, &sink->rows));
        out[i].offset = before;
        out[i].length = sink->size + sink->rows.count - before;
    }
    return SL_OK;
}

/* Of a struct the element is the row: rows that are NULL leave a gap. */
static sl_status run_struct(call *c, sl_duckdb_index from, const sl_str *texts, const sl_span *span,
                            const sl_options *options, list_sink *sink) {
    sl_kernel_ROWS kernel = c->overload->function->kernel.ROWS;
    for (size_t i = span->first; i < span->first + span->count; i++) {
        if (sink->size + sink->rows.count != from + i) {
            SL_TRY(list_flush(&sink->rows));
            sink->size = from + i;
        }
        SL_TRY(kernel(texts[i], options, &sink->rows));
    }
    return SL_OK;
}

/* ---- text, or two, -> number ------------------------------------------------------------------------------------- */

static inline void write_number(call *c, sl_duckdb_index row, sl_cell cell) {
    if (c->overload->function->result->type == SL_TYPE_BOOLEAN)
        ((uint8_t *)c->data)[row] = cell.integer != 0;
    else
        ((uint64_t *)c->data)[row] = cell.natural;
}

static sl_status run_NUMBER(call *c, sl_duckdb_index from, const sl_str *texts, const uint8_t *loud, const sl_span *span,
                            const sl_options *options) {
    sl_kernel_NUMBER kernel = c->overload->function->kernel.NUMBER;
    for (size_t i = span->first; i < span->first + span->count; i++) {
        sl_cell cell = {.natural = 0};
        if (loud[i]) SL_TRY(kernel(texts[i], options, &cell));
        write_number(c, from + i, cell);
    }
    return SL_OK;
}

static sl_status run_PAIR(call *c, sl_duckdb_index from, sl_duckdb_index count, const sl_options *options,
                          const batch *b) {
    sl_kernel_PAIR kernel = c->overload->function->kernel.PAIR;
    for (size_t i = 0; i < count; i++) {
        if (!b->texts[i].ptr || !b->others[i].ptr) continue;
        sl_cell cell = {.natural = 0};
        SL_TRY(kernel(b->texts[i], b->others[i], options, &cell));
        write_number(c, from + i, cell);
    }
    return SL_OK;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* A list of a row; 0 where it is NULL, or holds a NULL. */
static int read_numbers(const column *column, sl_duckdb_index row, sl_numbers *out) {
    static const int64_t none;
    if (!sl_duckdb_valid(column->validity, row)) return 0;
    sl_duckdb_list_entry entry = ((const sl_duckdb_list_entry *)column->data)[row];
    if (entry.length > UINT32_MAX) return 0;
    if (column->element_validity)
        for (uint64_t i = 0; i < entry.length; i++)
            if (!sl_duckdb_valid(column->element_validity, entry.offset + i)) return 0;
    const int64_t *numbers = (const int64_t *)column->elements;
    *out = (sl_numbers){entry.length ? numbers + entry.offset : &none, (uint32_t)entry.length};
    return 1;
}

static sl_status run_numbers(call *c, sl_duckdb_index from, sl_duckdb_index to, const sl_options *options,
                             list_sink *sink, sl_error *error) {
    const sl_function *function = c->overload->function;
    for (sl_duckdb_index row = from; row < to; row++) {
        sl_numbers a, b = {NULL, 0};
        if (!read_numbers(&c->rows[0], row, &a) || (sl_takes_pair(function) && !read_numbers(&c->rows[1], row, &b))) {
            set_null(c, row);
            continue;
        }
        if (function->shape == SL_SHAPE_NUMBERS_PAIR) {
            sl_cell cell = {.natural = 0};
            SL_TRY(function->kernel.NUMBERS_PAIR(a, b, options, &cell, error));
            write_number(c, row, cell);
            continue;
        }
        uint64_t before = sink->size + sink->rows.count;
        SL_TRY(function->kernel.NUMBERS_ROWS(a, options, &sink->rows, error));
        ((sl_duckdb_list_entry *)c->data)[row] =
            (sl_duckdb_list_entry){before, sink->size + sink->rows.count - before};
    }
    return SL_OK;
}

/* ---- any shape --------------------------------------------------------------------------------------------------- */

static sl_status run_spans(call *c, sl_duckdb_index from, sl_duckdb_index count, const sl_prepared *prepared,
                           list_sink *sink, thread_state *thread) {
    batch *b = &thread->batch;
    const sl_function *function = c->overload->function;
    const sl_options *options = sl_prepared_options(prepared);
    for (size_t i = 0; i < count;) {
        if (!b->texts[i].ptr) {
            i++;
            continue;
        }
        sl_span span = sl_span_at(b->texts, i, count);
        if (SL_UNLIKELY(!sl_span_valid(&span))) return SL_EUTF8;
        switch (function->shape) {
            case SL_SHAPE_TEXT:
                SL_TRY(run_TEXT(c, from, b->texts, &span, options));
                break;
            case SL_SHAPE_UUID:
                SL_TRY(run_UUID(c, from, b->texts, &span, prepared, &thread->memo));
                break;
            case SL_SHAPE_NUMBER:
                sl_span_mark(&span, b->texts, function, options, b->loud);
                SL_TRY(run_NUMBER(c, from, b->texts, b->loud, &span, options));
                break;
            case SL_SHAPE_ROWS:
                sl_span_mark(&span, b->texts, function, options, b->loud);
                if (sl_gives_struct(function))
                    SL_TRY(run_struct(c, from, b->texts, &span, options, sink));
                else
                    SL_TRY(run_ROWS(c, from, b->texts, b->loud, &span, options, sink));
                break;
            default:
                return SL_EARG;
        }
        i += span.count;
    }
    return SL_OK;
}

/* Rows [from, from + count) of equal options, at most VECTOR_MAX of them. */
static sl_status run_batch(call *c, sl_duckdb_index from, sl_duckdb_index count, const sl_prepared *prepared,
                           list_sink *sink) {
    thread_state *thread = this_thread();
    if (SL_UNLIKELY(!thread)) return SL_ENOMEM;
    batch *b = &thread->batch;
    int is_pair = c->overload->function->shape == SL_SHAPE_PAIR;
    read_texts(c, &c->rows[0], from, count, b->texts);
    if (is_pair) {
        read_texts(c, &c->rows[1], from, count, b->others);
        for (size_t i = 0; i < count; i++)
            if (!b->others[i].ptr) b->texts[i].ptr = NULL;
    }
    int twins = !sl_gives_struct(c->overload->function) && find_twins(c, from, count, b);
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) rows += b->texts[i].ptr != NULL;
    atomic_fetch_add_explicit(&sl_kernel_rows, rows, memory_order_relaxed);
    if (sink) sink->calls = rows;
    if (is_pair) {
        sl_span bad;
        if (!sl_texts_valid(b->texts, count, &bad) || !sl_texts_valid(b->others, count, &bad)) return SL_EUTF8;
        SL_TRY(run_PAIR(c, from, count, sl_prepared_options(prepared), b));
    } else {
        SL_TRY(run_spans(c, from, count, prepared, sink, thread));
    }
    if (twins) copy_to_twins(c, from, count, b);
    return SL_OK;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void buf_free(sl_buf *buf) { sl_buf_free(buf); }

/* A BLOB as the text that it holds, and its result. What the kernel gives may point into that text, so that all of it is
 * written before the text goes: a query over many archives has one of them unpacked at a time. */
static sl_status run_file(call *c, sl_duckdb_index row, sl_opener open, const sl_prepared *prepared, list_sink *sink,
                          sl_error *error) {
    thread_state *thread = this_thread();
    if (SL_UNLIKELY(!thread)) return SL_ENOMEM;
    sl_buf room __attribute__((cleanup(buf_free))) = SL_BUF_HEAP;
    sl_str *text = &thread->batch.texts[0];
    read_texts(c, &c->rows[0], row, 1, text);
    if (!text->ptr) return SL_OK;
    atomic_fetch_add_explicit(&sl_kernel_rows, 1, memory_order_relaxed);
    SL_TRY(open(*text, &room, text, error));
    SL_TRY(run_spans(c, row, 1, prepared, sink, thread));
    return sink && sink->rows.count ? list_flush(&sink->rows) : SL_OK;
}

/* ---- the callback ------------------------------------------------------------------------------------------------ */

/* Prepares the options of rows [from, to) and runs the adapter over them. */
static sl_status run_with_options(call *c, sl_duckdb_index from, sl_duckdb_index to, list_sink *sink,
                                  sl_error *error) {
    const sl_function *function = c->overload->function;
    sl_value values[PARAMETER_MAX];
    char uuids[PARAMETER_MAX][UUID_CHARACTERS + 1];
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->param_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        int is_null = 0;
        SL_TRY(read_option(c, p, from, &values[count++], uuids[p], &is_null, error));
        if (is_null) {
            for (sl_duckdb_index row = from; row < to; row++) set_null(c, row);
            return SL_OK;
        }
    }
    sl_prepared *prepared __attribute__((cleanup(sl_prepared_release))) = NULL;
    SL_TRY(sl_prepared_get(function, values, count, &prepared, error));
    if (sl_takes_numbers(function)) return run_numbers(c, from, to, sl_prepared_options(prepared), sink, error);
    sl_opener open = opener_of(c->overload);
    for (; open && from < to; from++) SL_TRY(run_file(c, from, open, prepared, sink, error));
    for (; from < to; from += VECTOR_MAX) {
        sl_duckdb_index count = to - from < VECTOR_MAX ? to - from : VECTOR_MAX;
        SL_TRY(run_batch(c, from, count, prepared, sink));
    }
    return SL_OK;
}

static void run_all(call *c, list_sink *sink) {
    sl_error error = {{0}};
    sl_status status = SL_OK;
    for (sl_duckdb_index from = 0; from < c->row_count && status <= SL_OK;) {
        sl_duckdb_index to = run_end(c, from);
        status = run_with_options(c, from, to, sink, &error);
        from = to;
    }
    if (status <= SL_OK && sink) {
        if (sink->rows.count) status = list_flush(&sink->rows);
        if (status <= SL_OK && sink->list && sl_duckdb.list_vector_set_size(sink->list, sink->size) != 0) status = SL_ENOMEM;
    }
    if (status > SL_OK) fail(c, status, error.text[0] ? error.text : NULL);
}

static void run_list(call *c) {
    /* Not zeroed as a whole: the cells are written before they are read. */
    list_sink sink __attribute__((cleanup(list_sink_free)));
    sink.result = c->overload->function->result;
    sink.rows = (sl_rows){.cells = sink.cells,
                          .columns = sink.result->field_count,
                          .capacity = BLOCK_ROWS,
                          .flush = list_flush,
                          .owner = &sink};
    int is_list = sl_gives_list(c->overload->function);
    if (is_list && sl_gives_numbers(c->overload->function)) sink.rows.place = list_place;
    sink.list = is_list ? c->output : NULL;
    sink.elements = is_list ? sl_duckdb.list_vector_get_child(c->output) : c->output;
    sink.size = 0;
    sink.capacity = is_list ? 0 : c->row_count;
    sink.calls = 0;
    sink.numbers = NULL;
    for (uint32_t f = 0; f < sink.result->field_count; f++) {
        sink.vectors[f] =
            sink.result->fields[f].name ? sl_duckdb.struct_vector_get_child(sink.elements, f) : sink.elements;
        sink.heaps[f] = (heap){.vector = sink.vectors[f]};
    }
    run_all(c, &sink);
}

void sl_duckdb_scalar_run(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    call c __attribute__((cleanup(call_free))) = {.info = info, .output = output, .overload = sl_duckdb.scalar_function_get_extra_info(info)};
    const sl_function *function = c.overload->function;
    c.row_count = sl_duckdb.data_chunk_get_size(chunk);
    int rows = 0;
    for (uint32_t p = 0; p < c.overload->argument_count; p++) {
        sl_duckdb_handle vector = sl_duckdb.data_chunk_get_vector(chunk, p);
        column *column = &c.columns[p];
        column->data = sl_duckdb.vector_get_data(vector);
        column->validity = sl_duckdb.vector_get_validity(vector);
        if (is_list(function->params[p].fallback.type)) {
            sl_duckdb_handle elements = sl_duckdb.list_vector_get_child(vector);
            column->elements = sl_duckdb.vector_get_data(elements);
            column->element_validity = sl_duckdb.vector_get_validity(elements);
        }
        if (function->params[p].role == SL_ROLE_ROW) c.rows[rows++] = *column;
    }
    c.data = sl_duckdb.vector_get_data(output);
    c.texts = (heap){.vector = output, .rows = c.data};
    if (function->shape == SL_SHAPE_TEXT) c.texts.ahead = bytes_ahead(&c);
    if (sl_gives_list(function) || sl_gives_struct(function))
        run_list(&c);
    else
        run_all(&c, NULL);
}
