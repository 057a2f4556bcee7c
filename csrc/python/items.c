/* items.c - the scanner of items.h.
 * Contract: every byte is read a fixed number of times, whatever it is; depth costs no memory. */
#include "items.h"

#include "../kernels/simd.h"
#include "../kernels/utf8.h"
#include "json.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { NULLABLE = 2 }; /* a flag of a schema */

/* Behind the string whose first quote is at p, or NULL. *dirty is set if something in it needs a repair. */
static const char *skip_string(const char *p, const char *end, int *dirty) {
    for (p++; p < end;) {
        if (end - p >= 16) {
            sl_v16 v = sl_v16_load(p);
            sl_v16 stop = sl_v16_or(sl_v16_eq(v, sl_v16_fill('"')), sl_v16_eq(v, sl_v16_fill('\\')));
            uint32_t found = sl_v16_mask(sl_v16_or(stop, sl_v16_range(v, 0, 0x1F)));
            if (!found) {
                p += 16;
                continue;
            }
            p += sl_first_bit(found);
        }
        if (*p == '"') return p + 1;
        if (*p == '\\') {
            if (end - p < 2) return NULL;
            *dirty |= p[1] == 'x';
            p += 2;
            continue;
        }
        *dirty |= (unsigned char)*p < 0x20;
        p++;
    }
    return NULL;
}

/* Behind the value at p, or NULL if it does not end. */
static const char *skip_value(const char *p, const char *end, int *dirty) {
    if (p == end) return NULL;
    if (*p == '"') return skip_string(p, end, dirty);
    if (*p != '{' && *p != '[') {
        const char *start = p;
        while (p < end && !strchr(",]} \n\r\t:\"[{", *p)) p++;
        /* A number at the end of a document may have gone on. */
        return p == end || p == start ? NULL : p;
    }
    uint64_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            if (!(p = skip_string(p, end, dirty))) return NULL;
            continue;
        }
        if (end - p >= 16) {
            sl_v16 v = sl_v16_load(p), lower = sl_v16_or(v, sl_v16_fill(0x20));
            /* [ ] and { } differ in one bit: 0x5B, 0x5D, 0x7B, 0x7D. */
            sl_v16 stop = sl_v16_or(sl_v16_eq(lower, sl_v16_fill('{')), sl_v16_eq(lower, sl_v16_fill('}')));
            uint32_t found = sl_v16_mask(sl_v16_or(stop, sl_v16_eq(v, sl_v16_fill('"'))));
            if (!found) {
                p += 16;
                continue;
            }
            p += sl_first_bit(found);
            if (*p == '"') continue;
        }
        if (*p == '{' || *p == '[') depth++;
        if ((*p == '}' || *p == ']') && --depth == 0) return p + 1;
        p++;
    }
    return NULL;
}

void sl_items_init(sl_items *items, const char *ptr, size_t len, const sl_items_step *steps, uint32_t count) {
    memset(items, 0, sizeof(*items));
    if (len >= 3 && !memcmp(ptr, "\xEF\xBB\xBF", 3)) ptr += 3, len -= 3;
    items->start = items->p = ptr;
    items->end = ptr + len;
    memcpy(items->steps, steps, count * sizeof(*steps));
    items->step_count = count;
    items->header = SL_BUF_HEAP;
}

void sl_items_free(sl_items *items) { sl_buf_free(&items->header); }

static int stop(sl_items *items, int truncated) {
    items->p = sl_json_space(items->p, items->end);
    items->truncated = truncated;
    items->followed = !truncated && items->p < items->end;
    items->done = 1;
    return 0;
}

/* Goes into the container at p; anything else is passed over. 0 if the document ends there. */
static int enter(sl_items *items, uint32_t step) {
    int ignored = 0;
    if (items->p == items->end) return 0;
    char c = *items->p;
    char kind = step == items->step_count ? (c == '[' ? 'i' : 0) : items->steps[step].any ? (c == '[' ? '[' : 0)
                                                                                          : (c == '{' ? '{' : 0);
    if (!kind) {
        const char *behind = skip_value(items->p, items->end, &ignored);
        if (!behind) return 0;
        items->p = behind;
        return 1;
    }
    items->frames[items->depth].kind = kind;
    items->frames[items->depth++].step = step;
    items->p++;
    if (kind == '{' && step + 1 == items->step_count) items->header.len = 0;
    return 1;
}

static int is_named(const sl_items_step *step, const char *key, size_t len) {
    for (uint32_t i = 0; i < step->count; i++)
        if (step->names[i].len == len && !memcmp(step->names[i].ptr, key, len)) return 1;
    return 0;
}

