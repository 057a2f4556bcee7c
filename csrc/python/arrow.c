/* arrow.c - the Arrow C data interface: reading columns of text or of lists of numbers, and exporting batches without a copy.
 * Contract: every exported struct is released on its own; the shared results go with the last of them. */
#include "arrow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ---- in --------------------------------------------------------------------------------------------------------- */

sl_arrow_kind sl_arrow_kind_of(const struct ArrowSchema *schema, int *in_struct) {
    *in_struct = strcmp(schema->format, "+s") == 0 && schema->n_children == 1;
    if (*in_struct) schema = schema->children[0];
    if (schema->dictionary) return SL_ARROW_OTHER;
    if (strcmp(schema->format, "u") == 0) return SL_ARROW_TEXT;
    if (strcmp(schema->format, "U") == 0) return SL_ARROW_LARGE_TEXT;
    if (strcmp(schema->format, "vu") == 0) return SL_ARROW_TEXT_VIEW;
    if (strcmp(schema->format, "n") == 0) return SL_ARROW_NULL;
    return SL_ARROW_OTHER;
}

static int bit(const uint8_t *bits, int64_t i) { return !bits || (bits[i >> 3] >> (i & 7) & 1); }

/* A view: length, then up to 12 bytes, or four of them, the number of a buffer and the place in it. */
static sl_str read_view(const struct ArrowArray *array, int64_t i) {
    const char *view = (const char *)array->buffers[1] + 16 * i;
    int32_t parts[4];
    memcpy(parts, view, 16);
    if (parts[0] <= 12) return (sl_str){view + 4, (uint32_t)parts[0]};
    return (sl_str){(const char *)array->buffers[2 + parts[2]] + parts[3], (uint32_t)parts[0]};
}

static sl_status read_one(const struct ArrowArray *array, sl_arrow_kind kind, int64_t i, sl_str *out) {
    if (kind == SL_ARROW_TEXT_VIEW) {
        *out = read_view(array, i);
        return SL_OK;
    }
    const char *bytes = array->buffers[2];
    int64_t start, end;
    if (kind == SL_ARROW_TEXT) {
        const int32_t *offsets = array->buffers[1];
        start = offsets[i];
        end = offsets[i + 1];
    } else {
        const int64_t *offsets = array->buffers[1];
        start = offsets[i];
        end = offsets[i + 1];
    }
    if (end - start > (int64_t)SL_TEXT_MAX) return SL_ERANGE;
    /* An array of empty texts may have no bytes at all, but a NULL pointer would mean NULL. */
    *out = (sl_str){bytes ? bytes + start : "", (uint32_t)(end - start)};
    return SL_OK;
}

sl_status sl_arrow_read(const struct ArrowArray *array, sl_arrow_kind kind, int in_struct, int64_t from, int64_t count,
                        sl_str *out) {
    const uint8_t *outer = in_struct && array->n_buffers ? array->buffers[0] : NULL;
    int64_t outer_at = array->offset + from;
    int64_t at = from + (in_struct ? array->offset + array->children[0]->offset : array->offset);
    const struct ArrowArray *texts = in_struct ? array->children[0] : array;
    const uint8_t *valid = kind == SL_ARROW_NULL ? NULL : texts->buffers[0];
    for (int64_t i = 0; i < count; i++) {
        if (kind == SL_ARROW_NULL || !bit(outer, outer_at + i) || !bit(valid, at + i))
            out[i] = (sl_str){NULL, 0};
        else
            SL_TRY(read_one(texts, kind, at + i, &out[i]));
    }
    return SL_OK;
}

sl_arrow_lists sl_arrow_lists_of(const struct ArrowSchema *schema, int naturals, int *in_struct, int64_t *width) {
    *in_struct = strcmp(schema->format, "+s") == 0 && schema->n_children == 1;
    if (*in_struct) schema = schema->children[0];
    if (strcmp(schema->format, "n") == 0) return SL_ARROW_NULL_LIST;
    if (schema->dictionary || schema->n_children != 1) return SL_ARROW_NO_LIST;
    if (strcmp(schema->children[0]->format, naturals ? "L" : "l") != 0) return SL_ARROW_NO_LIST;
    if (schema->children[0]->dictionary) return SL_ARROW_NO_LIST;
    if (strcmp(schema->format, "+l") == 0) return SL_ARROW_LIST;
    if (strcmp(schema->format, "+L") == 0) return SL_ARROW_LARGE_LIST;
    if (strncmp(schema->format, "+w:", 3) != 0) return SL_ARROW_NO_LIST;
    *width = strtoll(schema->format + 3, NULL, 10);
    return *width >= 0 && *width <= UINT32_MAX ? SL_ARROW_FIXED_LIST : SL_ARROW_NO_LIST;
}

