/* target.c - what a fuzzer runs: one target for each family of the function table, and `json` and `zip` for what reads files.
 * Contract: no oracle is needed. Whatever the bytes: no crash, no error, the same answer with little room and with much,
 * UTF-8 out of UTF-8; and the laws of laws.h. The family is the name that the program runs under.
 * The last bytes of an input choose the function and its options, those before them are the text: any text is a seed. */
#include "laws.h"

#include "kernels/inflate.h"
#include "kernels/zip.h"
#include "python/items.h"

enum { PAIR_MAX = 600 };

static const char *family;

/* ---- bytes into calls ------------------------------------------------------------------------------------------------ */

typedef struct input {
    const char *bytes;
    size_t len; /* without what was taken from the end */
    size_t all;
} input;

static uint32_t take(input *in) { return in->len ? (unsigned char)in->bytes[--in->len] : 0; }

static sl_str slice(input *in, uint32_t limit) {
    size_t at = in->all * take(in) / 256, len = take(in) % limit;
    if (len > in->all - at) len = in->all - at;
    return (sl_str){in->bytes + at, (uint32_t)len};
}

static sl_str copied(sl_str text) { return (sl_str){exact_copy(text.ptr, text.len), text.len}; }

/* Patterns are pieces of the text itself, or nothing would ever match. */
static void take_texts(input *in, sl_value *value, uint32_t count) {
    sl_str *texts = malloc((count + 1) * sizeof(sl_str));
    for (uint32_t i = 0; i < count; i++) texts[i] = copied(slice(in, 12));
    value->texts = texts;
    value->count = count;
}

static void take_value(input *in, const sl_param *param, sl_value *value) {
    uint32_t choice = take(in);
    int fallback = choice < 64 && !param->required;
    *value = param->fallback;
    if (value->type == SL_TYPE_TEXT) {
        value->text = copied(fallback ? value->text : choice > 240 ? slice(in, 64) : PICK(option_texts, choice));
    } else if (!fallback) {
        value->integer = choice < 200 ? (int64_t)choice - 64 : PICK(option_integers, choice);
        if (value->type == SL_TYPE_BOOLEAN) value->integer = choice & 1;
        value->real = choice < 200 ? choice - 64.0 : PICK(option_reals, choice);
    }
}

/* As `prepare` in calls.h, with values out of the input. */
static int take_options(input *in, const sl_function *function, sl_options *options) {
    uint32_t lists = 1 + take(in) % 6;
    forget();
    for (uint32_t p = 0; p < function->param_count; p++) {
        const sl_param *param = &function->params[p];
        if (param->role != SL_ROLE_OPTION) continue;
        if (param->fallback.type == SL_TYPE_TEXTS) {
            kept[kept_count] = param->fallback;
            take_texts(in, &kept[kept_count], lists);
        } else {
            take_value(in, param, &kept[kept_count]);
        }
        kept_count++;
    }
    return prepared(function, kept, options);
}

/* ---- one function ---------------------------------------------------------------------------------------------------- */

/* Bytes that are not UTF-8 as question marks. */
static int repair(char *bytes, size_t len) {
    int repaired = 0;
    for (const char *p = bytes, *end = bytes + len; p < end;) {
        const char *before = p;
        if (sl_utf8_next(&p, end) == SL_REPLACEMENT && p == before + 1) {
            bytes[before - bytes] = '?';
            repaired = 1;
        }
    }
    return repaired;
}

static void check_twice(testee *t, sl_str text, int valid) {
    static sl_buf first = {NULL, 0, 0, sl_buf_grow_heap, NULL};
    CHECK(call(t, text, 0, valid) <= SL_OK);
    first.len = 0;
    CHECK(sl_buf_append(&first, gathered.ptr, gathered.len) == SL_OK);
    CHECK(call(t, text, 1, valid) <= SL_OK);
    CHECK(gathered.len == first.len && (!first.len || memcmp(gathered.ptr, first.ptr, first.len) == 0));
}

