/* heap.h - writing the texts of an output vector.
 * Contract: the texts share a few segments that DuckDB owns and are written in place, which costs half of one assignment
 * a row and needs nothing but stable slots; nobody checks what is written, so it must be UTF-8.
 * Rows up to 12 bytes are written into the vector itself, zero padded. */
#ifndef SL_DUCKDB_HEAP_H
#define SL_DUCKDB_HEAP_H

#include "abi.h"

#include <stdlib.h>

enum { SEGMENT_MAX = SL_DUCKDB_ZEROS };

/* The place where the texts of one vector go. */
typedef struct heap {
    sl_duckdb_handle vector;
    sl_duckdb_string *rows;
    sl_duckdb_index row; /* the row being written */
    char *next, *end;    /* free bytes of the current segment */
    size_t ahead;        /* bytes that the rows to come will need, as far as one can tell */
    char *spill;         /* a text longer than a segment grows here first */
} heap;

static inline void heap_segment(heap *h, size_t need) {
    size_t size = need > h->ahead ? need : h->ahead;
    if (size > SEGMENT_MAX) size = need > SEGMENT_MAX ? need : SEGMENT_MAX;
    if (size < 1024) size = 1024;
    sl_duckdb.assign_trusted(h->vector, h->row, sl_duckdb_zeros, size);
    h->next = (char *)(uintptr_t)h->rows[h->row].pointer.ptr;
    h->end = h->next + size;
}

static inline void heap_free(heap *h) { free(h->spill); }

/* sl_buf.grow of a buffer that writes straight into a segment. */
static inline sl_status heap_grow(sl_buf *buf, size_t extra) {
    heap *h = buf->owner;
    if (extra > SL_TEXT_MAX - buf->len) return SL_ERANGE;
    size_t need = buf->len + extra;
    if (buf->ptr && buf->ptr != h->next) { /* spilled already */
        size_t cap = buf->cap + buf->cap / 2;
        if (cap < need) cap = need;
        char *ptr = realloc(h->spill, cap);
        if (!ptr) return SL_ENOMEM;
        buf->ptr = h->spill = ptr;
        buf->cap = cap;
        return SL_OK;
    }
    if (need + need / 4 > SEGMENT_MAX) {
        size_t cap = need + need / 2;
        char *ptr = realloc(h->spill, cap);
        if (!ptr) return SL_ENOMEM;
        if (buf->len) memcpy(ptr, buf->ptr, buf->len);
        buf->ptr = h->spill = ptr;
        buf->cap = cap;
        return SL_OK;
    }
    const char *old = buf->ptr;
    heap_segment(h, need + need / 4);
    if (buf->len) memcpy(h->next, old, buf->len);
    buf->ptr = h->next;
    buf->cap = (size_t)(h->end - h->next);
    return SL_OK;
}

static inline void write_inlined(sl_duckdb_string *out, const char *ptr, size_t len) {
    sl_duckdb_string value = {.words = {0, 0}};
    value.inlined.length = (uint32_t)len;
    if (len) memcpy(value.inlined.bytes, ptr, len);
    *out = value;
}

static inline void write_pointer(sl_duckdb_string *out, const char *ptr, size_t len) {
    sl_duckdb_string value;
    value.pointer.length = (uint32_t)len;
    memcpy(value.pointer.prefix, ptr, 4);
    value.pointer.ptr = ptr;
    *out = value;
}

/* A row that equals `source` and whose text is in a segment: length and first bytes are as they were. */
static inline void heap_point(heap *h, sl_duckdb_index row, const sl_duckdb_string *source, const char *ptr) {
    h->rows[row] = *source;
    if (SL_LIKELY(source->inlined.length > SL_DUCKDB_INLINE)) h->rows[row].pointer.ptr = ptr;
}

/* Copies the texts of several rows at once, `len` bytes below SEGMENT_MAX; the rows are pointed there afterwards. */
static inline const char *heap_block(heap *h, const char *ptr, size_t len) {
    if (SL_UNLIKELY((size_t)(h->end - h->next) < len)) heap_segment(h, len);
    char *copy = h->next;
    if (len) memcpy(copy, ptr, len);
    h->next += len;
    return copy;
}

/* A copy of len bytes for the current row. */
static inline void heap_copy(heap *h, const char *ptr, size_t len) {
    sl_duckdb_string *out = &h->rows[h->row];
    if (len <= SL_DUCKDB_INLINE) {
        write_inlined(out, ptr, len);
        return;
    }
    if (SL_UNLIKELY((size_t)(h->end - h->next) < len)) {
        if (len > SEGMENT_MAX) {
            sl_duckdb.assign_trusted(h->vector, h->row, ptr, len);
            return;
        }
        heap_segment(h, len);
    }
    memcpy(h->next, ptr, len);
    write_pointer(out, h->next, len);
    h->next += len;
}

/* What a kernel wrote into `buf` becomes the current row. */
static inline void heap_take(heap *h, const sl_buf *buf) {
    sl_duckdb_string *out = &h->rows[h->row];
    if (buf->len <= SL_DUCKDB_INLINE) {
        write_inlined(out, buf->ptr, buf->len);
    } else if (SL_LIKELY(buf->ptr == h->next)) {
        write_pointer(out, buf->ptr, buf->len);
        h->next += buf->len;
    } else {
        sl_duckdb.assign_trusted(h->vector, h->row, buf->ptr, buf->len);
    }
}

#endif
