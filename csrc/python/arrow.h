/* arrow.h - columns in and out by the Arrow C data interface.
 * Contract: no Python here. What is exported keeps the results alive by a count of its own, so that a consumer may
 * release it on any thread, with or without Python's lock.
 * Source: Apache Arrow, "The Arrow C data interface" and "The Arrow C stream interface". */
#ifndef SL_PYTHON_ARROW_H
#define SL_PYTHON_ARROW_H

#include "batch.h"

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

/* ---- in --------------------------------------------------------------------------------------------------------- */

typedef enum sl_arrow_kind {
    SL_ARROW_TEXT,       /* 32-bit offsets */
    SL_ARROW_LARGE_TEXT, /* 64-bit offsets */
    SL_ARROW_TEXT_VIEW,
    SL_ARROW_NULL,
    SL_ARROW_OTHER
} sl_arrow_kind;

/* What a schema says: text, or a struct of one text (a record batch of one column), which sets *in_struct. */
sl_arrow_kind sl_arrow_kind_of(const struct ArrowSchema *schema, int *in_struct);
/* Texts of rows [from, from + count); NULL rows have ptr == NULL. SL_ERANGE for a text above SL_TEXT_MAX. */
sl_status sl_arrow_read(const struct ArrowArray *array, sl_arrow_kind kind, int in_struct, int64_t from, int64_t count,
                        sl_str *out);
/* The same for a column of lists of 64-bit numbers, or a struct of one such column. */
typedef enum sl_arrow_lists {
    SL_ARROW_LIST,
    SL_ARROW_LARGE_LIST,
    SL_ARROW_FIXED_LIST,
    SL_ARROW_NULL_LIST,
    SL_ARROW_NO_LIST
} sl_arrow_lists;
/* `naturals`: the numbers are unsigned. *width is set for lists of fixed length. */
sl_arrow_lists sl_arrow_lists_of(const struct ArrowSchema *schema, int naturals, int *in_struct, int64_t *width);
/* A list that is NULL, or holds a NULL, has ptr == NULL. */
sl_status sl_arrow_read_lists(const struct ArrowArray *array, sl_arrow_lists kind, int in_struct, int64_t width,
                              int64_t from, int64_t count, sl_numbers *out);
/* Bytes of all texts, as far as the array tells without being read. */
size_t sl_arrow_bytes(const struct ArrowArray *array, sl_arrow_kind kind, int in_struct);

/* ---- out -------------------------------------------------------------------------------------------------------- */

/* Results of one call, a batch a chunk. Shared by all that is exported from it. */
typedef struct sl_shared sl_shared;

/* Owns one reference; fill the batches (from sl_shared_add) before anything is exported. */
sl_shared *sl_shared_new(const sl_function *function);
/* One more batch; NULL if out of memory. Valid until the next call of this function. */
sl_batch *sl_shared_add(sl_shared *shared);
sl_batch *sl_shared_batch(const sl_shared *shared, int64_t chunk);
int64_t sl_shared_count(const sl_shared *shared);
sl_status sl_shared_narrow(sl_shared *shared);
/* Called once, before anything is exported. */
void sl_shared_pack(sl_shared *shared);
void sl_shared_release(sl_shared *shared);

/* Metadata that makes 16 bytes a UUID. */
extern const char *const sl_arrow_uuid;

/* A nullable schema with room for `children`, at most SL_FIELD_MAX, which are released with it. The two texts have to stay.
 * 0, or an errno value. */
int sl_arrow_start_schema(struct ArrowSchema *out, const char *format, const char *name, uint32_t children);
/* A column's type. 0, or an errno value. */
int sl_arrow_export_schema(const sl_shared *shared, struct ArrowSchema *out);
/* The whole of one chunk. */
int sl_arrow_export_chunk(sl_shared *shared, int64_t chunk, struct ArrowArray *out);
/* All chunks. */
int sl_arrow_export_stream(sl_shared *shared, struct ArrowArrayStream *out);

#endif
