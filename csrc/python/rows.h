/* rows.h - the elements that a function finds in one text as an Arrow stream of record batches, made in the background.
 * Contract: no Python here. Texts are views into the text itself where they stand there unchanged, so it is kept until the
 * last batch is released. Batches may be released on any thread, with or without Python's lock. Fields are texts or numbers.
 * Source: Apache Arrow, "Columnar format", variable-size binary view layout. */
#ifndef SL_PYTHON_ROWS_H
#define SL_PYTHON_ROWS_H

#include "arrow.h"
#include "keys.h"

enum {
    SL_ROWS_BATCH = 2048,    /* rows of a batch where nobody says, a vector of DuckDB */
    SL_ROWS_SHARED = 8192,   /* and where all rows do not fill one of those that were asked for, so that threads share them */
    SL_ROWS_UNIT = 256,      /* what they have to be a multiple of */
    SL_ROWS_BATCH_MAX = 131072
};

typedef struct sl_made sl_made;

/* Starts to make them, up to `rows` a batch and with up to `threads` threads; with `key`, whose prefix has to stay, there is a last column `msg_key`,
 * and SL_EARG if the function cannot be made in parts. The options have to stay until sl_made_abandon has returned; the text
 * stays because of `hold`, which is given to drop() once nobody needs it any more, on whatever thread that is.
 * Where a function has parts, the text is read before this returns, and found to be UTF-8 if it is `unchecked`: SL_EUTF8.
 * One reference is the caller's. */
sl_status sl_made_start(const sl_function *function, const sl_options *options, sl_str text, const sl_row_key *key,
                        uint32_t rows, uint32_t threads, int unchecked, void *hold, void (*drop)(void *hold), sl_made **out);
/* Waits until there are `batches` of them or there will be no more; *count says how many there are. SL_EARG in a fork of
 * the process that makes them. */
sl_status sl_made_wait(sl_made *made, int64_t batches, int64_t *count);
/* The fields of what looks at such a text, of functions with parts; else NULL. */
const sl_cell *sl_made_look(const sl_made *made);
/* Rows of the batches that there are. */
int64_t sl_made_rows(sl_made *made);
/* Ends it, early if nobody else reads, and gives the caller's reference back. */
void sl_made_abandon(sl_made *made);

/* 0, or an errno value. Any number of streams, each from the first row on. */
int sl_made_export_schema(const sl_made *made, struct ArrowSchema *out);
int sl_made_export_stream(sl_made *made, struct ArrowArrayStream *out);

#endif
