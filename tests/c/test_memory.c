/* test_memory.c - every allocation that fails, one after the other: told as SL_ENOMEM, nothing leaks, nothing is harmed.
 * Contract: nothing here knows a single function beyond what its options may be. Each operation runs once to count what it
 * allocates, then again with the first allocation failing, the second, and so on: that one alone, and all from it on. What
 * it answers is SL_ENOMEM, or what it answered at first.
 * The linker hands every malloc of the kernels and doors to this file (-Wl,--wrap), so no kernel knows of it. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>

#include "kernels/utf8.h"
#include "python/arrow.h"
#include "python/items.h"
#include "python/rows.h"
#include "samples.h"

/* ---- allocations that fail ------------------------------------------------------------------------------------------ */

static atomic_long asked, denied, live;
static atomic_int armed;
static long first_denied; /* below zero: none */
static int all_from_there;
static unsigned long long runs, refusals;

static int deny(void) {
    if (!atomic_load(&armed)) return 0;
    long number = atomic_fetch_add(&asked, 1);
    if (first_denied < 0 || number < first_denied || (number > first_denied && !all_from_there)) return 0;
    atomic_fetch_add(&denied, 1);
    return 1;
}

static void *given(void *room) {
    if (room) atomic_fetch_add(&live, 1);
    return room;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *room);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *room);

void *__wrap_malloc(size_t size) { return deny() ? NULL : given(__real_malloc(size)); }
void *__wrap_calloc(size_t count, size_t size) { return deny() ? NULL : given(__real_calloc(count, size)); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return deny() ? NULL : given(__real_aligned_alloc(alignment, size));
}
void *__wrap_realloc(void *old, size_t size) {
    if (deny()) return NULL;
    void *room = __real_realloc(old, size);
    return old ? room : given(room);
}
void __wrap_free(void *room) {
    if (room) atomic_fetch_sub(&live, 1);
    __real_free(room);
}

/* ---- what an operation answers, without a place to keep it ------------------------------------------------------------ */

static uint64_t digest;

static void note(const void *bytes, size_t len) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) digest = (digest ^ p[i]) * UINT64_C(1099511628211);
}

static void note_column(const sl_column *column) {
    note(&column->count, sizeof(column->count));
    note(&column->null_count, sizeof(column->null_count));
    for (int64_t i = 0; i < column->count; i++) {
        int valid = sl_column_valid(column, i);
        note(&valid, sizeof(valid));
    }
    if (column->type != SL_TYPE_LIST && column->type != SL_TYPE_STRUCT) note(column->values, column->len);
}

static void note_batch(const sl_batch *batch) {
    note_column(&batch->columns[0]);
    for (uint32_t f = 0; f < batch->function->result->field_count; f++) note_column(&batch->columns[1 + f]);
}

static void note_array(const struct ArrowArray *array) {
    note(&array->length, sizeof(array->length));
    note(&array->null_count, sizeof(array->null_count));
    for (int64_t c = 0; c < array->n_children; c++) note_array(array->children[c]);
}

/* ---- the driver ------------------------------------------------------------------------------------------------------- */

typedef struct call {
    const sl_function *function;
    const sl_value *values;
    const sl_str *texts;
    const sl_numbers *numbers;
    int64_t count;
} call;

typedef sl_status (*operation)(const call *c);

/* A thread may let go of its last piece a moment after the operation. */
static int is_back_at(long before) {
    for (int i = 0; i < 5000 && atomic_load(&live) != before; i++) wait_a_millisecond();
    return atomic_load(&live) == before;
}

static sl_status run_once(operation run, const call *c, long at, int all) {
    long before = atomic_load(&live);
    digest = UINT64_C(14695981039346656037);
    first_denied = at;
    all_from_there = all;
    atomic_store(&asked, 0);
    atomic_store(&denied, 0);
    atomic_store(&armed, 1);
    sl_status status = run(c);
    CHECK(is_back_at(before)); /* else something leaks, or was freed twice */
    atomic_store(&armed, 0);
    runs++;
    return status;
}

