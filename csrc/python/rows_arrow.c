/* rows_arrow.c - the record batches of rows.h by the Arrow C stream interface.
 * Contract: every exported struct is released on its own; what it points to goes with the last of them. */
#include "made.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t piece_size(const sl_made *made, uint32_t piece) {
    uint32_t left = made->text.len - (piece << PIECE_BITS);
    return left < INT32_MAX ? left : INT32_MAX;
}

static const char *format_of(sl_type type) {
    return type == SL_TYPE_TEXT ? "vu" : type == SL_TYPE_TIMESTAMP ? "tsu:" : type == SL_TYPE_NATURAL ? "L"
           : type == SL_TYPE_REAL ? "g" : "l";
}

int sl_made_export_schema(const sl_made *made, struct ArrowSchema *out) {
    const sl_result *result = made->function->result;
    out->release = NULL;
    uint32_t fields = result->field_count;
    int code = sl_arrow_start_schema(out, "+s", "", fields + (made->keyed != 0));
    if (!code && made->keyed) {
        code = sl_arrow_start_schema(out->children[fields], "w:16", "msg_key", 0);
        out->children[fields]->metadata = sl_arrow_uuid;
    }
    for (uint32_t f = 0; !code && f < fields; f++)
        code = sl_arrow_start_schema(out->children[f], format_of(result->fields[f].type), result->fields[f].name, 0);
    if (code && out->release) out->release(out);
    return code;
}

/* One array, and of a batch those of its columns, which may be moved away and are released on their own. */
typedef struct exported {
    sl_made *made;
    const void *buffers[BUFFERS_MAX];
    int64_t sizes[PIECES_MAX + 1];
    struct ArrowArray *pointers[SL_FIELD_MAX];
    struct ArrowArray arrays[SL_FIELD_MAX];
} exported;

static void release_array(struct ArrowArray *array) {
    exported *own = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    sl_made_release(own->made);
    free(own);
    array->release = NULL;
}

static exported *start_array(sl_made *made, struct ArrowArray *out, int64_t length, int buffers, uint32_t children) {
    exported *own = calloc(1, sizeof(*own));
    if (!own) return NULL;
    atomic_fetch_add(&made->references, 1);
    own->made = made;
    for (uint32_t i = 0; i < children; i++) own->pointers[i] = &own->arrays[i];
    *out = (struct ArrowArray){.length = length,
                               .n_buffers = buffers,
                               .n_children = children,
                               .buffers = own->buffers,
                               .children = children ? own->pointers : NULL,
                               .release = release_array,
                               .private_data = own};
    return own;
}

static int export_column(sl_made *made, const batch_column *column, int64_t count, struct ArrowArray *out) {
    static const char nothing[8];
    uint32_t pieces = column->validity ? pieces_of(made) : 0;
    exported *own = start_array(made, out, count, column->validity ? (int)(2 + pieces + 2) : 2, 0);
    if (!own) return ENOMEM;
    out->null_count = column->null_count;
    out->buffers[0] = column->null_count ? column->validity : NULL;
    out->buffers[1] = column->values;
    if (!pieces) return 0;
    for (uint32_t i = 0; i < pieces; i++) {
        out->buffers[2 + i] = made->text.ptr + ((size_t)i << PIECE_BITS);
        own->sizes[i] = piece_size(made, i);
    }
    out->buffers[2 + pieces] = column->extra ? (const void *)column->extra : nothing;
    own->sizes[pieces] = (int64_t)column->extra_len;
    out->buffers[3 + pieces] = own->sizes;
    return 0;
}

typedef struct stream {
    sl_made *made;
    int64_t next;
    sl_status status;
} stream;

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    return sl_made_export_schema(((stream *)self->private_data)->made, out);
}

static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    stream *own = self->private_data;
    int64_t count;
    out->release = NULL; /* stays so at the end of the stream */
    own->status = sl_made_wait(own->made, own->next + 1, &count);
    if (own->status > SL_OK) return EIO;
    if (own->next == count) return 0;
    sl_lock_take(&own->made->lock);
    const batch *b = own->made->batches[own->next++];
    sl_lock_give(&own->made->lock);
    uint32_t fields = own->made->function->result->field_count;
    own->status = SL_ENOMEM; /* the only way in which what follows can fail */
    int code = start_array(own->made, out, b->count, 1, fields + (b->keys != NULL)) ? 0 : ENOMEM;
    if (!code && b->keys) {
        code = start_array(own->made, out->children[fields], b->count, 2, 0) ? 0 : ENOMEM;
        if (!code) out->children[fields]->buffers[1] = b->keys;
    }
    for (uint32_t f = 0; !code && f < fields; f++) code = export_column(own->made, &b->columns[f], b->count, out->children[f]);
    if (code && out->release) out->release(out);
    return code;
}

static const char *stream_error(struct ArrowArrayStream *self) {
    return sl_status_text(((stream *)self->private_data)->status);
}

static void release_stream(struct ArrowArrayStream *self) {
    stream *own = self->private_data;
    sl_made_release(own->made);
    free(own);
    self->release = NULL;
}

int sl_made_export_stream(sl_made *made, struct ArrowArrayStream *out) {
    stream *own = calloc(1, sizeof(*own));
    if (!own) return ENOMEM;
    atomic_fetch_add(&made->references, 1);
    own->made = made;
    *out = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, release_stream, own};
    return 0;
}
