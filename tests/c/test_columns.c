/* test_columns.c - columns of results, and their way out and in by the Arrow C data interface.
 * Contract: nothing here knows a single function beyond the value of uuid5's namespace; every row of the table is tested.
 * Results of one batch, of batches of one row, and of what was exported and read back are equal; all memory goes back. */
#include "check.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "kernels/utf8.h"
#include "python/arrow.h"
#include "python/rows.h"
#include "samples.h"

enum { ROWS = 300 };

static sl_str texts[ROWS];

static void make_texts(uint64_t round) {
    static char bytes[SAMPLE_MAX];
    for (int i = 0; i < ROWS; i++) {
        uint32_t len = sample(bytes, round * ROWS + (uint64_t)i);
        texts[i] = (sl_str){NULL, 0};
        if (random_below(4) == 0) continue; /* NULL */
        if (!sl_utf8_valid(bytes, len)) len = 0;
        texts[i] = (sl_str){exact_copy(bytes, len ? len : 1), len};
    }
}

static void free_texts(void) {
    for (int i = 0; i < ROWS; i++) free((char *)texts[i].ptr);
}

static const sl_str list[] = {{"a", 1}, {"the", 3}, {"\xC3\xA9", 2}};

static void prepare(const sl_function *function, sl_options *options) {
    sl_value values[SL_FIELD_MAX];
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->param_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        values[count] = function->params[p].fallback;
        if (function->params[p].required) {
            values[count].text = SL_STR("dns");
            values[count].integer = 8;
            values[count].texts = list;
            values[count].count = sizeof(list) / sizeof(*list);
        }
        count++;
    }
    sl_error error;
    *options = (sl_options){{0, 0}, NULL, NULL};
    CHECK(function->prepare(values, options, &error) == SL_OK);
}

