/* list.h - where the elements of a list, or structs, go: a block of cells, flushed into the vectors of their fields.
 * Contract: the vectors grow by doubling; a text never points to memory of the kernel once its block is flushed. */
#ifndef SL_DUCKDB_LIST_H
#define SL_DUCKDB_LIST_H

#include "call.h"

enum { BLOCK_ROWS = 256 };

typedef struct list_sink {
    sl_rows rows;
    sl_cell cells[BLOCK_ROWS * FIELD_MAX];
    const sl_result *result;
    sl_duckdb_handle list, elements;
    sl_duckdb_handle vectors[FIELD_MAX]; /* one a field */
    heap heaps[FIELD_MAX];
    sl_duckdb_index size, capacity;
} list_sink;

static inline void list_sink_free(list_sink *sink) { sl_rows_free(&sink->rows); }

static inline void write_texts(list_sink *sink, uint32_t field) {
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

static inline sl_status list_flush(sl_rows *rows) {
    list_sink *sink = rows->owner;
    sl_duckdb_index need = sink->size + rows->count;
    if (need > sink->capacity) {
        sl_duckdb_index capacity = sink->capacity * 2 > need ? sink->capacity * 2 : need;
        if (capacity < sink->size + rows->expected) capacity = sink->size + rows->expected;
        if (sl_duckdb.list_vector_reserve(sink->list, capacity) != 0) return SL_ENOMEM;
        sink->capacity = capacity;
    }
    for (uint32_t f = 0; f < rows->columns; f++) {
        if (sink->result->fields[f].type == SL_TYPE_TEXT) {
            write_texts(sink, f);
            continue;
        }
        if (sink->result->fields[f].type == SL_TYPE_BOOLEAN) {
            uint8_t *bytes = (uint8_t *)sl_duckdb.vector_get_data(sink->vectors[f]) + sink->size;
            for (uint32_t i = 0; i < rows->count; i++) bytes[i] = rows->cells[(size_t)i * rows->columns + f].integer != 0;
            continue;
        }
        /* INTEGER, NATURAL, REAL and TIMESTAMP are 64-bit each. */
        int64_t *out = (int64_t *)sl_duckdb.vector_get_data(sink->vectors[f]) + sink->size;
        for (uint32_t i = 0; i < rows->count; i++) out[i] = rows->cells[(size_t)i * rows->columns + f].integer;
    }
    sink->size = need;
    rows->count = 0;
    sl_rows_reset(rows);
    return SL_OK;
}

#endif
