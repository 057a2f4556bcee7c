/* made.h - what rows.c makes and rows_arrow.c hands out.
 * Contract: batches do not change once they are in the array; the array and the counters are read with the lock held. */
#ifndef SL_PYTHON_MADE_H
#define SL_PYTHON_MADE_H

#include "rows.h"
#include "thread.h"

#include <stdatomic.h>

enum {
    CELLS = SL_ROWS_UNIT,  /* elements that a kernel gives at a time */
    SLAB = 4 << 20,        /* bytes of memory at a time */
    VIEW = 16,
    VIEW_INLINE = 12,      /* bytes of a text that stands in its view */
    PIECE_BITS = 30,       /* places in a view have 31 bits: a longer text is several buffers, a gigabyte apart */
    PIECES_MAX = 4,
    BUFFERS_MAX = 2 + PIECES_MAX + 2,
    WORKERS_MAX = 8,
    FEW = 2 /* batches for which no second thread is started */
};

typedef struct batch_column {
    uint8_t *values;   /* views, or 8 bytes a number */
    uint8_t *validity; /* of texts */
    int64_t null_count;
    uint8_t *extra; /* texts that do not stand in the text like this */
    size_t extra_len, extra_cap;
} batch_column;

typedef struct batch {
    int64_t count;
    uint8_t (*keys)[SL_MD5_DIGEST]; /* NULL where none are wanted */
    batch_column columns[SL_FIELD_MAX];
} batch;

/* The first row with a key, from 1, and how many more have it. */
typedef struct seen {
    uint32_t row, more;
} seen;

struct sl_made {
    atomic_long references;
    const sl_function *function;
    const sl_options *options;
    sl_str text;
    void *hold;
    void (*drop)(void *hold);
    long process; /* the one in which the threads run: a fork has no such threads */
    /* With the lock held: */
    sl_lock lock;
    sl_signal more;
    int open, cancelled;
    uint32_t working; /* threads beside the one that started them */
    sl_status status;
    batch **batches; /* NULL for one that is not there yet */
    int64_t count, capacity; /* `count` of them, from the first one on, are there */
    void **slabs;
    size_t slab_count, slab_capacity;
    /* Where the function has parts: */
    const sl_parts *parts;
    void *state;
    uint32_t scans;
    sl_rows look;
    sl_cell look_cells[SL_FIELD_MAX];
    size_t total;
    size_t rows; /* of a batch */
    atomic_size_t next; /* the first row, or scan, that no worker has taken */
    int keyed;
    sl_row_key key;
    seen *seen; /* by their keys; a power of two of them, more than twice the rows */
    size_t seen_mask;
};

/* Buffers of a view that are pieces of the text; those of texts that do not stand in it follow. */
static inline uint32_t pieces_of(const sl_made *made) { return 1 + (made->text.len >> PIECE_BITS); }

/* Gives one reference back. */
void sl_made_release(sl_made *made);

#endif