static int same_text(sl_str a, sl_str b) {
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void check_value(const sl_column *a, int64_t i, const sl_column *b, int64_t j) {
    CHECK(sl_column_valid(a, i) == sl_column_valid(b, j));
    if (!sl_column_valid(a, i)) return;
    if (a->type == SL_TYPE_TEXT) {
        CHECK(same_text(sl_column_text(a, i), sl_column_text(b, j)));
    } else if (a->type != SL_TYPE_LIST && a->type != SL_TYPE_STRUCT) {
        size_t size = a->type == SL_TYPE_UUID ? 16 : a->type == SL_TYPE_BOOLEAN ? 1 : 8;
        CHECK(memcmp(a->values + (size_t)i * size, b->values + (size_t)j * size, size) == 0);
    }
}

/* Row `i` of a batch of many equals the only row of another. */
static void check_row(const sl_batch *many, int64_t i, const sl_batch *one) {
    const sl_column *a = &many->columns[0], *b = &one->columns[0];
    check_value(a, i, b, 0);
    for (uint32_t f = 0; a->type == SL_TYPE_STRUCT && f < many->function->result->field_count; f++)
        check_value(&many->columns[1 + f], i, &one->columns[1 + f], 0);
    if (a->type != SL_TYPE_LIST) return;
    int64_t start = a->offsets[i], count = a->offsets[i + 1] - start;
    CHECK(count == b->offsets[1] - b->offsets[0]);
    for (uint32_t f = 0; f < many->function->result->field_count; f++)
        for (int64_t e = 0; e < count; e++) check_value(&many->columns[1 + f], start + e, &one->columns[1 + f], e);
}

static void check_batch(const sl_batch *batch, const sl_options *options) {
    int64_t nulls = 0, failed = -1;
    CHECK(batch->columns[0].count == ROWS);
    sl_batch one;
    sl_batch_init(&one, batch->function);
    for (int i = 0; i < ROWS; i++) {
        nulls += texts[i].ptr == NULL;
        CHECK(sl_column_valid(&batch->columns[0], i) == (texts[i].ptr != NULL));
        sl_batch_reset(&one);
        CHECK(sl_batch_run(&one, options, &texts[i], 1, i % 2, &failed) == SL_OK);
        check_row(batch, i, &one);
    }
    CHECK(batch->columns[0].null_count == nulls);
    sl_batch_free(&one);
}

/* A row that equals its text is only marked, and nothing is kept of it. */
static void check_unchanged(const sl_batch *batch, const sl_options *options) {
    if (batch->function->shape != SL_SHAPE_TEXT) return;
    sl_batch marked;
    int64_t failed = -1;
    sl_batch_init(&marked, batch->function);
    marked.unchanged = malloc(ROWS);
    CHECK(marked.unchanged != NULL);
    CHECK(sl_batch_run(&marked, options, texts, ROWS, 1, &failed) == SL_OK);
    for (int i = 0; i < ROWS; i++) {
        if (marked.unchanged[i]) {
            CHECK(same_text(sl_column_text(&batch->columns[0], i), texts[i]));
            CHECK(sl_column_text(&marked.columns[0], i).len == 0);
        } else {
            check_value(&batch->columns[0], i, &marked.columns[0], i);
        }
    }
    sl_batch_free(&marked);
}

/* What a text column exports reads back as the same texts, from any row on. */
static void check_round_trip(sl_shared *shared, const sl_column *wanted) {
    struct ArrowSchema schema;
    struct ArrowArray array;
    int in_struct = 1;
    CHECK(sl_arrow_export_schema(shared, &schema) == 0);
    sl_arrow_kind kind = sl_arrow_kind_of(&schema, &in_struct);
    CHECK(!in_struct);
    CHECK(kind == (sl_shared_batch(shared, 0)->narrow ? SL_ARROW_TEXT : SL_ARROW_LARGE_TEXT));
    CHECK(sl_arrow_export_chunk(shared, 0, &array) == 0);
    CHECK(array.length == ROWS && array.null_count == wanted->null_count);
    CHECK(sl_arrow_bytes(&array, kind, 0) == wanted->len);
    sl_str read[ROWS];
    int64_t from = random_below(ROWS);
    CHECK(sl_arrow_read(&array, kind, 0, from, ROWS - from, read) == SL_OK);
    for (int64_t i = from; i < ROWS; i++) {
        sl_str text = sl_column_valid(wanted, i) ? sl_column_text(wanted, i) : (sl_str){NULL, 0};
        CHECK(!read[i - from].ptr == !sl_column_valid(wanted, i) && same_text(read[i - from], text));
    }
    array.release(&array);
    schema.release(&schema);
}

/* Children may be moved out and outlive their parent and all that made them. */
static void check_export(sl_shared *shared) {
    const sl_batch *batch = sl_shared_batch(shared, 0);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array, child;
    int is_list = batch->columns[0].type == SL_TYPE_LIST, is_struct = batch->columns[0].type == SL_TYPE_STRUCT;
    int64_t elements = is_list || is_struct ? batch->columns[1].count : 0;
    CHECK(sl_arrow_export_stream(shared, &stream) == 0);
    CHECK(stream.get_schema(&stream, &schema) == 0);
    CHECK(schema.n_children == (is_struct ? (int64_t)batch->function->result->field_count : is_list));
    schema.release(&schema);
    CHECK(stream.get_next(&stream, &array) == 0 && array.release);
    child.release = NULL;
    if (is_list || is_struct) {
        child = *array.children[0];
        array.children[0]->release = NULL;
        CHECK(child.length == elements);
    }
    array.release(&array);
    CHECK(stream.get_next(&stream, &array) == 0 && !array.release);
    stream.release(&stream);
    if (child.release) child.release(&child);
}

/* The last thread may let go a moment after the caller. */
static atomic_int dropped;
static void drop(void *hold) { atomic_fetch_add((atomic_int *)hold, 1); }
static int is_dropped(int times) {
    for (int i = 0; i < 5000 && atomic_load(&dropped) < times; i++) wait_a_millisecond();
    return atomic_load(&dropped) == times;
}

static int by_key(const void *a, const void *b) { return memcmp(a, b, SL_MD5_DIGEST); }

/* No two rows have one key; the first one has the key that it has alone. */
static void check_keys(const sl_function *function, const sl_options *options, sl_str whole, const sl_batch *all) {
    sl_row_key key = {SL_STR("whatsapp\x1f" "family"), 1, 2, 3};
    sl_made *made;
    int64_t count, rows = all->columns[1].count, row = 0;
    int dropped_before = atomic_load(&dropped);
    if (!sl_parts_of(function)) {
        CHECK(sl_made_start(function, options, whole, &key, SL_ROWS_BATCH, 2, 0, &dropped, drop, &made) == SL_EARG);
        return;
    }
    uint8_t(*keys)[SL_MD5_DIGEST] = malloc((size_t)(rows + 1) * SL_MD5_DIGEST), first[SL_MD5_DIGEST];
    sl_key_room room = {NULL, 0};
    CHECK(keys && sl_made_start(function, options, whole, &key, SL_ROWS_BATCH, 3, 1, &dropped, drop, &made) == SL_OK);
    CHECK(sl_made_wait(made, INT64_MAX, &count) == SL_OK && sl_made_rows(made) == rows && rows > SL_ROWS_BATCH);
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    CHECK(sl_made_export_stream(made, &stream) == 0);
    while (stream.get_next(&stream, &array) == 0 && array.release) {
        CHECK(array.n_children == function->result->field_count + 1);
        memcpy(keys[row], array.children[array.n_children - 1]->buffers[1], (size_t)array.length * SL_MD5_DIGEST);
        row += array.length;
        array.release(&array);
    }
    CHECK(row == rows);
    stream.release(&stream);
    sl_made_abandon(made);
    CHECK(is_dropped(dropped_before + 1));
    sl_cell cells[4];
    memcpy(&cells[1].integer, all->columns[2].values, 8);
    for (int f = 2; f < 4; f++)
        cells[f].text = sl_column_valid(&all->columns[1 + f], 0) ? sl_column_text(&all->columns[1 + f], 0) : (sl_str){NULL, 0};
    CHECK(sl_keys_make(&key, cells, 4, 1, 0, &room, &first) == SL_OK && !memcmp(first, keys[0], SL_MD5_DIGEST));
    qsort(keys, (size_t)rows, SL_MD5_DIGEST, by_key);
    for (row = 1; row < rows; row++) CHECK(memcmp(keys[row - 1], keys[row], SL_MD5_DIGEST) < 0);
    free(room.bytes);
    free(keys);
}

/* Elements of one text made in the background, read while they come, by two readers and once more afterwards. */
static void check_production(const sl_function *function, const sl_options *options, int64_t rows) {
    sl_buf text = SL_BUF_HEAP;
    static char bytes[SAMPLE_MAX];
    for (uint64_t round = 0; text.len < 500000; round++) {
        uint32_t len = sample(bytes, round);
        if (sl_utf8_valid(bytes, len)) CHECK(sl_buf_append(&text, bytes, len) == SL_OK);
        CHECK(sl_buf_append(&text, " ana@example.org\n05/03/2024, 09:15 - Ana: hi\n", 46) == SL_OK);
    }
    sl_str whole = {text.ptr, (uint32_t)text.len};
    sl_batch all;
    int64_t failed, count;
    sl_batch_init(&all, function);
    CHECK(sl_batch_run(&all, options, &whole, 1, 1, &failed) == SL_OK);
    sl_made *made;
    atomic_store(&dropped, 0);
    CHECK(sl_made_start(function, options, whole, NULL, (uint32_t)rows, 3, 1, &dropped, drop, &made) == SL_OK);
    struct ArrowArrayStream streams[2];
    for (int s = 0; s < 2; s++) CHECK(sl_made_export_stream(made, &streams[s]) == 0);
    for (int again = 0; again < 2; again++) {
        int64_t seen[2] = {0, 0};
        for (int turn = 0, open = 3; open; turn ^= 1) {
            struct ArrowArray array;
            if (!(open >> turn & 1)) continue;
            CHECK(streams[turn].get_next(&streams[turn], &array) == 0);
            if (!array.release) {
                open &= ~(1 << turn);
                continue;
            }
            CHECK(array.length > 0 && array.length <= rows);
            for (uint32_t f = 0; f < function->result->field_count; f++) {
                const sl_column *column = &all.columns[1 + f];
                if (column->type == SL_TYPE_TEXT) {
                    static sl_str read[SL_ROWS_BATCH_MAX];
                    CHECK(sl_arrow_read(array.children[f], SL_ARROW_TEXT_VIEW, 0, 0, array.length, read) == SL_OK);
                    for (int64_t i = 0; i < array.length; i++) {
                        CHECK(sl_column_valid(column, seen[turn] + i) == (read[i].ptr != NULL));
                        if (read[i].ptr) CHECK(same_text(sl_column_text(column, seen[turn] + i), read[i]));
                    }
                } else {
                    CHECK(memcmp(array.children[f]->buffers[1], column->values + 8 * seen[turn],
                                 8 * (size_t)array.length) == 0);
                }
            }
            seen[turn] += array.length;
            array.release(&array);
        }
        CHECK(seen[0] == all.columns[1].count && seen[1] == all.columns[1].count);
        for (int s = 0; s < 2; s++) {
            streams[s].release(&streams[s]);
            if (!again) CHECK(sl_made_export_stream(made, &streams[s]) == 0);
        }
    }
    CHECK(sl_made_wait(made, INT64_MAX, &count) == SL_OK);
    /* Where they do not fill one batch, threads share them. */
    if (sl_parts_of(function) && all.columns[1].count < rows && rows > SL_ROWS_SHARED) rows = SL_ROWS_SHARED;
    CHECK(count == (all.columns[1].count + rows - 1) / rows);
    CHECK(sl_made_rows(made) == all.columns[1].count);
    CHECK(!atomic_load(&dropped));
    sl_made_abandon(made);
    CHECK(is_dropped(1));
    /* Nobody reads: what was made goes, whoever lets go last; and what somebody reads stays. */
    CHECK(sl_made_start(function, options, whole, NULL, SL_ROWS_BATCH, 1, 1, &dropped, drop, &made) == SL_OK);
    CHECK(sl_made_wait(made, 1, &count) == SL_OK && count >= 1);
    sl_made_abandon(made);
    CHECK(is_dropped(2));
    CHECK(sl_made_start(function, options, whole, NULL, SL_ROWS_BATCH, 2, 0, &dropped, drop, &made) == SL_OK);
    CHECK(sl_made_export_stream(made, &streams[0]) == 0);
    struct ArrowArray last;
    CHECK(streams[0].get_next(&streams[0], &last) == 0 && last.release);
    sl_made_abandon(made);
    streams[0].release(&streams[0]);
    CHECK(is_dropped(2));
    last.release(&last);
    CHECK(is_dropped(3));
    check_keys(function, options, whole, &all);
    sl_batch_free(&all);
    sl_buf_free(&text);
}

/* Pairs of many rows equal those of one. */
static void check_pairs(const sl_function *function, const sl_options *options) {
    sl_str others[ROWS];
    sl_batch many, one;
    int64_t failed;
    for (int i = 0; i < ROWS; i++) {
        others[i] = texts[(i + 1) % ROWS];
        if (others[i].len > 300) others[i].len = 0; /* what both take together is what a pair costs */
    }
    sl_batch_init(&many, function);
    CHECK(sl_batch_run_pairs(&many, options, texts, others, ROWS, 1, &failed) == SL_OK);
    CHECK(many.columns[0].count == ROWS);
    for (int i = 0; i < ROWS; i++) {
        sl_batch_init(&one, function);
        CHECK(sl_batch_run_pairs(&one, options, &texts[i], &others[i], 1, 0, &failed) == SL_OK);
        check_value(&many.columns[0], i, &one.columns[0], 0);
        sl_batch_free(&one);
    }
    sl_batch_free(&many);
}

/* Lists of many rows give what one row alone gives; a list that one call refuses, the other refuses too. */
static void check_numbers(const sl_function *function, const sl_options *options) {
    enum { LIST = 16 };
    sl_numbers lists[2][ROWS];
    int64_t failed, refused = 0;
    sl_error error;
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < ROWS; i++) {
            lists[side][i] = (sl_numbers){NULL, 0};
            if (random_below(4) == 0) continue; /* NULL */
            uint32_t count = random_below(8) ? LIST : (uint32_t)random_below(LIST);
            int64_t values[LIST] = {0};
            for (uint32_t v = 0; v < count; v++) values[v] = (int64_t)random_below(6) - (random_below(200) == 0);
            lists[side][i] = (sl_numbers){(int64_t *)exact_copy((char *)values, count ? count * 8 : 1), count};
        }
    sl_numbers *first = lists[0], *second = function->shape == SL_SHAPE_NUMBERS_PAIR ? lists[1] : NULL;
    sl_batch many, one;
    for (;;) {
        sl_batch_init(&many, function);
        sl_status status = sl_batch_run_numbers(&many, options, first, second, ROWS, &failed, &error);
        if (status == SL_OK) break;
        CHECK(status == SL_EARG && failed >= 0 && failed < ROWS && ++refused <= ROWS);
        sl_batch_free(&many);
        sl_batch_init(&one, function);
        int64_t alone = -1;
        CHECK(sl_batch_run_numbers(&one, options, first + failed, second ? second + failed : NULL, 1, &alone, &error) ==
              SL_EARG);
        CHECK(alone == 0);
        sl_batch_free(&one);
        free((int64_t *)lists[0][failed].ptr);
        lists[0][failed] = (sl_numbers){NULL, 0};
    }
    CHECK(many.columns[0].count == ROWS && refused < ROWS / 2);
    sl_batch_init(&one, function);
    for (int i = 0; i < ROWS; i++) {
        sl_batch_reset(&one);
        CHECK(sl_batch_run_numbers(&one, options, first + i, second ? second + i : NULL, 1, &failed, &error) == SL_OK);
        CHECK(sl_column_valid(&many.columns[0], i) == (first[i].ptr && (!second || second[i].ptr)));
        check_row(&many, i, &one);
    }
    sl_batch_free(&one);
    sl_batch_free(&many);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < ROWS; i++) free((int64_t *)lists[side][i].ptr);
}