/* One member of an object: into the value that the step names; others next to the elements are kept in the header. */
static int member(sl_items *items, uint32_t step) {
    int dirty = 0;
    const char *key = items->p, *behind;
    if (*key != '"' || !(behind = skip_string(key, items->end, &dirty))) return 0;
    size_t len = (size_t)(behind - key - 2);
    const char *value = sl_json_space(behind, items->end);
    if (value == items->end || *value != ':') return 0;
    items->p = value = sl_json_space(value + 1, items->end);
    if (is_named(&items->steps[step], key + 1, len)) return enter(items, step + 1);
    if (!(behind = skip_value(value, items->end, &dirty))) return 0;
    items->p = behind;
    size_t size = (size_t)(behind - key);
    if (step + 1 == items->step_count && items->header.len + size < SL_ITEMS_HEADER) {
        if (items->header.len && sl_buf_append(&items->header, ",", 1) > SL_OK) return 1;
        (void)(dirty ? sl_json_mend(&items->header, key, behind) : sl_buf_append(&items->header, key, size));
    }
    return 1;
}

int sl_items_next(sl_items *items, sl_str *item, int *dirty) {
    if (items->done) return 0;
    if (!items->begun) {
        items->begun = 1;
        items->p = sl_json_space(items->p, items->end);
        if (!enter(items, 0) || !items->depth) return stop(items, items->p == items->end);
    }
    while (items->depth) {
        char kind = items->frames[items->depth - 1].kind;
        uint32_t step = items->frames[items->depth - 1].step;
        items->p = sl_json_space(items->p, items->end);
        if (items->p < items->end && *items->p == ',') items->p = sl_json_space(items->p + 1, items->end);
        if (items->p == items->end) return stop(items, 1);
        if (*items->p == (kind == '{' ? '}' : ']')) {
            items->p++;
            items->depth--;
            continue;
        }
        if (kind == 'i') {
            const char *start = items->p, *behind;
            *dirty = 0;
            if (!(behind = skip_value(start, items->end, dirty)) || (size_t)(behind - start) > SL_TEXT_MAX)
                return stop(items, 1);
            items->p = behind;
            *item = (sl_str){start, (uint32_t)(behind - start)};
            items->count++;
            return 1;
        }
        if (!(kind == '{' ? member(items, step) : enter(items, step + 1))) return stop(items, 1);
    }
    return stop(items, 0);
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

/* Batches whose memory is used again, because touching fresh memory costs as much as filling it. None has many more than
 * BATCH_BYTES: DuckDB's memory_limit knows nothing of them. */
enum { SPARE = 4, BATCH_BYTES = 32 << 20, LOOK_EVERY = 64, LARGE_ITEM = 1 << 18 };
typedef struct item_pool {
    atomic_int references; /* of the stream, and of batches that somebody reads */
    _Atomic(struct item_batch *) spare[SPARE];
} item_pool;

/* Shared by the struct and its columns, which a reader may take apart. */
typedef struct item_batch {
    atomic_int references;
    item_pool *pool;
    int columns;
    int64_t *places;
    sl_texts texts[SL_ITEMS_COLUMNS];
    const void *buffers[SL_ITEMS_COLUMNS][3], *none[1];
    struct ArrowArray arrays[SL_ITEMS_COLUMNS], *pointers[SL_ITEMS_COLUMNS];
} item_batch;

static void batch_free(item_batch *batch) {
    for (int c = 0; batch && c < batch->columns; c++) sl_texts_free(&batch->texts[c]);
    if (batch) free(batch->places);
    free(batch);
}

static void pool_empty(item_pool *pool) {
    for (int i = 0; i < SPARE; i++) batch_free(atomic_exchange(&pool->spare[i], NULL));
}

static void pool_release(item_pool *pool) {
    if (atomic_fetch_sub(&pool->references, 1) != 1) return;
    pool_empty(pool);
    free(pool);
}

/* Bytes of its texts; `room`: those that they could have. */
static size_t batch_bytes(const item_batch *batch, int room) {
    size_t sum = 0;
    for (int c = 0; c < batch->columns; c++) sum += room ? batch->texts[c].bytes.cap : batch->texts[c].bytes.len;
    return sum;
}

static void batch_release(item_batch *batch) {
    if (atomic_fetch_sub(&batch->references, 1) != 1) return;
    item_pool *pool = batch->pool;
    int keep = batch_bytes(batch, 1) <= 3 * (size_t)BATCH_BYTES;
    for (int i = 0; i < SPARE && batch && keep; i++) {
        item_batch *none = NULL;
        if (atomic_compare_exchange_strong(&pool->spare[i], &none, batch)) batch = NULL;
    }
    batch_free(batch);
    pool_release(pool);
}

static void release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    batch_release(array->private_data);
    array->release = NULL;
}

