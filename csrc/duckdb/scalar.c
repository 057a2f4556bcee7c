/* scalar.c - the DuckDB door for scalar functions: one adapter a shape, over vectors of up to 2,048 rows.
 * Contract: NULL rows hold undefined bytes and are never read; an output NULL is written here; invalid UTF-8 is an error
 * and never reaches a kernel; no input memory is referred to by an output. */
#include "abi.h"
#include "heap.h"
#include "options.h"
#include "../memo.h"
#include "../spans.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct overload {
    const sl_function *function;
    uint32_t argument_count;
    int by_uuid; /* parameters that can be given as a UUID are UUIDs */
} overload;

/* ---- one call --------------------------------------------------------------------------------------------------- */

typedef struct column {
    const void *data;
    const uint64_t *validity;
} column;

enum { PARAMETER_MAX = 8, VECTOR_MAX = 2048, UUID_CHARACTERS = 36 };

typedef struct call {
    sl_duckdb_handle info, output;
    const overload *overload;
    sl_duckdb_index row_count;
    column columns[PARAMETER_MAX];
    column text; /* the column that plays the row */
    void *data;
    uint64_t *validity; /* of the output; NULL until the first NULL */
    heap texts;         /* of the output, where it is a text */
} call;

static void call_free(call *c) { heap_free(&c->texts); }

/* The texts of some rows, and which of them a kernel has to see. */
typedef struct batch {
    sl_str texts[VECTOR_MAX];
    uint8_t loud[VECTOR_MAX];
} batch;

/* Allocated when a thread first needs it, and given back when the thread ends. */
static _Thread_local sl_memo memo;

static inline sl_str read_text(const column *c, sl_duckdb_index row) {
    const sl_duckdb_string *s = (const sl_duckdb_string *)c->data + row;
    uint32_t len = s->inlined.length;
    return (sl_str){len <= SL_DUCKDB_INLINE ? s->inlined.bytes : s->pointer.ptr, len};
}

static void set_null(call *c, sl_duckdb_index row) {
    if (!c->validity) {
        sl_duckdb.vector_ensure_validity_writable(c->output);
        c->validity = sl_duckdb.vector_get_validity(c->output);
    }
    c->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    if (c->overload->function->shape == SL_SHAPE_ROWS) ((sl_duckdb_list_entry *)c->data)[row] = (sl_duckdb_list_entry){0, 0};
}

static void fail(const call *c, sl_status status, const char *sentence) {
    char message[sizeof(sl_error) + 64];
    snprintf(message, sizeof(message), "sl_%s: %s", c->overload->function->name,
             sentence ? sentence : sl_status_text(status));
    sl_duckdb.scalar_function_set_error(c->info, message);
}

/* Reads rows [from, from + count); NULL rows hold undefined bytes and become ptr == NULL, and NULL in the output. */
static void read_texts(call *c, sl_duckdb_index from, sl_duckdb_index count, sl_str *texts) {
    if (!c->text.validity) {
        for (sl_duckdb_index i = 0; i < count; i++) {
            texts[i] = read_text(&c->text, from + i);
            __builtin_prefetch(texts[i].ptr);
            __builtin_prefetch(texts[i].ptr + 64);
        }
        return;
    }
    for (sl_duckdb_index i = 0; i < count; i++) {
        if (sl_duckdb_valid(c->text.validity, from + i)) {
            texts[i] = read_text(&c->text, from + i);
        } else {
            texts[i] = (sl_str){NULL, 0};
            set_null(c, from + i);
        }
    }
}

/* ---- text -> text ------------------------------------------------------------------------------------------------ */