static sl_status read_list(const struct ArrowArray *lists, sl_arrow_lists kind, int64_t width, int64_t i,
                           sl_numbers *out) {
    static const int64_t none;
    const struct ArrowArray *numbers = lists->children[0];
    int64_t start, end;
    if (kind == SL_ARROW_FIXED_LIST) {
        start = i * width;
        end = start + width;
    } else if (kind == SL_ARROW_LIST) {
        const int32_t *offsets = lists->buffers[1];
        start = offsets[i];
        end = offsets[i + 1];
    } else {
        const int64_t *offsets = lists->buffers[1];
        start = offsets[i];
        end = offsets[i + 1];
    }
    start += numbers->offset;
    end += numbers->offset;
    if (end - start > (int64_t)UINT32_MAX) return SL_ERANGE;
    *out = (sl_numbers){NULL, (uint32_t)(end - start)};
    const uint8_t *valid = numbers->null_count ? numbers->buffers[0] : NULL;
    for (int64_t n = start; valid && n < end; n++)
        if (!bit(valid, n)) return SL_OK;
    const int64_t *values = numbers->buffers[1];
    out->ptr = end > start ? values + start : &none;
    return SL_OK;
}

sl_status sl_arrow_read_lists(const struct ArrowArray *array, sl_arrow_lists kind, int in_struct, int64_t width,
                              int64_t from, int64_t count, sl_numbers *out) {
    const uint8_t *outer = in_struct && array->n_buffers ? array->buffers[0] : NULL;
    int64_t outer_at = array->offset + from;
    int64_t at = from + (in_struct ? array->offset + array->children[0]->offset : array->offset);
    const struct ArrowArray *lists = in_struct ? array->children[0] : array;
    const uint8_t *valid = kind == SL_ARROW_NULL_LIST ? NULL : lists->buffers[0];
    for (int64_t i = 0; i < count; i++) {
        if (kind == SL_ARROW_NULL_LIST || !bit(outer, outer_at + i) || !bit(valid, at + i))
            out[i] = (sl_numbers){NULL, 0};
        else
            SL_TRY(read_list(lists, kind, width, at + i, &out[i]));
    }
    return SL_OK;
}

size_t sl_arrow_bytes(const struct ArrowArray *array, sl_arrow_kind kind, int in_struct) {
    const struct ArrowArray *texts = in_struct ? array->children[0] : array;
    int64_t from = texts->offset + (in_struct ? array->offset : 0), to = from + array->length;
    if (array->length == 0 || kind == SL_ARROW_NULL || kind == SL_ARROW_OTHER) return 0;
    if (kind == SL_ARROW_TEXT) {
        const int32_t *offsets = texts->buffers[1];
        return (size_t)(offsets[to] - offsets[from]);
    }
    if (kind == SL_ARROW_LARGE_TEXT) {
        const int64_t *offsets = texts->buffers[1];
        return (size_t)(offsets[to] - offsets[from]);
    }
    /* Many views may share bytes, so their lengths say little. */
    const int64_t *sizes = texts->buffers[texts->n_buffers - 1];
    size_t bytes = 12 * (size_t)(to - from);
    for (int64_t b = 0; b < texts->n_buffers - 3; b++) bytes += (size_t)sizes[b];
    return bytes;
}

/* ---- shared results ---------------------------------------------------------------------------------------------- */

struct sl_shared {
    atomic_long references;
    const sl_function *function;
    sl_batch *batches;
    int64_t count, capacity;
    int narrow;
};

sl_shared *sl_shared_new(const sl_function *function) {
    sl_shared *shared = calloc(1, sizeof(*shared));
    if (!shared) return NULL;
    atomic_init(&shared->references, 1);
    shared->function = function;
    return shared;
}

sl_batch *sl_shared_add(sl_shared *shared) {
    if (shared->count == shared->capacity) {
        int64_t capacity = shared->capacity ? shared->capacity * 2 : 1;
        sl_batch *batches = realloc(shared->batches, (size_t)capacity * sizeof(*batches));
        if (!batches) return NULL;
        shared->batches = batches;
        shared->capacity = capacity;
    }
    sl_batch *batch = &shared->batches[shared->count++];
    sl_batch_init(batch, shared->function);
    return batch;
}

