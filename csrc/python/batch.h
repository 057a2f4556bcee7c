/* batch.h - runs a kernel over many texts and gathers the results in columns, in the layout that Arrow has.
 * Contract: no Python here, so a caller may let go of Python's lock; a failed call leaves the batch fit to be freed.
 * Offsets are 64-bit until sl_batch_narrow; validity bitmaps exist only where a value is NULL. */
#ifndef SL_PYTHON_BATCH_H
#define SL_PYTHON_BATCH_H

#include "../streamliner.h"

enum { SL_FIELD_MAX = 8, SL_BATCH_BLOCK = 2048, SL_CELL_ROWS = 256 };

typedef struct sl_column {
    sl_type type;
    int64_t count, null_count;
    int64_t capacity;  /* of offsets, or of values in elements */
    int64_t *offsets;  /* of texts and lists: count + 1 */
    uint8_t *values;   /* bytes of texts, 8 bytes a number, 16 a UUID, 1 a boolean until sl_batch_pack */
    size_t len, cap;   /* of values, in bytes */
    uint8_t *validity; /* NULL while nothing is NULL */
    int64_t validity_capacity;
} sl_column;

/* column[0] is the result; the fields of a list's elements follow it. */
typedef struct sl_batch {
    const sl_function *function;
    sl_column columns[1 + SL_FIELD_MAX];
    /* Where not NULL, a row that equals its input is only marked here, and nothing is copied. Room for every row. */
    uint8_t *unchanged;
    int narrow; /* offsets are 32-bit now */
} sl_batch;

void sl_batch_init(sl_batch *batch, const sl_function *function);
void sl_batch_free(sl_batch *batch);
/* Forgets the rows and keeps the memory. */
void sl_batch_reset(sl_batch *batch);
/* Room for `rows` more rows, and for `bytes` more bytes where the result is a text. */
sl_status sl_batch_reserve(sl_batch *batch, int64_t rows, size_t bytes);

/* Appends the results of `count` texts; ptr == NULL is a NULL and gives a NULL. Bytes are checked unless `checked` says
 * that they are known to be UTF-8. On an error, *failed is the index of the text. */
sl_status sl_batch_run(sl_batch *batch, const sl_options *options, const sl_str *texts, int64_t count, int checked,
                       int64_t *failed);
sl_status sl_batch_nulls(sl_batch *batch, int64_t count);
/* The same for functions of two texts; a NULL on either side gives a NULL. */
sl_status sl_batch_run_pairs(sl_batch *batch, const sl_options *options, const sl_str *a, const sl_str *b, int64_t count,
                             int checked, int64_t *failed);
/* The same for functions of one list of numbers or of two; `b` is NULL for one. `error` says what was wrong with a row. */
sl_status sl_batch_run_numbers(sl_batch *batch, const sl_options *options, const sl_numbers *a, const sl_numbers *b,
                               int64_t count, int64_t *failed, sl_error *error);

/* Turns all offsets into 32-bit ones; SL_ERANGE, and no change, if one does not fit. */
sl_status sl_batch_narrow(sl_batch *batch);
/* Turns booleans from bytes into the bits that Arrow has. Called once, when all rows are there. */
void sl_batch_pack(sl_batch *batch);

static inline int sl_column_valid(const sl_column *column, int64_t i) {
    return !column->validity || (column->validity[i >> 3] >> (i & 7) & 1);
}
static inline sl_str sl_column_text(const sl_column *column, int64_t i) {
    return (sl_str){(const char *)column->values + column->offsets[i],
                    (uint32_t)(column->offsets[i + 1] - column->offsets[i])};
}

#endif