static size_t bytes_ahead(const call *c) {
    size_t total = 0;
    const sl_duckdb_string *strings = c->text.data;
    for (sl_duckdb_index row = 0; row < c->row_count; row++)
        if (sl_duckdb_valid(c->text.validity, row) && strings[row].inlined.length > SL_DUCKDB_INLINE)
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
    sl_scan scan = span->count > 1 ? c->overload->function->scan : NULL;
    const sl_duckdb_string *rows = (const sl_duckdb_string *)c->text.data;
    const char *end = span->ptr + span->len;
    for (size_t k = 0; k < span->count; k++) {
        size_t i = sl_span_index(span, k);
        const char *start = texts[i].ptr, *stop = start + texts[i].len;
        const char *quiet = scan ? start + scan(start, (size_t)(end - start), options) : start;
        if (quiet >= stop && scan) {
            h->row = from + i;
            const char *copy = heap_block(h, start, (size_t)(quiet - start));
            const char *before = start;
            do {
                heap_point(h, from + i, &rows[from + i], copy + (texts[i].ptr - before));
                start = stop;
                if (++k == span->count) break;
                i = sl_span_index(span, k);
                stop = texts[i].ptr + texts[i].len;
            } while (stop <= quiet);
            h->next -= quiet - start; /* what was copied of the next text */
            if (k == span->count) break;
        }
        sl_status status = write_text(c, from + i, texts[i], options);
        if (SL_UNLIKELY(status > SL_OK)) return status;
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
                          const sl_prepared *prepared) {
    const sl_options *options = sl_prepared_options(prepared);
    uint64_t key = sl_prepared_serial(prepared);
    sl_kernel_UUID kernel = c->overload->function->kernel.UUID;
    sl_duckdb_hugeint *out = (sl_duckdb_hugeint *)c->data + from;
    for (size_t i = span->first; i < span->first + span->count; i++) {
        sl_uuid value;
        SL_TRY(sl_memo_uuid(&memo, key, kernel, texts[i], options, &value));
        /* DuckDB flips the top bit so that UUIDs order as signed numbers. */
        out[i].upper = (int64_t)(big_endian(value.bytes) ^ UINT64_C(1) << 63);
        out[i].lower = big_endian(value.bytes + 8);
    }
    return SL_OK;
}

/* ---- text -> list ------------------------------------------------------------------------------------------------ */

enum { BLOCK_ROWS = 256, FIELD_MAX = 8 };

typedef struct list_sink {
    sl_rows rows;
    sl_cell cells[BLOCK_ROWS * FIELD_MAX];
    const sl_result *result;
    sl_duckdb_handle list, elements;
    sl_duckdb_handle vectors[FIELD_MAX]; /* one a field */
    heap heaps[FIELD_MAX];
    sl_duckdb_index size, capacity;
} list_sink;

static void list_sink_free(list_sink *sink) { sl_rows_free(&sink->rows); }

static void write_texts(list_sink *sink, uint32_t field) {
    const sl_cell *cells = sink->rows.cells + field;
    uint32_t columns = sink->rows.columns, count = sink->rows.count;
    heap *h = &sink->heaps[field];
    h->rows = sl_duckdb.vector_get_data(h->vector);
    h->ahead = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t len = cells[i * columns].text.len;
        if (cells[i * columns].text.ptr && len > SL_DUCKDB_INLINE) h->ahead += len;
    }
    uint64_t *validity = NULL;
    for (uint32_t i = 0; i < count; i++) {
        sl_str text = cells[i * columns].text;
        h->row = sink->size + i;
        if (SL_LIKELY(text.ptr != NULL)) {
            heap_copy(h, text.ptr, text.len);
            h->ahead -= text.len < h->ahead ? text.len : h->ahead;
            continue;
        }
        if (!validity) {
            sl_duckdb.vector_ensure_validity_writable(h->vector);
            validity = sl_duckdb.vector_get_validity(h->vector);
        }
        validity[h->row >> 6] &= ~(UINT64_C(1) << (h->row & 63));
    }
}

static sl_status list_flush(sl_rows *rows) {
    list_sink *sink = rows->owner;
    sl_duckdb_index need = sink->size + rows->count;
    if (need > sink->capacity) {
        sl_duckdb_index capacity = sink->capacity * 2 > need ? sink->capacity * 2 : need;
        if (sl_duckdb.list_vector_reserve(sink->list, capacity) != 0) return SL_ENOMEM;
        sink->capacity = capacity;
    }
    for (uint32_t f = 0; f < rows->columns; f++) {
        if (sink->result->fields[f].type == SL_TYPE_TEXT) {
            write_texts(sink, f);
            continue;
        }
        /* INTEGER and TIMESTAMP are both 64-bit. */
        int64_t *out = (int64_t *)sl_duckdb.vector_get_data(sink->vectors[f]) + sink->size;
        for (uint32_t i = 0; i < rows->count; i++) out[i] = rows->cells[(size_t)i * rows->columns + f].integer;
    }
    sink->size = need;
    rows->count = 0;
    sl_rows_reset(rows);
    return SL_OK;
}

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