typedef struct item_stream {
    sl_items own, *result; /* where the counts go, for whoever asks afterwards */
    item_pool *pool;
    int owners, mapped;
    const char *left; /* where the pages begin that have not left memory */
    const sl_json_fields *fields;
    const char *const *names; /* of the fields */
    int64_t rows;
    void *hold;
    void (*drop)(void *);
    sl_buf owner; /* the header as an object */
} item_stream;

/* Columns of text; with fields there is a column of numbers besides, the place. */
static int text_columns(const item_stream *stream) {
    return stream->fields ? (int)stream->fields->count + 1 : 1 + (stream->owners != 0);
}

typedef struct item_schema {
    struct ArrowSchema schemas[SL_ITEMS_COLUMNS], *pointers[SL_ITEMS_COLUMNS];
} item_schema;

static void release_child(struct ArrowSchema *schema) { schema->release = NULL; }

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    free(schema->private_data);
    schema->release = NULL;
}

static const char *name_of(const item_stream *stream, int column) {
    if (!stream->fields) return column ? "owner" : "item";
    int fields = (int)stream->fields->count;
    return column < fields ? stream->names[column] : column == fields ? "broken" : "place";
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    const item_stream *stream = self->private_data;
    item_schema *own = calloc(1, sizeof(*own));
    if (!own) return ENOMEM;
    int texts = text_columns(stream), columns = texts + (stream->fields != NULL);
    for (int c = 0; c < columns; c++) {
        own->pointers[c] = &own->schemas[c];
        own->schemas[c] = (struct ArrowSchema){.format = c < texts ? "U" : "l",
                                               .name = name_of(stream, c),
                                               .flags = stream->fields && c < texts ? NULLABLE : 0,
                                               .release = release_child};
    }
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = columns,
                                .children = own->pointers,
                                .release = release_schema,
                                .private_data = own};
    return 0;
}

static sl_status append_text(sl_texts *texts, int64_t row, sl_str text, int mend) {
    texts->valid[row / 8] |= (uint8_t)(1u << row % 8);
    SL_TRY(mend ? sl_json_mend(&texts->bytes, text.ptr, text.ptr + text.len)
                : sl_buf_append(&texts->bytes, text.ptr, text.len));
    texts->offsets[row + 1] = (int64_t)texts->bytes.len;
    return SL_OK;
}

/* The header as an object. */
static sl_status read_owner(item_stream *stream, sl_str *owner) {
    const sl_buf *header = &stream->own.header;
    stream->owner.len = 0;
    SL_TRY(sl_buf_append(&stream->owner, "{", 1));
    SL_TRY(sl_buf_append(&stream->owner, header->ptr, header->len));
    SL_TRY(sl_buf_append(&stream->owner, "}", 1));
    *owner = (sl_str){stream->owner.ptr, (uint32_t)stream->owner.len};
    return SL_OK;
}

static sl_status append_row(item_stream *stream, item_batch *batch, int64_t row, sl_str item, int dirty) {
    sl_str owner = {"{}", 2};
    if (stream->owners) SL_TRY(read_owner(stream, &owner));
    if (stream->fields) {
        batch->places[row] = (int64_t)stream->own.count - 1;
        SL_TRY(sl_fields_read(stream->fields, item, owner, batch->texts, row, &dirty));
        stream->own.repaired += dirty != 0;
        return SL_OK;
    }
    dirty = dirty || !sl_utf8_valid(item.ptr, item.len);
    stream->own.repaired += dirty != 0;
    SL_TRY(append_text(&batch->texts[0], row, item, dirty));
    if (stream->owners) SL_TRY(append_text(&batch->texts[1], row, owner, !sl_utf8_valid(owner.ptr, owner.len)));
    return SL_OK;
}

/* A batch that is read by nobody any more, or a new one; NULL where there is no memory. */
static item_batch *batch_start(item_stream *stream) {
    item_batch *batch = NULL;
    for (int i = 0; i < SPARE && !batch; i++) batch = atomic_exchange(&stream->pool->spare[i], NULL);
    if (!batch && !(batch = calloc(1, sizeof(*batch)))) return NULL;
    batch->columns = text_columns(stream);
    batch->pool = stream->pool;
    atomic_init(&batch->references, 1);
    atomic_fetch_add(&stream->pool->references, 1);
    return batch;
}