static void fail_each(operation run, const call *c) {
    sl_status status = run_once(run, c, -1, 0);
    CHECK(status == SL_OK);
    uint64_t wanted = digest;
    long count = atomic_load(&asked);
    for (long at = 0; at < count; at++) {
        if (at > 60 && random_below((uint32_t)count) > 60) continue;
        for (int all = 0; all < 2; all++) {
            status = run_once(run, c, at, all);
            if (!atomic_load(&denied)) { /* with threads the number of allocations is not always the same */
                CHECK(status == SL_OK && digest == wanted);
                continue;
            }
            refusals++;
            CHECK(status == SL_ENOMEM || (status == SL_OK && digest == wanted));
        }
    }
    CHECK(run_once(run, c, -1, 0) == SL_OK && digest == wanted);
}

/* ---- operations ------------------------------------------------------------------------------------------------------- */

static sl_status prepared(const call *c, sl_options *options) {
    sl_error error;
    *options = (sl_options){{0, 0}, NULL, NULL};
    return c->function->prepare(c->values, options, &error);
}

static void unprepare(sl_options *options) {
    if (options->release) options->release(options->object);
}

static sl_status fill(const call *c, const sl_options *options, sl_batch *batch) {
    int64_t failed;
    sl_error error;
    SL_TRY(sl_batch_reserve(batch, c->count, 100));
    if (sl_takes_numbers(c->function)) {
        const sl_numbers *second = c->function->shape == SL_SHAPE_NUMBERS_PAIR ? c->numbers : NULL;
        return sl_batch_run_numbers(batch, options, c->numbers, second, c->count, &failed, &error);
    }
    if (c->function->shape == SL_SHAPE_PAIR)
        return sl_batch_run_pairs(batch, options, c->texts, c->texts + 1, c->count - 1, 0, &failed);
    return sl_batch_run(batch, options, c->texts, c->count, 0, &failed);
}

static sl_status run_batch(const call *c) {
    sl_options options;
    sl_batch batch;
    SL_TRY(prepared(c, &options));
    sl_batch_init(&batch, c->function);
    sl_status status = fill(c, &options, &batch);
    if (status <= SL_OK) status = sl_batch_narrow(&batch);
    if (status <= SL_OK) note_batch(&batch);
    sl_batch_free(&batch);
    unprepare(&options);
    return status;
}

static sl_status told(int number) { return number == 0 ? SL_OK : number == ENOMEM ? SL_ENOMEM : SL_EARG; }

static sl_status read_stream(struct ArrowArrayStream *stream) {
    struct ArrowSchema schema;
    SL_TRY(told(stream->get_schema(stream, &schema)));
    schema.release(&schema);
    for (;;) {
        struct ArrowArray array;
        int number = stream->get_next(stream, &array);
        /* The thread that makes the rows had no memory: the number is another, and the words are these. */
        if (number == EIO && !strcmp(stream->get_last_error(stream), sl_status_text(SL_ENOMEM))) number = ENOMEM;
        SL_TRY(told(number));
        if (!array.release) return SL_OK;
        note_array(&array);
        array.release(&array);
    }
}

static sl_status run_export(const call *c) {
    sl_options options;
    SL_TRY(prepared(c, &options));
    sl_shared *shared = sl_shared_new(c->function);
    sl_batch *batch = shared ? sl_shared_add(shared) : NULL;
    struct ArrowArrayStream stream;
    sl_status status = batch ? fill(c, &options, batch) : SL_ENOMEM;
    if (status <= SL_OK) {
        sl_shared_pack(shared);
        status = told(sl_arrow_export_stream(shared, &stream));
        if (status == SL_OK) {
            status = read_stream(&stream);
            stream.release(&stream);
        }
    }
    sl_shared_release(shared);
    unprepare(&options);
    return status;
}

static void drop(void *hold) { atomic_fetch_add((atomic_int *)hold, 1); }