sl_batch *sl_shared_batch(const sl_shared *shared, int64_t chunk) { return &shared->batches[chunk]; }
int64_t sl_shared_count(const sl_shared *shared) { return shared->count; }

sl_status sl_shared_narrow(sl_shared *shared) {
    for (int64_t i = 0; i < shared->count; i++) SL_TRY(sl_batch_narrow(&shared->batches[i]));
    shared->narrow = 1;
    return SL_OK;
}

void sl_shared_pack(sl_shared *shared) {
    for (int64_t i = 0; i < shared->count; i++) sl_batch_pack(&shared->batches[i]);
}

static sl_shared *hold(sl_shared *shared) {
    atomic_fetch_add(&shared->references, 1);
    return shared;
}

void sl_shared_release(sl_shared *shared) {
    if (!shared || atomic_fetch_sub(&shared->references, 1) != 1) return;
    for (int64_t i = 0; i < shared->count; i++) sl_batch_free(&shared->batches[i]);
    free(shared->batches);
    free(shared);
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

enum { NULLABLE = 2 };

/* One key and its value: the count, then length and bytes of each. The members leave no gap. */
static const struct {
    int32_t pairs, key_len;
    char key[20];
    int32_t value_len;
    char value[10];
} uuid_metadata = {1, 20, "ARROW:extension:name", 10, "arrow.uuid"};

const char *const sl_arrow_uuid = (const char *)&uuid_metadata;

static const char *format_of(sl_type type, int narrow) {
    switch (type) {
        case SL_TYPE_TEXT:
            return narrow ? "u" : "U";
        case SL_TYPE_LIST:
            return narrow ? "+l" : "+L";
        case SL_TYPE_STRUCT:
            return "+s";
        case SL_TYPE_UUID:
            return "w:16";
        case SL_TYPE_REAL:
            return "g";
        case SL_TYPE_NATURAL:
            return "L";
        case SL_TYPE_BOOLEAN:
            return "b";
        case SL_TYPE_TIMESTAMP:
            return "tsu:";
        default:
            return "l";
    }
}

typedef struct schema_children {
    struct ArrowSchema *pointers[SL_FIELD_MAX];
    struct ArrowSchema schemas[SL_FIELD_MAX];
} schema_children;

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release) schema->children[i]->release(schema->children[i]);
    free(schema->private_data);
    schema->release = NULL;
}

int sl_arrow_start_schema(struct ArrowSchema *out, const char *format, const char *name, uint32_t children) {
    schema_children *own = NULL;
    if (children && !(own = calloc(1, sizeof(*own)))) return ENOMEM;
    for (uint32_t i = 0; i < children; i++) own->pointers[i] = &own->schemas[i];
    *out = (struct ArrowSchema){.format = format,
                                .name = name,
                                .flags = NULLABLE,
                                .n_children = children,
                                .children = own ? own->pointers : NULL,
                                .release = release_schema,
                                .private_data = own};
    return 0;
}

/* A struct of the fields of a list's elements. */
static int fields_schema(const sl_result *result, int narrow, const char *name, struct ArrowSchema *out) {
    int code = sl_arrow_start_schema(out, "+s", name, result->field_count);
    for (uint32_t f = 0; !code && f < result->field_count; f++)
        code = sl_arrow_start_schema(out->children[f], format_of(result->fields[f].type, narrow), result->fields[f].name, 0);
    return code;
}

int sl_arrow_export_schema(const sl_shared *shared, struct ArrowSchema *out) {
    const sl_result *result = shared->function->result;
    int narrow = shared->narrow;
    out->release = NULL;
    int is_list = result->type == SL_TYPE_LIST;
    int code;
    if (result->type == SL_TYPE_STRUCT) {
        code = fields_schema(result, narrow, "", out);
    } else {
        code = sl_arrow_start_schema(out, format_of(result->type, narrow), "", is_list ? 1 : 0);
        if (!code && result->type == SL_TYPE_UUID) out->metadata = sl_arrow_uuid;
        if (!code && is_list && result->fields[0].name) code = fields_schema(result, narrow, "item", out->children[0]);
        if (!code && is_list && !result->fields[0].name)
            code = sl_arrow_start_schema(out->children[0], format_of(result->fields[0].type, narrow), "item", 0);
    }
    if (code && out->release) out->release(out);
    return code;
}

/* ---- arrays ------------------------------------------------------------------------------------------------------ */

