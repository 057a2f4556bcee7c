/* rows.c - makes the record batches of rows.h.
 * Contract: memory comes in large pages and is never moved; a failed or cancelled production leaves what it has made. */
#include "made.h"

#include "../kernels/utf8.h"

#include <stdlib.h>

void sl_made_release(sl_made *made) {
    if (atomic_fetch_sub(&made->references, 1) != 1) return;
    for (int64_t b = 0; b < made->capacity; b++)
        for (int f = 0; made->batches[b] && f < SL_FIELD_MAX; f++) free(made->batches[b]->columns[f].extra);
    for (size_t i = 0; i < made->slab_count; i++) free(made->slabs[i]);
    free(made->slabs);
    free(made->seen);
    free(made->batches);
    sl_rows_free(&made->look);
    sl_signal_free(&made->more);
    sl_lock_free(&made->lock);
    if (made->drop) made->drop(made->hold);
    free(made);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* Where a worker takes memory from. */
typedef struct arena {
    char *next;
    size_t left, slab;
} arena;

static void *take_memory(sl_made *made, arena *a, size_t size) {
    size = (size + 63) & ~(size_t)63;
    if (a->left < size) {
        size_t slab = a->slab < size ? size : a->slab;
        char *memory = sl_pages_grow(NULL, 0, slab);
        if (!memory) return NULL;
        sl_lock_take(&made->lock);
        if (made->slab_count == made->slab_capacity) {
            size_t capacity = made->slab_capacity ? made->slab_capacity * 2 : 4;
            void **slabs = realloc(made->slabs, capacity * sizeof(*slabs));
            if (slabs) {
                made->slabs = slabs;
                made->slab_capacity = capacity;
            }
        }
        int kept = made->slab_count < made->slab_capacity;
        if (kept) made->slabs[made->slab_count++] = memory;
        sl_lock_give(&made->lock);
        if (!kept) {
            free(memory);
            return NULL;
        }
        a->next = memory;
        a->left = slab;
        a->slab = slab * 2 < SLAB ? slab * 2 : SLAB;
    }
    void *taken = a->next;
    a->next += size;
    a->left -= size;
    return taken;
}

/* Bytes of a batch of so many rows, without what does not stand in the text. */
static size_t batch_size(const sl_function *function, size_t rows) {
    size_t size = sizeof(batch) + 64 + rows * SL_MD5_DIGEST + 64;
    for (uint32_t f = 0; f < function->result->field_count; f++)
        size += function->result->fields[f].type == SL_TYPE_TEXT ? rows * VIEW + rows / 8 + 2 * 64 : rows * 8 + 64;
    return size;
}

static batch *new_batch(sl_made *made, arena *a, size_t rows) {
    batch *b = take_memory(made, a, sizeof(*b));
    if (!b) return NULL;
    memset(b, 0, sizeof(*b));
    if (made->keyed && !(b->keys = take_memory(made, a, rows * SL_MD5_DIGEST))) return NULL;
    for (uint32_t f = 0; f < made->function->result->field_count; f++) {
        batch_column *column = &b->columns[f];
        int is_text = made->function->result->fields[f].type == SL_TYPE_TEXT;
        if (!(column->values = take_memory(made, a, rows * (is_text ? VIEW : 8)))) return NULL;
        if (!is_text) continue;
        if (!(column->validity = take_memory(made, a, (rows + 7) / 8))) return NULL;
        memset(column->validity, 0xFF, (rows + 7) / 8);
    }
    return b;
}

static sl_str text_of(const sl_made *made, const batch_column *column, int64_t row) {
    const uint8_t *view = column->values + VIEW * row;
    uint32_t parts[4];
    memcpy(parts, view, VIEW);
    if (!(column->validity[row >> 3] >> (row & 7) & 1)) return (sl_str){NULL, 0};
    if (parts[0] <= VIEW_INLINE) return (sl_str){(const char *)view + 4, parts[0]};
    if (parts[2] >= pieces_of(made)) return (sl_str){(const char *)column->extra + parts[3], parts[0]};
    return (sl_str){made->text.ptr + ((size_t)parts[2] << PIECE_BITS) + parts[3], parts[0]};
}

/* A row that was there before gets a key of its own: it is the same again for the so-manieth time. */
static sl_status set_again(const sl_made *made, batch *b, int64_t row, uint32_t times) {
    sl_cell cells[3];
    sl_key_room room = {NULL, 0};
    sl_row_key key = {made->key.prefix, 0, 1, 2};
    memcpy(&cells[0].integer, b->columns[made->key.time].values + 8 * row, 8);
    cells[1].text = text_of(made, &b->columns[made->key.author], row);
    cells[2].text = text_of(made, &b->columns[made->key.text], row);
    sl_status status = sl_keys_make(&key, cells, 3, 1, times, &room, &b->keys[row]);
    free(room.bytes);
    return status;
}

/* Finds the rows of the batch that were there before; batches come in order. */
static sl_status find_again(sl_made *made, int64_t at) {
    batch *b = made->batches[at];
    for (int64_t row = 0; row < b->count; row++) {
        uint64_t hash;
        memcpy(&hash, b->keys[row], sizeof(hash));
        for (size_t i = (size_t)hash & made->seen_mask;; i = (i + 1) & made->seen_mask) {
            seen *s = &made->seen[i];
            if (!s->row) {
                s->row = (uint32_t)(at * made->rows + row) + 1;
                break;
            }
            const batch *first = made->batches[(s->row - 1) / made->rows];
            if (memcmp(first->keys[(s->row - 1) % made->rows], b->keys[row], SL_MD5_DIGEST)) continue;
            SL_TRY(set_again(made, b, row, ++s->more));
            break;
        }
    }
    return SL_OK;
}

/* Owns the batch from then on. */
static sl_status hand_over(sl_made *made, int64_t at, batch *b) {
    sl_status status = SL_OK;
    sl_lock_take(&made->lock);
    if (at >= made->capacity) {
        int64_t capacity = made->capacity * 2 > at ? made->capacity * 2 : at + 1;
        batch **batches = realloc(made->batches, (size_t)capacity * sizeof(*batches));
        if (batches) {
            memset(batches + made->capacity, 0, (size_t)(capacity - made->capacity) * sizeof(*batches));
            made->batches = batches;
            made->capacity = capacity;
        }
    }
    if (at < made->capacity) {
        made->batches[at] = b;
        while (status == SL_OK && made->count < made->capacity && made->batches[made->count])
            if (!made->keyed || (status = find_again(made, made->count)) == SL_OK) made->count++;
        sl_signal_all(&made->more);
    } else {
        for (int f = 0; f < SL_FIELD_MAX; f++) free(b->columns[f].extra);
        status = SL_ENOMEM;
    }
    if (made->cancelled) status = SL_ENOMEM; /* whatever it is, nobody will read it */
    sl_lock_give(&made->lock);
    return status;
}

/* ---- views ------------------------------------------------------------------------------------------------------- */

typedef struct view {
    uint64_t words[2];
} view;

static view inline_view(sl_str text) {
    char bytes[VIEW] = {0};
    view v;
    memcpy(bytes, &text.len, 4);
    if (text.len) memcpy(bytes + 4, text.ptr, text.len);
    memcpy(&v, bytes, VIEW);
    return v;
}

static view place_view(sl_str text, uint32_t buffer, uint32_t offset) {
    char bytes[VIEW];
    view v;
    memcpy(bytes, &text.len, 4);
    memcpy(bytes + 4, text.ptr, 4);
    memcpy(bytes + 8, &buffer, 4);
    memcpy(bytes + 12, &offset, 4);
    memcpy(&v, bytes, VIEW);
    return v;
}


static sl_status extra_view(const sl_made *made, batch_column *column, sl_str text, view *out) {
    size_t need = column->extra_len + text.len;
    if (need > INT32_MAX) return SL_ERANGE;
    if (need > column->extra_cap) {
        size_t cap = need + need / 2 + 256;
        uint8_t *extra = realloc(column->extra, cap);
        if (!extra) return SL_ENOMEM;
        column->extra = extra;
        column->extra_cap = cap;
    }
    memcpy(column->extra + column->extra_len, text.ptr, text.len);
    *out = place_view(text, pieces_of(made), (uint32_t)column->extra_len);
    column->extra_len = need;
    return SL_OK;
}

static sl_status any_view(const sl_made *made, batch_column *column, int64_t row, sl_str text, view *out) {
    size_t at = (size_t)((uintptr_t)text.ptr - (uintptr_t)made->text.ptr);
    if (!text.ptr) {
        *out = (view){{0, 0}};
        column->validity[row >> 3] &= (uint8_t)~(1u << (row & 7));
        column->null_count++;
    } else if (text.len <= VIEW_INLINE) {
        *out = inline_view(text);
    } else if (text.len > INT32_MAX >> 1) {
        return SL_ERANGE;
    } else if (at < made->text.len) {
        *out = place_view(text, (uint32_t)at >> PIECE_BITS, (uint32_t)at & ((1u << PIECE_BITS) - 1));
    } else {
        return extra_view(made, column, text, out);
    }
    return SL_OK;
}

/* The bytes of a text that stands in its view, of 16 that can be read. */
static const struct {
    uint64_t low;
    uint32_t high;
} kept[VIEW_INLINE + 1] = {
    {0, 0}, {0xFF, 0}, {0xFFFF, 0}, {0xFFFFFF, 0}, {0xFFFFFFFF, 0}, {UINT64_C(0xFFFFFFFFFF), 0},
    {UINT64_C(0xFFFFFFFFFFFF), 0}, {UINT64_C(0xFFFFFFFFFFFFFF), 0}, {UINT64_MAX, 0}, {UINT64_MAX, 0xFF},
    {UINT64_MAX, 0xFFFF}, {UINT64_MAX, 0xFFFFFF}, {UINT64_MAX, 0xFFFFFFFF},
};

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { LITTLE = 1 };
#else
enum { LITTLE = 0 };
#endif

/* Whether a text is short cannot be foretold, so that both views are made, and one is taken. */
static sl_status put_texts(const sl_made *made, batch_column *column, int64_t row, const sl_cell *cells, uint32_t columns,
                           uint32_t count) {
    view *out = (view *)(void *)column->values + row;
    uintptr_t base = (uintptr_t)made->text.ptr;
    size_t readable = LITTLE && made->text.len > VIEW ? made->text.len - VIEW : 0;
    for (uint32_t i = 0; i < count; i++, cells += columns) {
        sl_str text = cells->text;
        size_t at = (size_t)((uintptr_t)text.ptr - base);
        if (SL_UNLIKELY(at >= readable || text.len > INT32_MAX >> 1)) {
            SL_TRY(any_view(made, column, row + i, text, &out[i]));
            continue;
        }
        uint64_t low;
        uint32_t high, len = text.len < VIEW_INLINE ? text.len : VIEW_INLINE;
        memcpy(&low, text.ptr, 8);
        memcpy(&high, text.ptr + 8, 4);
        low &= kept[len].low;
        high &= kept[len].high;
        uint64_t here = low >> 32 | (uint64_t)high << 32;
        uint64_t there = (uint64_t)at >> PIECE_BITS | ((uint64_t)at & ((UINT64_C(1) << PIECE_BITS) - 1)) << 32;
        out[i] = (view){{text.len | low << 32, text.len > VIEW_INLINE ? there : here}};
    }
    return SL_OK;
}

/* ---- production -------------------------------------------------------------------------------------------------- */

typedef struct sink {
    sl_rows rows;
    sl_cell cells[CELLS * SL_FIELD_MAX];
    sl_made *made;
    sl_key_room key_room;
    arena memory;
    batch *current;
    int64_t at; /* the number of the current batch */
    size_t room; /* rows of a batch */
} sink;

static sl_status give(sink *s) {
    batch *full = s->current;
    s->current = NULL;
    return hand_over(s->made, s->at++, full);
}

static sl_status flush(sl_rows *rows) {
    sink *s = rows->owner;
    const sl_made *made = s->made;
    const sl_result *result = made->function->result;
    if (!s->current && !(s->current = new_batch(s->made, &s->memory, s->room))) return SL_ENOMEM;
    batch *b = s->current;
    for (uint32_t f = 0; f < rows->columns; f++) {
        const sl_cell *cells = rows->cells + f;
        if (result->fields[f].type == SL_TYPE_TEXT) {
            SL_TRY(put_texts(made, &b->columns[f], b->count, cells, rows->columns, rows->count));
            continue;
        }
        int64_t *out = (int64_t *)(void *)b->columns[f].values + b->count;
        for (uint32_t i = 0; i < rows->count; i++) out[i] = cells[(size_t)i * rows->columns].integer;
    }
    if (made->keyed)
        SL_TRY(sl_keys_make(&made->key, rows->cells, rows->columns, rows->count, 0, &s->key_room, b->keys + b->count));
    b->count += rows->count;
    rows->count = 0;
    sl_rows_reset(rows);
    return b->count == (int64_t)s->room ? give(s) : SL_OK;
}

static void start_sink(sink *s, sl_made *made, size_t room) {
    s->rows = (sl_rows){.cells = s->cells,
                        .columns = made->function->result->field_count,
                        .capacity = CELLS,
                        .flush = flush,
                        .owner = s};
    s->made = made;
    s->key_room = (sl_key_room){NULL, 0};
    s->memory = (arena){NULL, 0, batch_size(made->function, room)};
    s->current = NULL;
    s->at = 0;
    s->room = room;
}

static sl_status end_sink(sink *s, sl_status status) {
    if (status <= SL_OK && s->rows.count) status = flush(&s->rows);
    if (status <= SL_OK && s->current) status = give(s);
    for (int f = 0; s->current && f < SL_FIELD_MAX; f++) free(s->current->columns[f].extra);
    sl_rows_free(&s->rows);
    free(s->key_room.bytes);
    return status;
}

static void make_whole(sl_made *made) {
    sink *s = malloc(sizeof(*s));
    sl_status status = SL_ENOMEM;
    if (s) {
        start_sink(s, made, made->rows);
        status = end_sink(s, made->function->kernel.ROWS(made->text, made->options, &s->rows));
    }
    free(s);
    made->status = status;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

typedef void (*job)(sl_made *made, uint32_t number);
typedef struct worker {
    sl_made *made;
    job run;
    uint32_t number;
} worker;

static void run_worker(void *argument) {
    worker *own = argument;
    sl_made *made = own->made;
    own->run(made, own->number);
    free(own);
    sl_lock_take(&made->lock);
    made->working--;
    sl_signal_all(&made->more);
    sl_lock_give(&made->lock);
    sl_made_release(made);
}

/* The job by this thread and others, until all of them have ended it. */
static void run_all(sl_made *made, uint32_t threads, job run) {
    for (uint32_t i = 1; i < threads; i++) {
        worker *other = malloc(sizeof(*other));
        if (!other) break;
        *other = (worker){made, run, i};
        atomic_fetch_add(&made->references, 1);
        sl_lock_take(&made->lock);
        made->working++;
        sl_lock_give(&made->lock);
        if (sl_thread_start(run_worker, other)) continue;
        sl_lock_take(&made->lock);
        made->working--;
        sl_lock_give(&made->lock);
        sl_made_release(made);
        free(other);
        break;
    }
    run(made, 0);
    sl_lock_take(&made->lock);
    while (made->working) sl_signal_wait(&made->more, &made->lock);
    sl_lock_give(&made->lock);
}

static void fail(sl_made *made, sl_status status, size_t end) {
    sl_lock_take(&made->lock);
    made->status = status;
    sl_lock_give(&made->lock);
    atomic_store(&made->next, end); /* for the others, too */
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static void scan(sl_made *made, uint32_t number) {
    (void)number;
    for (size_t at; (at = atomic_fetch_add(&made->next, 1)) < made->scans;) {
        sl_status status = made->parts->scan(made->state, (uint32_t)at);
        if (status > SL_OK) fail(made, status, made->scans);
    }
}

static sl_status open_parts(sl_made *made, uint32_t threads, int unchecked) {
    const sl_parts *parts = made->parts;
    SL_TRY(parts->open(made->text, made->options, threads, unchecked, &made->state, &made->scans));
    do {
        atomic_store(&made->next, 0);
        if (made->scans) run_all(made, made->scans < threads ? made->scans : threads, scan);
        if (made->status <= SL_OK) made->status = parts->join(made->state, &made->total, &made->scans);
    } while (made->status <= SL_OK && made->scans);
    made->look = (sl_rows){.cells = made->look_cells, .columns = SL_FIELD_MAX, .capacity = 1};
    if (made->status <= SL_OK) made->status = parts->look(made->state, &made->look);
    if (made->status > SL_OK) parts->close(made->state);
    return made->status;
}

/* Takes a batch after the other, as long as there are any. */
static void work(sl_made *made, uint32_t number) {
    sink *s = malloc(sizeof(*s));
    sl_status status = s ? SL_OK : SL_ENOMEM;
    if (s) start_sink(s, made, made->total < made->rows ? made->total : made->rows);
    while (status <= SL_OK) {
        size_t from = atomic_fetch_add(&made->next, made->rows), left;
        if (from >= made->total) break;
        left = made->total - from;
        s->at = (int64_t)(from / made->rows);
        s->room = left < made->rows ? left : made->rows;
        status = made->parts->make(made->state, number, from, from + s->room, &s->rows);
        if (status <= SL_OK && s->rows.count) status = flush(&s->rows);
    }
    if (s) status = end_sink(s, status);
    free(s);
    if (status > SL_OK) fail(made, status, made->total);
}

static void make_parts(sl_made *made, uint32_t threads) {
    atomic_store(&made->next, 0);
    if (made->total < made->rows && made->rows > SL_ROWS_SHARED) made->rows = SL_ROWS_SHARED;
    if (made->keyed) {
        made->seen_mask = 63;
        while (made->seen_mask < 2 * made->total) made->seen_mask = made->seen_mask * 2 + 1;
        made->seen = calloc(made->seen_mask + 1, sizeof(seen));
    }
    if (made->keyed && !made->seen) fail(made, SL_ENOMEM, made->total);
    else run_all(made, made->total > FEW * SL_ROWS_BATCH ? threads : 1, work);
    made->parts->close(made->state);
    free(made->seen);
    made->seen = NULL;
}

typedef struct production {
    sl_made *made;
    uint32_t threads;
} production;

static void produce(void *argument) {
    production own = *(production *)argument;
    sl_made *made = own.made;
    free(argument);
    if (made->parts) make_parts(made, own.threads);
    else make_whole(made);
    sl_lock_take(&made->lock);
    made->open = 0;
    sl_signal_all(&made->more);
    sl_lock_give(&made->lock);
    sl_made_release(made);
}

sl_status sl_made_start(const sl_function *function, const sl_options *options, sl_str text, const sl_row_key *key,
                        uint32_t rows, uint32_t threads, int unchecked, void *hold, void (*drop)(void *hold), sl_made **out) {
    const sl_parts *parts = sl_parts_of(function);
    if (key && !parts) return SL_EARG;
    if (!parts && unchecked && !sl_utf8_valid(text.ptr, text.len)) return SL_EUTF8;
    production *own = malloc(sizeof(*own));
    sl_made *made = calloc(1, sizeof(*made));
    if (!own || !made) {
        free(own);
        free(made);
        return SL_ENOMEM;
    }
    atomic_init(&made->references, 2);
    atomic_init(&made->next, 0);
    made->function = function;
    made->options = options;
    made->text = text;
    made->rows = rows;
    made->parts = parts;
    made->keyed = key != NULL;
    if (key) made->key = *key;
    made->open = 1;
    made->process = sl_process();
    sl_lock_init(&made->lock);
    sl_signal_init(&made->more);
    *own = (production){made, threads < 1 ? 1 : threads > WORKERS_MAX ? WORKERS_MAX : threads};
    sl_status status = parts ? open_parts(made, own->threads, unchecked) : SL_OK;
    if (status > SL_OK) {
        free(own);
        atomic_fetch_sub(&made->references, 1);
        sl_made_release(made);
        return status;
    }
    made->hold = hold;
    made->drop = drop;
    *out = made;
    if (!sl_thread_start(produce, own)) produce(own); /* no thread to be had: here, then */
    return SL_OK;
}

sl_status sl_made_wait(sl_made *made, int64_t batches, int64_t *count) {
    *count = 0;
    if (made->process != sl_process()) return SL_EARG;
    sl_lock_take(&made->lock);
    while (made->open && made->count < batches) sl_signal_wait(&made->more, &made->lock);
    *count = made->count;
    sl_status status = made->count < batches && !made->open ? made->status : SL_OK;
    sl_lock_give(&made->lock);
    return status;
}

const sl_cell *sl_made_look(const sl_made *made) { return made->look.count ? made->look_cells : NULL; }

int64_t sl_made_rows(sl_made *made) {
    int64_t rows = 0;
    sl_lock_take(&made->lock);
    for (int64_t b = 0; b < made->count; b++) rows += made->batches[b]->count;
    sl_lock_give(&made->lock);
    return rows;
}

void sl_made_abandon(sl_made *made) {
    int64_t count;
    if (made->process != sl_process()) return; /* never released: the lock may be held for good */
    sl_lock_take(&made->lock);
    /* The caller and the threads, and no stream or array that somebody may still read. */
    if (atomic_load(&made->references) <= 2 + (long)made->working) made->cancelled = 1;
    sl_lock_give(&made->lock);
    (void)sl_made_wait(made, INT64_MAX, &count);
    sl_made_release(made);
}