/* Rows made in the background: what holds the text is given back exactly once, unless nothing was started. */
static sl_status run_rows(const call *c) {
    static const sl_row_key key = {SL_STR("whatsapp\x1f" "family"), 1, 2, 3};
    atomic_int dropped;
    atomic_init(&dropped, 0);
    sl_options options;
    SL_TRY(prepared(c, &options));
    sl_made *made;
    struct ArrowArrayStream stream;
    const sl_row_key *wanted = sl_parts_of(c->function) ? &key : NULL;
    long before = atomic_load(&live);
    sl_status status = sl_made_start(c->function, &options, c->texts[0], wanted, SL_ROWS_UNIT, 3, 1, &dropped, drop, &made);
    if (status == SL_OK) {
        status = told(sl_made_export_stream(made, &stream));
        if (status == SL_OK) {
            status = read_stream(&stream);
            stream.release(&stream);
        }
        sl_made_abandon(made);
        CHECK(is_back_at(before));
        CHECK(atomic_load(&dropped) == 1);
    }
    unprepare(&options);
    return status;
}

static sl_status run_open(const call *c) {
    for (uint32_t p = 0; p < c->function->param_count; p++) {
        if (!c->function->params[p].open) continue;
        sl_buf out = SL_BUF_HEAP;
        sl_str text;
        sl_error error;
        sl_status status = c->function->params[p].open(c->texts[0], &out, &text, &error);
        if (status <= SL_OK) note(text.ptr, text.len);
        sl_buf_free(&out);
        return status;
    }
    return SL_OK;
}

static sl_json_fields fields;

/* Elements of a document, as texts with their owner, or as columns. */
static sl_status run_items(const call *c) {
    static const char *const names[] = {"id", "text", "name", "reason"};
    sl_items_step steps[1] = {{0, 1, {{"messages", 8}}}};
    sl_items items, result;
    struct ArrowArrayStream stream;
    atomic_int dropped;
    atomic_init(&dropped, 0);
    sl_items_output output = {3, 1, 0, c->count ? &fields : NULL, names};
    sl_items_init(&items, c->texts[0].ptr, c->texts[0].len, steps, 1);
    sl_status status = told(sl_items_stream(&items, &output, &result, &dropped, drop, &stream));
    if (status == SL_OK) {
        status = read_stream(&stream);
        stream.release(&stream);
        CHECK(atomic_load(&dropped) == 1);
    }
    sl_items_free(&items);
    return status;
}

/* ---- what they are run on --------------------------------------------------------------------------------------------- */

enum { TEXTS = 10, NUMBERS = 40, PATTERNS = 300 };

/* Few patterns and many: the automaton of many is built another way. */
static void fill_values(const sl_function *function, int many, sl_value *values) {
    static char room[PATTERNS][16];
    static sl_str patterns[PATTERNS];
    for (int i = 0; i < PATTERNS; i++) {
        int len = snprintf(room[i], sizeof(room[i]), "%d\xC3\xA9%c", i * 7919 % 1000, 'a' + i % 26);
        patterns[i] = (sl_str){room[i], (uint32_t)len};
    }
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->param_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        sl_value *value = &values[count++];
        *value = function->params[p].fallback;
        if (!function->params[p].required) continue;
        value->text = SL_STR("dns");
        value->integer = 8;
        value->texts = patterns;
        value->count = many ? PATTERNS : 3;
    }
}

static void check_function(const sl_function *function, uint64_t scale) {
    static char bytes[SAMPLE_MAX];
    static int64_t some[NUMBERS] = {3, 1, 4, 1, 5, 9, 2, 6};
    static const sl_numbers numbers[] = {{some, NUMBERS}, {NULL, 0}, {some, 8}, {some, NUMBERS}};
    check_context = function->name;
    sl_value values[SL_FIELD_MAX];
    sl_str texts[TEXTS];
    for (uint64_t round = 0; round < 20 * scale; round++) {
        fill_values(function, round % 4 == 3, values);
        for (int i = 0; i < TEXTS; i++) {
            uint32_t len = i == 0 ? sample_flood(bytes, random_below(FLOODS), 3000) : sample(bytes, round * TEXTS + i);
            if (i == 1) { /* all sorts of code points, long enough for what is kept aside to grow */
                len = 0;
                while (len < 3000) len += sample_point(bytes + len);
            }
            if (!sl_utf8_valid(bytes, len)) len = 0;
            texts[i] = i == 2 ? (sl_str){NULL, 0} : (sl_str){exact_copy(bytes, len ? len : 1), len};
        }
        call c = {function, values, texts, numbers, sl_takes_numbers(function) ? 4 : TEXTS};
        fail_each(run_batch, &c);
        fail_each(run_export, &c);
        for (int i = 0; i < TEXTS; i++) free((char *)texts[i].ptr);
    }
}