typedef struct exported {
    sl_shared *shared;
    const void *buffers[3];
    struct ArrowArray *pointers[SL_FIELD_MAX];
    struct ArrowArray arrays[SL_FIELD_MAX];
} exported;

static void release_array(struct ArrowArray *array) {
    exported *own = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    sl_shared_release(own->shared);
    free(own);
    array->release = NULL;
}

static int start_array(sl_shared *shared, struct ArrowArray *out, int64_t length, int buffers, uint32_t children) {
    exported *own = calloc(1, sizeof(*own));
    if (!own) return ENOMEM;
    own->shared = hold(shared);
    for (uint32_t i = 0; i < children; i++) own->pointers[i] = &own->arrays[i];
    *out = (struct ArrowArray){.length = length,
                               .n_buffers = buffers,
                               .n_children = children,
                               .buffers = own->buffers,
                               .children = children ? own->pointers : NULL,
                               .release = release_array,
                               .private_data = own};
    return 0;
}

static const char nothing[8];

static int column_array(sl_shared *shared, const sl_column *column, struct ArrowArray *out) {
    int is_text = column->type == SL_TYPE_TEXT, is_list = column->type == SL_TYPE_LIST;
    const void *values = column->values ? (const void *)column->values : nothing;
    int code = start_array(shared, out, column->count, is_text ? 3 : 2, is_list ? 1 : 0);
    if (code) return code;
    out->null_count = column->null_count;
    out->buffers[0] = column->null_count ? column->validity : NULL;
    out->buffers[1] = is_text || is_list ? (const void *)column->offsets : values;
    if (is_text) out->buffers[2] = values;
    return 0;
}

/* The result of a batch, one struct a row. */
static int struct_array(sl_shared *shared, const sl_batch *batch, struct ArrowArray *out) {
    const sl_column *column = &batch->columns[0];
    uint32_t fields = batch->function->result->field_count;
    int code = start_array(shared, out, column->count, 1, fields);
    if (code) return code;
    out->null_count = column->null_count;
    out->buffers[0] = column->null_count ? column->validity : NULL;
    for (uint32_t f = 0; !code && f < fields; f++) code = column_array(shared, &batch->columns[1 + f], out->children[f]);
    return code;
}

/* The elements of a batch as a struct of their fields. */
static int fields_array(sl_shared *shared, const sl_batch *batch, struct ArrowArray *out) {
    uint32_t fields = batch->function->result->field_count;
    int code = start_array(shared, out, batch->columns[1].count, 1, fields);
    for (uint32_t f = 0; !code && f < fields; f++) code = column_array(shared, &batch->columns[1 + f], out->children[f]);
    return code;
}

static int undo(int code, struct ArrowArray *out) {
    if (code && out->release) out->release(out);
    return code;
}

int sl_arrow_export_chunk(sl_shared *shared, int64_t chunk, struct ArrowArray *out) {
    const sl_batch *batch = &shared->batches[chunk];
    const sl_result *result = batch->function->result;
    out->release = NULL;
    if (result->type == SL_TYPE_STRUCT) return undo(struct_array(shared, batch, out), out);
    int code = column_array(shared, &batch->columns[0], out);
    if (code || result->type != SL_TYPE_LIST) return undo(code, out);
    code = result->fields[0].name ? fields_array(shared, batch, out->children[0])
                                  : column_array(shared, &batch->columns[1], out->children[0]);
    return undo(code, out);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

typedef struct stream {
    sl_shared *shared;
    int64_t chunk;
} stream;

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    return sl_arrow_export_schema(((stream *)self->private_data)->shared, out);
}

static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    stream *own = self->private_data;
    out->release = NULL; /* stays so at the end of the stream */
    return own->chunk == own->shared->count ? 0 : sl_arrow_export_chunk(own->shared, own->chunk++, out);
}

static const char *stream_error(struct ArrowArrayStream *self) {
    (void)self;
    return sl_status_text(SL_ENOMEM); /* the only way in which one can fail */
}

static void release_stream(struct ArrowArrayStream *self) {
    stream *own = self->private_data;
    sl_shared_release(own->shared);
    free(own);
    self->release = NULL;
}

int sl_arrow_export_stream(sl_shared *shared, struct ArrowArrayStream *out) {
    stream *own = calloc(1, sizeof(*own));
    if (!own) return ENOMEM;
    own->shared = hold(shared);
    *out = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, release_stream, own};
    return 0;
}
