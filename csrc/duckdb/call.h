/* call.h - one call of DuckDB for one of our functions: its columns, and what goes wrong. For the DuckDB door.
 * Contract: NULL rows hold undefined bytes and are never read; an output NULL is written by us. */
#ifndef SL_DUCKDB_CALL_H
#define SL_DUCKDB_CALL_H

#include "abi.h"
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct overload {
    const sl_function *function;
    uint32_t argument_count;
    int other; /* parameters that can be given as something else too are: a UUID, or a BLOB */
} overload;

typedef struct column {
    const void *data;
    const uint64_t *validity;
    const void *elements; /* of lists */
    const uint64_t *element_validity;
} column;

enum { PARAMETER_MAX = 8, FIELD_MAX = 8, VECTOR_MAX = 2048, UUID_CHARACTERS = 36 };

typedef struct call {
    sl_duckdb_handle info, output;
    const overload *overload;
    sl_duckdb_index row_count;
    column columns[PARAMETER_MAX];
    column rows[2]; /* the columns that change from row to row */
    sl_str *lists[PARAMETER_MAX]; /* of options that are lists */
    void *data;
    uint64_t *validity; /* of the output; NULL until the first NULL */
    heap texts;         /* of the output, where it is a text */
} call;

static inline void call_free(call *c) {
    heap_free(&c->texts);
    for (int p = 0; p < PARAMETER_MAX; p++) free(c->lists[p]);
}

static inline sl_str read_text(const column *c, sl_duckdb_index row) {
    const sl_duckdb_string *s = (const sl_duckdb_string *)c->data + row;
    uint32_t len = s->inlined.length;
    return (sl_str){len <= SL_DUCKDB_INLINE ? s->inlined.bytes : s->pointer.ptr, len};
}

static inline void set_null_in(sl_duckdb_handle vector, sl_duckdb_index row) {
    sl_duckdb.vector_ensure_validity_writable(vector);
    sl_duckdb.vector_get_validity(vector)[row >> 6] &= ~(UINT64_C(1) << (row & 63));
}

static inline void set_null(call *c, sl_duckdb_index row) {
    if (!c->validity) {
        sl_duckdb.vector_ensure_validity_writable(c->output);
        c->validity = sl_duckdb.vector_get_validity(c->output);
    }
    c->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    const sl_function *function = c->overload->function;
    if (sl_gives_list(function)) ((sl_duckdb_list_entry *)c->data)[row] = (sl_duckdb_list_entry){0, 0};
    /* DuckDB may look at the fields of a NULL without looking at the struct. */
    for (uint32_t f = 0; sl_gives_struct(function) && f < function->result->field_count; f++)
        set_null_in(sl_duckdb.struct_vector_get_child(c->output, f), row);
}

static inline void fail(const call *c, sl_status status, const char *sentence) {
    char message[sizeof(sl_error) + 64];
    snprintf(message, sizeof(message), "sl_%s: %s", c->overload->function->name,
             sentence ? sentence : sl_status_text(status));
    sl_duckdb.scalar_function_set_error(c->info, message);
}

/* Reads rows [from, from + count); NULL rows hold undefined bytes and become ptr == NULL, and NULL in the output. */
static inline void read_texts(call *c, const column *column, sl_duckdb_index from, sl_duckdb_index count, sl_str *texts) {
    if (!column->validity) {
        for (sl_duckdb_index i = 0; i < count; i++) {
            texts[i] = read_text(column, from + i);
            __builtin_prefetch(texts[i].ptr);
            __builtin_prefetch(texts[i].ptr + 64);
        }
        return;
    }
    for (sl_duckdb_index i = 0; i < count; i++) {
        if (sl_duckdb_valid(column->validity, from + i)) {
            texts[i] = read_text(column, from + i);
        } else {
            texts[i] = (sl_str){NULL, 0};
            set_null(c, from + i);
        }
    }
}

/* Whether a parameter is a list. */
static inline int is_list(sl_type type) {
    return type == SL_TYPE_TEXTS || type == SL_TYPE_INTEGERS || type == SL_TYPE_NATURALS;
}

/* Bytes of a value of a type in a vector: of a list the place of its elements. */
static inline size_t value_size(sl_type type) {
    if (type == SL_TYPE_BOOLEAN) return 1;
    return type == SL_TYPE_TEXT || type == SL_TYPE_UUID || type == SL_TYPE_LIST || is_list(type) ? 16 : 8;
}

static inline int is_uuid(const overload *overload, const sl_param *param) { return overload->other && param->or_uuid; }

/* What makes texts of the rows, where those are BLOBs. */
static inline sl_opener opener_of(const overload *overload) {
    for (uint32_t p = 0; overload->other && p < overload->function->param_count; p++)
        if (overload->function->params[p].open) return overload->function->params[p].open;
    return NULL;
}

/* Computes one chunk. */
void sl_duckdb_scalar_run(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output);

#endif