static int options_valid(void) {
    for (uint32_t i = 0; i < kept_count; i++) {
        if (kept[i].type == SL_TYPE_TEXT && !sl_utf8_valid(kept[i].text.ptr, kept[i].text.len)) return 0;
        for (uint32_t t = 0; kept[i].type == SL_TYPE_TEXTS && t < kept[i].count; t++)
            if (!sl_utf8_valid(kept[i].texts[t].ptr, kept[i].texts[t].len)) return 0;
    }
    return 1;
}

static void check_opened(const sl_function *function, const char *bytes, size_t len) {
    for (uint32_t p = 0; p < function->param_count; p++) {
        if (!function->params[p].open) continue;
        char *copy = exact_copy(bytes, len);
        sl_str text = {NULL, 0};
        sl_buf out = SL_BUF_HEAP;
        sl_error error = {{0}};
        if (function->params[p].open((sl_str){copy, (uint32_t)len}, &out, &text, &error) == SL_OK)
            CHECK(sl_utf8_valid(text.ptr, text.len));
        sl_buf_free(&out);
        free(copy);
    }
}

static void fuzz_function(const char *bytes, size_t len) {
    const sl_function *functions[16];
    uint32_t count = 0;
    for (uint32_t f = 0; f < sl_function_count; f++)
        if (strcmp(sl_functions[f].family, family) == 0 && count < 16) functions[count++] = &sl_functions[f];
    input in = {bytes, len, len};
    const sl_function *function = functions[take(&in) % count];
    check_context = function->name;
    check_opened(function, bytes, len);
    sl_options options;
    if (!take_options(&in, function, &options)) return;
    /* Pairs cost the product of both. */
    int pair = sl_takes_pair(function), numbers = sl_takes_numbers(function);
    size_t cut = pair && !numbers ? in.len * take(&in) / 256 : in.len;
    if (cut > in.len) cut = in.len;
    if (pair && cut > PAIR_MAX) cut = PAIR_MAX;
    size_t rest = pair ? in.len - cut : 0;
    if (rest > PAIR_MAX) rest = PAIR_MAX;
    char *first = exact_copy(bytes, cut), *second = exact_copy(bytes + cut, rest);
    sl_str text = {first, (uint32_t)cut}, beside = {second, (uint32_t)rest};
    testee t = {function, &options, pair && !numbers ? &beside : NULL};
    if (numbers) {
        check_twice(&t, text, 0);
        check_numbers(function, &options, text);
    } else {
        if (!sl_utf8_valid(first, cut) || !sl_utf8_valid(second, rest)) {
            check_twice(&t, text, 0);
            repair(first, cut);
            repair(second, rest);
        }
        int valid = options_valid();
        check_twice(&t, text, valid);
        check_scan(&t, text);
        if (valid) check_laws(function, &options, text, beside);
    }
    free(first);
    free(second);
    if (options.release) options.release(options.object);
}

/* ---- what reads files ------------------------------------------------------------------------------------------------ */

static void fuzz_zip(const char *bytes, size_t len) {
    enum { ROOM = 1 << 16 };
    static uint8_t room[ROOM];
    char *copy = exact_copy(bytes, len);
    size_t made;
    sl_inflate((const uint8_t *)copy, len, room, ROOM, &made);
    CHECK(made <= ROOM);
    sl_zip zip;
    sl_error error = {{0}};
    if (sl_zip_open(&zip, (sl_str){copy, (uint32_t)len}, &error) == SL_OK) {
        CHECK(zip.count <= SL_ZIP_MEMBERS);
        for (uint32_t i = 0; i < zip.count && i < 20; i++) {
            const sl_zip_member *member = &zip.members[i];
            sl_zip_name shown = sl_zip_show(member->name);
            CHECK(memchr(shown.text, 0, sizeof(shown.text)) != NULL);
            if (sl_zip_peek(&zip, member, room, 100, &made, &error) == SL_OK) CHECK(made <= 100);
            sl_buf out = SL_BUF_HEAP;
            if (member->size <= ROOM && sl_zip_read(&zip, member, &out, &error) == SL_OK) {
                CHECK(out.len == member->size && sl_crc32((const uint8_t *)out.ptr, out.len) == member->crc);
            }
            sl_buf_free(&out);
        }
        sl_zip_close(&zip);
    } else {
        CHECK(error.text[0] && memchr(error.text, 0, sizeof(error.text)) != NULL);
    }
    free(copy);
}