/* ---- any shape --------------------------------------------------------------------------------------------------- */

/* Rows [from, from + count) of equal options, at most VECTOR_MAX of them. */
static sl_status run_batch(call *c, sl_duckdb_index from, sl_duckdb_index count, const sl_prepared *prepared,
                           list_sink *sink, batch *b) {
    const sl_function *function = c->overload->function;
    const sl_options *options = sl_prepared_options(prepared);
    read_texts(c, from, count, b->texts);
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
                SL_TRY(run_UUID(c, from, b->texts, &span, prepared));
                break;
            case SL_SHAPE_ROWS:
                sl_span_mark(&span, b->texts, function->scan, options, b->loud);
                SL_TRY(run_ROWS(c, from, b->texts, b->loud, &span, options, sink));
                break;
            case SL_SHAPE_COUNT:
                return SL_EARG;
        }
        i += span.count;
    }
    return SL_OK;
}

/* ---- the callback ------------------------------------------------------------------------------------------------ */

static int is_uuid(const overload *overload, const sl_param *param) { return overload->by_uuid && param->or_uuid; }

/* The 36 characters of a UUID, which DuckDB keeps with its top bit flipped. */
static sl_str format_uuid(const sl_duckdb_hugeint *uuid, char out[UUID_CHARACTERS + 1]) {
    uint64_t high = (uint64_t)uuid->upper ^ UINT64_C(1) << 63, low = uuid->lower;
    snprintf(out, UUID_CHARACTERS + 1, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFFF), (unsigned)(low >> 48),
             (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
    return (sl_str){out, UUID_CHARACTERS};
}

/* Reads option `index` of a row; 0 when it is NULL. `room` holds the text of a UUID. */
static int read_option(const call *c, uint32_t index, sl_duckdb_index row, sl_value *value,
                       char room[UUID_CHARACTERS + 1]) {
    const sl_param *param = &c->overload->function->params[index];
    *value = param->fallback;
    if (index >= c->overload->argument_count) return 1;
    const column *from = &c->columns[index];
    if (!sl_duckdb_valid(from->validity, row)) return 0;
    switch (param->fallback.type) {
        case SL_TYPE_TEXT:
            value->text = is_uuid(c->overload, param) ? format_uuid((const sl_duckdb_hugeint *)from->data + row, room)
                                                      : read_text(from, row);
            break;
        case SL_TYPE_BOOLEAN:
            value->integer = ((const uint8_t *)from->data)[row] != 0;
            break;
        case SL_TYPE_REAL:
            value->real = ((const double *)from->data)[row];
            break;
        default:
            value->integer = ((const int64_t *)from->data)[row];
    }
    return 1;
}

/* 1 if the options of two rows are surely equal: constants arrive as the same bytes in every row. */
static int same_options(const call *c, sl_duckdb_index a, sl_duckdb_index b) {
    const sl_function *function = c->overload->function;
    for (uint32_t p = 0; p < c->overload->argument_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        const column *from = &c->columns[p];
        int valid = sl_duckdb_valid(from->validity, a);
        if (valid != sl_duckdb_valid(from->validity, b)) return 0;
        if (!valid) continue;
        size_t size = function->params[p].fallback.type == SL_TYPE_TEXT      ? sizeof(sl_duckdb_string)
                      : function->params[p].fallback.type == SL_TYPE_BOOLEAN ? 1
                                                                             : 8;
        const char *data = from->data;
        if (memcmp(data + a * size, data + b * size, size) != 0) return 0;
    }
    return 1;
}

/* The end of the rows from `from` on that have equal options. */
static sl_duckdb_index run_end(const call *c, sl_duckdb_index from) {
    sl_duckdb_index to = from + 1;
    if (c->overload->argument_count == 1) return c->row_count; /* the one argument is the text */
    while (to < c->row_count && same_options(c, from, to)) to++;
    return to;
}

/* Prepares the options of rows [from, to) and runs the adapter over them. */
static sl_status run_with_options(call *c, sl_duckdb_index from, sl_duckdb_index to, list_sink *sink,
                                  sl_error *error) {
    const sl_function *function = c->overload->function;
    sl_value values[PARAMETER_MAX];
    char uuids[PARAMETER_MAX][UUID_CHARACTERS + 1];
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->param_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        sl_value *value = &values[count++];
        if (!read_option(c, p, from, value, uuids[p])) {
            for (sl_duckdb_index row = from; row < to; row++) set_null(c, row);
            return SL_OK;
        }
        if (value->type == SL_TYPE_TEXT && !sl_utf8_valid(value->text.ptr, value->text.len)) return SL_EUTF8;
    }
    sl_prepared *prepared __attribute__((cleanup(sl_prepared_release))) = NULL;
    SL_TRY(sl_prepared_get(function, values, count, &prepared, error));
    batch b; /* not zeroed: what is read of it was written before */
    for (; from < to; from += VECTOR_MAX) {
        sl_duckdb_index count = to - from < VECTOR_MAX ? to - from : VECTOR_MAX;
        SL_TRY(run_batch(c, from, count, prepared, sink, &b));
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
        if (status <= SL_OK && sl_duckdb.list_vector_set_size(sink->list, sink->size) != 0) status = SL_ENOMEM;
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
    sink.list = c->output;
    sink.elements = sl_duckdb.list_vector_get_child(c->output);
    sink.size = sink.capacity = 0;
    for (uint32_t f = 0; f < sink.result->field_count; f++) {
        sink.vectors[f] =
            sink.result->fields[f].name ? sl_duckdb.struct_vector_get_child(sink.elements, f) : sink.elements;
        sink.heaps[f] = (heap){.vector = sink.vectors[f]};
    }
    run_all(c, &sink);
}

static void scalar_callback(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    call c __attribute__((cleanup(call_free))) = {.info = info, .output = output, .overload = sl_duckdb.scalar_function_get_extra_info(info)};
    const sl_function *function = c.overload->function;
    c.row_count = sl_duckdb.data_chunk_get_size(chunk);
    for (uint32_t p = 0; p < c.overload->argument_count; p++) {
        sl_duckdb_handle vector = sl_duckdb.data_chunk_get_vector(chunk, p);
        c.columns[p].data = sl_duckdb.vector_get_data(vector);
        c.columns[p].validity = sl_duckdb.vector_get_validity(vector);
        if (function->params[p].role == SL_ROLE_ROW) c.text = c.columns[p];
    }
    c.data = sl_duckdb.vector_get_data(output);
    c.texts = (heap){.vector = output, .rows = c.data};
    if (function->shape == SL_SHAPE_TEXT) c.texts.ahead = bytes_ahead(&c);
    if (function->shape == SL_SHAPE_ROWS)
        run_list(&c);
    else
        run_all(&c, NULL);
}

/* ---- registration ------------------------------------------------------------------------------------------------ */

static sl_duckdb_handle plain_type(sl_type type) {
    static const int ids[] = {[SL_TYPE_TEXT] = SL_DUCKDB_VARCHAR,    [SL_TYPE_INTEGER] = SL_DUCKDB_BIGINT,
                              [SL_TYPE_REAL] = SL_DUCKDB_DOUBLE,     [SL_TYPE_BOOLEAN] = SL_DUCKDB_BOOLEAN,
                              [SL_TYPE_UUID] = SL_DUCKDB_UUID,       [SL_TYPE_TIMESTAMP] = SL_DUCKDB_TIMESTAMP};
    return sl_duckdb.create_logical_type(ids[type]);
}

static sl_duckdb_handle result_type(const sl_result *result) {
    if (result->type != SL_TYPE_LIST) return plain_type(result->type);
    sl_duckdb_handle fields[FIELD_MAX];
    const char *names[FIELD_MAX];
    for (uint32_t f = 0; f < result->field_count; f++) {
        fields[f] = plain_type(result->fields[f].type);
        names[f] = result->fields[f].name;
    }
    sl_duckdb_handle element =
        names[0] ? sl_duckdb.create_struct_type(fields, names, result->field_count) : fields[0];
    sl_duckdb_handle list = sl_duckdb.create_list_type(element);
    if (names[0])
        for (uint32_t f = 0; f < result->field_count; f++) sl_duckdb.destroy_logical_type(&fields[f]);
    sl_duckdb.destroy_logical_type(&element);
    return list;
}

/* The overload that takes the first `argument_count` parameters. */
static sl_duckdb_handle make_overload(const sl_function *function, uint32_t argument_count, int by_uuid) {
    overload *extra = sl_duckdb.malloc(sizeof(overload));
    if (!extra) return NULL;
    *extra = (overload){function, argument_count, by_uuid};
    char name[64];
    snprintf(name, sizeof(name), "sl_%s", function->name);
    sl_duckdb_handle scalar = sl_duckdb.create_scalar_function();
    sl_duckdb.scalar_function_set_name(scalar, name);
    for (uint32_t p = 0; p < argument_count; p++) {
        const sl_param *param = &function->params[p];
        sl_duckdb_handle type = plain_type(is_uuid(extra, param) ? SL_TYPE_UUID : param->fallback.type);
        sl_duckdb.scalar_function_add_parameter(scalar, type);
        sl_duckdb.destroy_logical_type(&type);
    }
    sl_duckdb_handle type = result_type(function->result);
    sl_duckdb.scalar_function_set_return_type(scalar, type);
    sl_duckdb.destroy_logical_type(&type);
    sl_duckdb.scalar_function_set_extra_info(scalar, extra, sl_duckdb.free);
    sl_duckdb.scalar_function_set_function(scalar, scalar_callback);
    return scalar;
}

static uint32_t register_function(sl_duckdb_handle connection, const sl_function *function) {
    char name[64];
    snprintf(name, sizeof(name), "sl_%s", function->name);
    uint32_t required = 0, refused = 0;
    int or_uuid = 0;
    while (required < function->param_count && function->params[required].required) required++;
    for (uint32_t p = 0; p < function->param_count; p++) or_uuid |= function->params[p].or_uuid;
    sl_duckdb_handle set = sl_duckdb.create_scalar_function_set(name);
    for (uint32_t count = required; count <= function->param_count; count++) {
        for (int by_uuid = 0; by_uuid <= or_uuid; by_uuid++) {
            sl_duckdb_handle scalar = make_overload(function, count, by_uuid);
            if (!scalar || sl_duckdb.add_scalar_function_to_set(set, scalar) != 0) refused = 1;
            if (scalar) sl_duckdb.destroy_scalar_function(&scalar);
        }
    }
    if (sl_duckdb.register_scalar_function_set(connection, set) != 0) refused = 1;
    sl_duckdb.destroy_scalar_function_set(&set);
    return refused;
}

static void version_callback(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    (void)info;
    sl_duckdb_string *out = sl_duckdb.vector_get_data(output);
    _Static_assert(sizeof(SL_VERSION) - 1 <= SL_DUCKDB_INLINE, "the version must fit inline");
    sl_duckdb_index count = sl_duckdb.data_chunk_get_size(chunk);
    for (sl_duckdb_index row = 0; row < count; row++) write_inlined(&out[row], SL_VERSION, sizeof(SL_VERSION) - 1);
}

static uint32_t register_version(sl_duckdb_handle connection) {
    sl_duckdb_handle scalar = sl_duckdb.create_scalar_function();
    sl_duckdb_handle type = plain_type(SL_TYPE_TEXT);
    sl_duckdb.scalar_function_set_name(scalar, "sl_version");
    sl_duckdb.scalar_function_set_return_type(scalar, type);
    sl_duckdb.scalar_function_set_function(scalar, version_callback);
    uint32_t refused = sl_duckdb.register_scalar_function(connection, scalar) != 0;
    sl_duckdb.destroy_logical_type(&type);
    sl_duckdb.destroy_scalar_function(&scalar);
    return refused;
}

uint32_t sl_duckdb_register_scalars(sl_duckdb_handle connection) {
    uint32_t refused = register_version(connection);
    for (uint32_t f = 0; f < sl_function_count; f++) refused += register_function(connection, &sl_functions[f]);
    return refused;
}