static void check_function(const sl_function *function, uint64_t scale) {
    sl_options options;
    check_context = function->name;
    prepare(function, &options);
    for (uint64_t round = 0; round < 20 * scale; round++) {
        if (sl_takes_numbers(function)) {
            check_numbers(function, &options);
            continue;
        }
        make_texts(round);
        if (function->shape == SL_SHAPE_PAIR) {
            check_pairs(function, &options);
            free_texts();
            continue;
        }
        int64_t failed = -1;
        sl_shared *shared = sl_shared_new(function);
        CHECK(shared != NULL);
        sl_batch *batch = sl_shared_add(shared), copy;
        CHECK(batch != NULL);
        CHECK(sl_batch_reserve(batch, random_below(2 * ROWS), random_below(4000)) == SL_OK);
        CHECK(sl_batch_run(batch, &options, texts, ROWS / 2, 0, &failed) == SL_OK);
        CHECK(sl_batch_run(batch, &options, texts + ROWS / 2, ROWS - ROWS / 2, 1, &failed) == SL_OK);
        check_batch(batch, &options);
        check_unchanged(batch, &options);
        sl_batch_init(&copy, function);
        CHECK(sl_batch_run(&copy, &options, texts, ROWS, 0, &failed) == SL_OK);
        if (function->shape == SL_SHAPE_TEXT) check_round_trip(shared, &copy.columns[0]);
        if (round % 2) CHECK(sl_shared_narrow(shared) == SL_OK);
        if (function->shape == SL_SHAPE_TEXT) check_round_trip(shared, &copy.columns[0]);
        check_export(shared);
        sl_batch_free(&copy);
        sl_shared_release(shared);
        free_texts();
    }
    if (function->shape == SL_SHAPE_ROWS && sl_gives_list(function) && function->result->fields[0].name)
        for (uint64_t round = 0; round < 10 * scale; round++) {
            static const int64_t sizes[] = {SL_ROWS_BATCH, SL_ROWS_UNIT, 3 * SL_ROWS_UNIT, SL_ROWS_BATCH_MAX};
            check_production(function, &options, sizes[round % 4]);
        }
    if (options.release) options.release(options.object);
}

