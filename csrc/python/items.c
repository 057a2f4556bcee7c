/* items.c - the scanner of items.h.
 * Contract: every byte is read a fixed number of times, whatever it is; depth costs no memory. */
#include "items.h"

#include "../kernels/simd.h"
#include "../kernels/utf8.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char *skip_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

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
    items->truncated = truncated;
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
    const char *value = skip_space(behind, items->end);
    if (value == items->end || *value != ':') return 0;
    items->p = value = skip_space(value + 1, items->end);
    if (is_named(&items->steps[step], key + 1, len)) return enter(items, step + 1);
    if (!(behind = skip_value(value, items->end, &dirty))) return 0;
    items->p = behind;
    size_t size = (size_t)(behind - key);
    if (step + 1 == items->step_count && !dirty && items->header.len + size < SL_ITEMS_HEADER) {
        if (items->header.len && sl_buf_append(&items->header, ",", 1) > SL_OK) return 1;
        (void)sl_buf_append(&items->header, key, size);
    }
    return 1;
}

int sl_items_next(sl_items *items, sl_str *item, int *dirty) {
    if (items->done) return 0;
    if (!items->begun) {
        items->begun = 1;
        items->p = skip_space(items->p, items->end);
        if (!enter(items, 0) || !items->depth) return stop(items, items->p == items->end);
    }
    while (items->depth) {
        char kind = items->frames[items->depth - 1].kind;
        uint32_t step = items->frames[items->depth - 1].step;
        items->p = skip_space(items->p, items->end);
        if (items->p < items->end && *items->p == ',') items->p = skip_space(items->p + 1, items->end);
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

static int is_hex(char c) {
    return (unsigned char)(c - '0') < 10 || (unsigned char)((c | 0x20) - 'a') < 6;
}

/* An element as strict readers take it. */
static sl_status append_repaired(sl_buf *out, sl_str item) {
    const char *p = item.ptr, *end = p + item.len;
    int inside = 0;
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        char escape[8];
        SL_TRY(sl_buf_reserve(out, 8));
        if (c == '"') inside = !inside;
        if (c == '\\' && end - p >= 2) {
            if (end - p >= 4 && p[1] == 'x' && is_hex(p[2]) && is_hex(p[3])) {
                SL_TRY(sl_buf_append(out, "\\u00", 4));
                SL_TRY(sl_buf_append(out, p + 2, 2));
                p += 4;
            } else {
                SL_TRY(sl_buf_append(out, p, (unsigned char)p[1] < 0x80 && (unsigned char)p[1] >= 0x20 ? 2 : 1));
                p += (unsigned char)p[1] < 0x80 && (unsigned char)p[1] >= 0x20 ? 2 : 1;
            }
        } else if (c < 0x20 && inside) {
            snprintf(escape, sizeof(escape), "\\u%04x", c);
            SL_TRY(sl_buf_append(out, escape, 6));
            p++;
        } else if (c < 0x80) {
            out->ptr[out->len++] = *p++;
        } else {
            uint32_t point = sl_utf8_next(&p, end);
            out->len += sl_utf8_put(out->ptr + out->len, point);
        }
    }
    return SL_OK;
}

typedef struct text_column {
    int64_t *offsets;
    sl_buf bytes;
} text_column;

/* Shared by the struct and its columns, which a reader may take apart. */
typedef struct item_batch {
    atomic_int references;
    text_column columns[2];
    const void *buffers[2][3], *none[1];
    struct ArrowArray arrays[2], *pointers[2];
} item_batch;

static void batch_release(item_batch *batch) {
    if (atomic_fetch_sub(&batch->references, 1) != 1) return;
    for (int c = 0; c < 2; c++) {
        free(batch->columns[c].offsets);
        sl_buf_free(&batch->columns[c].bytes);
    }
    free(batch);
}

static void release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    batch_release(array->private_data);
    array->release = NULL;
}