static void check_rows(const sl_function *function) {
    sl_value values[SL_FIELD_MAX];
    fill_values(function, 0, values);
    sl_buf text = SL_BUF_HEAP;
    char line[96];
    for (int i = 0; i < 2000; i++) {
        int len = snprintf(line, sizeof(line), "05/03/2024, 09:%02d - Ana%d: hi ana%d@example.org #x\n", i / 60 % 60, i % 300, i);
        CHECK(sl_buf_append(&text, line, (size_t)len) == SL_OK);
    }
    sl_str whole = {text.ptr, (uint32_t)text.len};
    fail_each(run_rows, &(call){function, values, &whole, NULL, 1});
    sl_buf_free(&text);
}

/* The bytes of a file: text in UTF-16, and an archive that tests/archives.py has made. */
static void check_open(const sl_function *function) {
    static const char half[] = "\xFF\xFE" "0\0005\0/\0000\0003\0/\0002\0000\0002\0004\0,\0 \0000\0009\0:\0001\0005\0 \0-\0 \0A\0:\0 \0h\0\n\0";
    static char bytes[1 << 16];
    sl_str text = {half, sizeof(half) - 1};
    check_context = "a file in UTF-16";
    fail_each(run_open, &(call){function, NULL, &text, NULL, 1});
    DIR *folder = opendir("build/archives");
    CHECK(folder != NULL); /* make build/archives */
    uint32_t opened = 0;
    check_context = "an archive";
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[300];
        snprintf(path, sizeof(path), "build/archives/%s", entry->d_name);
        FILE *file = fopen(path, "rb");
        CHECK(file != NULL);
        text = (sl_str){bytes, (uint32_t)fread(bytes, 1, sizeof(bytes), file)};
        fclose(file);
        call c = {function, NULL, &text, NULL, 1};
        if (text.len == sizeof(bytes) || run_once(run_open, &c, -1, 0) != SL_OK) continue; /* large, or refused */
        opened++;
        fail_each(run_open, &c);
    }
    closedir(folder);
    CHECK(opened > 10);
}

static void check_items(void) {
    static const char document[] =
        "{\"name\": \"A\\u00c3\\u00a9\", \"id\": 7, \"messages\": [{\"id\": 1, \"text\": \"a\\x0bb \\ud83d\\ude00\"}, 5, [],"
        "{\"id\": 2, \"text\": [\"x\", {\"type\": \"link\", \"text\": \"https://ex.org\"}, 5, \"\"]}, {\"id\": \"\\ud800\"},"
        "{\"text\": \"a rather long text that does not fit into any small place, and then some more of it\"}]}";
    sl_str text = {document, sizeof(document) - 1};
    fields.fields[0] = (sl_json_field){.count = 1, .steps = {SL_STR("id")}};
    fields.fields[1] = (sl_json_field){.count = 1, .joined = 1, .steps = {SL_STR("text")}};
    fields.fields[2] = (sl_json_field){.count = 1, .owner = 1, .steps = {SL_STR("name")}};
    fields.count = 3;
    sl_fields_prepare(&fields);
    for (int columns = 0; columns < 2; columns++) {
        check_context = columns ? "fields" : "items";
        fail_each(run_items, &(call){NULL, NULL, &text, NULL, columns});
    }
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    for (uint32_t f = 0; f < sl_function_count; f++) {
        const sl_function *function = &sl_functions[f];
        check_function(function, scale);
        if (function->shape == SL_SHAPE_ROWS && sl_gives_list(function) && function->result->fields[0].name)
            check_rows(function);
        for (uint32_t p = 0; p < function->param_count; p++)
            if (function->params[p].open) check_open(function);
    }
    check_items();
    printf("test_memory: %llu runs, %llu with an allocation refused\n", runs, refusals);
    CHECK(refusals > 10000);
    return 0;
}