static void check_failures(void) {
    check_context = "failures";
    const sl_function *function = &sl_functions[0];
    sl_options options;
    prepare(function, &options);
    sl_batch batch;
    sl_batch_init(&batch, function);
    sl_str rows[3] = {SL_STR("good"), {"\xFF", 1}, SL_STR("good")};
    int64_t failed = -1;
    CHECK(sl_batch_run(&batch, &options, rows, 3, 0, &failed) == SL_EUTF8 && failed == 1);
    sl_batch_reset(&batch);
    CHECK(sl_batch_run(&batch, &options, rows, 1, 0, &failed) == SL_OK && batch.columns[0].count == 1);
    sl_batch_reset(&batch);
    CHECK(sl_batch_nulls(&batch, 70) == SL_OK);
    CHECK(batch.columns[0].count == 70 && batch.columns[0].null_count == 70);
    sl_batch_free(&batch);
    sl_shared_release(NULL);
    if (options.release) options.release(options.object);
}

/* Offsets that do not fit 32 bits stay as they are. */
static void check_too_wide(void) {
    check_context = "narrow";
    sl_batch batch;
    sl_batch_init(&batch, &sl_functions[0]);
    CHECK(sl_batch_nulls(&batch, 2) == SL_OK);
    batch.columns[0].offsets[2] = INT64_C(1) << 31;
    CHECK(sl_batch_narrow(&batch) == SL_ERANGE);
    CHECK(!batch.narrow && batch.columns[0].offsets[2] == INT64_C(1) << 31);
    sl_batch_free(&batch);
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    for (uint32_t f = 0; f < sl_function_count; f++) check_function(&sl_functions[f], scale);
    check_failures();
    check_too_wide();
    return 0;
}