typedef struct item_stream {
    sl_items own, *result; /* where the counts go, for whoever asks afterwards */
    int owners;
    int64_t rows;
    void *hold;
    void (*drop)(void *);
} item_stream;

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    static const char *const names[] = {"item", "owner"};
    const item_stream *stream = self->private_data;
    int code = sl_arrow_start_schema(out, "+s", "", stream->owners ? 2 : 1);
    if (code) return code;
    out->flags = 0;
    for (int64_t c = 0; c < out->n_children; c++) {
        code = sl_arrow_start_schema(out->children[c], "U", names[c], 0); /* without children nothing can fail */
        out->children[c]->flags = 0;
    }
    return code;
}

static sl_status append_item(item_stream *stream, text_column *column, int64_t row, sl_str item, int dirty) {
    if (dirty || !sl_utf8_valid(item.ptr, item.len)) {
        stream->own.repaired++;
        SL_TRY(append_repaired(&column->bytes, item));
    } else {
        SL_TRY(sl_buf_append(&column->bytes, item.ptr, item.len));
    }
    column->offsets[row + 1] = (int64_t)column->bytes.len;
    return SL_OK;
}

static sl_status append_owner(item_stream *stream, text_column *column, int64_t row) {
    sl_str header = {stream->own.header.ptr ? stream->own.header.ptr : "", (uint32_t)stream->own.header.len};
    SL_TRY(sl_buf_append(&column->bytes, "{", 1));
    if (sl_utf8_valid(header.ptr, header.len))
        SL_TRY(sl_buf_append(&column->bytes, header.ptr, header.len));
    else
        SL_TRY(append_repaired(&column->bytes, header));
    SL_TRY(sl_buf_append(&column->bytes, "}", 1));
    column->offsets[row + 1] = (int64_t)column->bytes.len;
    return SL_OK;
}

static sl_status fill(item_stream *stream, item_batch *batch, int64_t *count) {
    sl_str item;
    int dirty = 0;
    for (*count = 0; *count < stream->rows && sl_items_next(&stream->own, &item, &dirty); ++*count) {
        SL_TRY(append_item(stream, &batch->columns[0], *count, item, dirty));
        if (stream->owners) SL_TRY(append_owner(stream, &batch->columns[1], *count));
    }
    return SL_OK;
}

static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    item_stream *stream = self->private_data;
    out->release = NULL;
    item_batch *batch = calloc(1, sizeof(*batch));
    if (!batch) return ENOMEM;
    atomic_init(&batch->references, 1);
    int columns = 1 + (stream->owners != 0);
    for (int c = 0; c < columns; c++) {
        batch->columns[c].bytes = SL_BUF_HEAP;
        batch->columns[c].offsets = calloc((size_t)stream->rows + 1, sizeof(int64_t));
    }
    int64_t count = 0;
    int failed = !batch->columns[0].offsets || (columns == 2 && !batch->columns[1].offsets);
    if (!failed) failed = fill(stream, batch, &count) > SL_OK;
    sl_items *result = stream->result;
    result->count = stream->own.count;
    result->repaired = stream->own.repaired;
    result->truncated = stream->own.truncated;
    result->done = stream->own.done;
    if (failed || !count) {
        batch_release(batch);
        return failed ? ENOMEM : 0;
    }
    for (int c = 0; c < columns; c++) {
        batch->buffers[c][1] = batch->columns[c].offsets;
        batch->buffers[c][2] = batch->columns[c].bytes.ptr;
        batch->pointers[c] = &batch->arrays[c];
        batch->arrays[c] = (struct ArrowArray){.length = count,
                                               .n_buffers = 3,
                                               .buffers = batch->buffers[c],
                                               .release = release_array,
                                               .private_data = batch};
        atomic_fetch_add(&batch->references, 1);
    }
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
    if (stream->drop) stream->drop(stream->hold);
    free(stream);
    self->release = NULL;
}

int sl_items_stream(const sl_items *items, int owners, int64_t rows, sl_items *result, void *hold, void (*drop)(void *),
                    struct ArrowArrayStream *out) {
    item_stream *stream = calloc(1, sizeof(*stream));
    if (!stream) return ENOMEM;
    sl_items_init(&stream->own, items->start, (size_t)(items->end - items->start), items->steps, items->step_count);
    stream->result = result;
    stream->owners = owners;
    stream->rows = rows;
    stream->hold = hold;
    stream->drop = drop;
    *out = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, stream_release, stream};
    return 0;
}