static void set_field(sl_json_field *field, const char *first, const char *second, int joined, int owner) {
    *field = (sl_json_field){.joined = joined, .owner = owner, .count = second ? 2 : 1};
    field->steps[0] = (sl_str){first, (uint32_t)strlen(first)};
    if (second) field->steps[1] = (sl_str){second, (uint32_t)strlen(second)};
}

static void fuzz_json(const char *bytes, size_t len) {
    enum { NAMES = 5 };
    static sl_json_fields fields;
    if (!fields.count) {
        set_field(&fields.fields[0], "id", NULL, 0, 0);
        set_field(&fields.fields[1], "text", NULL, 1, 0);
        set_field(&fields.fields[2], "from", "name", 0, 0);
        set_field(&fields.fields[3], "files", "name", 0, 0);
        set_field(&fields.fields[4], "name", NULL, 0, 1);
        fields.count = NAMES;
        sl_fields_prepare(&fields);
    }
    input in = {bytes, len, len};
    fields.latin1 = (int)take(&in) & 1;
    char *copy = exact_copy(bytes, in.len);
    sl_items_step steps[2] = {{0, 2, {{"messages", 8}, {"chats", 5}}}, {1, 0, {{NULL, 0}}}};
    sl_items items;
    sl_str item;
    int dirty = 0;
    sl_items_init(&items, copy, in.len, steps, 1 + (take(&in) & 1));
    while (sl_items_next(&items, &item, &dirty)) {
        sl_texts columns[NAMES + 1];
        CHECK(item.ptr >= copy && item.ptr + item.len <= copy + len);
        for (int c = 0; c <= NAMES; c++) CHECK(sl_texts_init(&columns[c], 1) == SL_OK);
        char *element = exact_copy(item.ptr, item.len);
        sl_buf mended = SL_BUF_HEAP;
        CHECK(sl_json_mend(&mended, element, element + item.len) == SL_OK);
        CHECK(sl_utf8_valid(mended.ptr, mended.len));
        CHECK(sl_fields_read(&fields, (sl_str){element, item.len}, SL_STR("{\"name\": \"o\"}"), columns, 0, &dirty) == SL_OK);
        for (int c = 0; c <= NAMES; c++) {
            CHECK(columns[c].offsets[0] == 0 && columns[c].offsets[1] == (int64_t)columns[c].bytes.len);
            CHECK(sl_utf8_valid(columns[c].bytes.ptr, columns[c].bytes.len));
            sl_texts_free(&columns[c]);
        }
        sl_buf_free(&mended);
        free(element);
    }
    sl_items_free(&items);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    const char *slash = strrchr((*argv)[0], '/');
    family = slash ? slash + 1 : (*argv)[0];
    gathered = SL_BUF_HEAP;
    growths_left = -1;
    int known = strcmp(family, "zip") == 0 || strcmp(family, "json") == 0;
    for (uint32_t f = 0; f < sl_function_count; f++) known |= strcmp(sl_functions[f].family, family) == 0;
    if (!known) {
        fprintf(stderr, "fuzz: expected to run under the name of a family of csrc/functions.def, or json or zip, got %s\n", family);
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (strcmp(family, "zip") == 0) {
        fuzz_zip((const char *)data, len);
    } else if (strcmp(family, "json") == 0) {
        fuzz_json((const char *)data, len);
    } else {
        fuzz_function((const char *)data, len);
    }
    return 0;
}