static sl_status texts_start(sl_texts *texts, int64_t rows) {
    if (!texts->offsets || !texts->valid) {
        sl_texts_free(texts);
        return sl_texts_init(texts, rows);
    }
    texts->bytes.len = 0;
    memset(texts->valid, 0, (size_t)rows / 8 + 1);
    return SL_OK;
}

static sl_status fill(item_stream *stream, item_batch *batch, int64_t *count) {
    sl_str item;
    int dirty = 0;
    for (int c = 0; c < batch->columns; c++) SL_TRY(texts_start(&batch->texts[c], stream->rows));
    if (stream->fields && !batch->places && !(batch->places = calloc((size_t)stream->rows, sizeof(int64_t))))
        return SL_ENOMEM;
    for (*count = 0; *count < stream->rows && sl_items_next(&stream->own, &item, &dirty);) {
        SL_TRY(append_row(stream, batch, *count, item, dirty));
        ++*count;
        if ((*count % LOOK_EVERY == 0 || item.len > LARGE_ITEM) && batch_bytes(batch, 0) > BATCH_BYTES) break;
    }
    return SL_OK;
}

static void export_column(item_batch *batch, int c, int64_t count) {
    int text = c < batch->columns;
    batch->buffers[c][0] = text ? batch->texts[c].valid : NULL;
    batch->buffers[c][1] = text ? (const void *)batch->texts[c].offsets : batch->places;
    batch->buffers[c][2] = text ? batch->texts[c].bytes.ptr : NULL;
    batch->pointers[c] = &batch->arrays[c];
    batch->arrays[c] = (struct ArrowArray){.length = count,
                                           .null_count = text ? -1 : 0,
                                           .n_buffers = text ? 3 : 2,
                                           .buffers = batch->buffers[c],
                                           .release = release_array,
                                           .private_data = batch};
    atomic_fetch_add(&batch->references, 1);
}

static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    item_stream *stream = self->private_data;
    out->release = NULL;
    item_batch *batch = batch_start(stream);
    if (!batch) return ENOMEM;
    int64_t count = 0;
    int failed = fill(stream, batch, &count) > SL_OK;
    if (stream->mapped) {
        sl_pages_leave(stream->left, stream->own.p);
        stream->left = stream->own.p;
    }
    sl_items *result = stream->result;
    result->count = stream->own.count;
    result->repaired = stream->own.repaired;
    result->truncated = stream->own.truncated;
    result->followed = stream->own.followed;
    result->p = stream->own.p;
    result->done = stream->own.done;
    if (failed || !count) {
        batch_release(batch);
        return failed ? ENOMEM : 0;
    }
    int columns = batch->columns + (stream->fields != NULL);
    for (int c = 0; c < columns; c++) export_column(batch, c, count);
    *out = (struct ArrowArray){.length = count,
                               .n_buffers = 1,
                               .n_children = columns,
                               .buffers = batch->none,
                               .children = batch->pointers,
                               .release = release_array,
                               .private_data = batch};
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *self) {
    (void)self;
    return sl_status_text(SL_ENOMEM);
}

static void stream_release(struct ArrowArrayStream *self) {
    item_stream *stream = self->private_data;
    sl_items_free(&stream->own);
    sl_buf_free(&stream->owner);
    pool_empty(stream->pool);
    pool_release(stream->pool);
    if (stream->drop) stream->drop(stream->hold);
    free(stream);
    self->release = NULL;
}

int sl_items_stream(const sl_items *items, const sl_items_output *output, sl_items *result, void *hold,
                    void (*drop)(void *), struct ArrowArrayStream *out) {
    item_stream *stream = calloc(1, sizeof(*stream));
    item_pool *pool = calloc(1, sizeof(*pool));
    if (!stream || !pool) {
        free(stream);
        free(pool);
        return ENOMEM;
    }
    atomic_init(&pool->references, 1);
    stream->pool = pool;
    sl_items_init(&stream->own, items->start, (size_t)(items->end - items->start), items->steps, items->step_count);
    stream->result = result;
    stream->owners = output->owners;
    stream->mapped = output->mapped;
    stream->left = stream->own.start;
    stream->fields = output->fields;
    stream->names = output->names;
    stream->rows = output->rows;
    stream->hold = hold;
    stream->drop = drop;
    stream->owner = SL_BUF_HEAP;
    *out = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, stream_release, stream};
    return 0;
}
