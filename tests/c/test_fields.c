/* test_fields.c - elements and fields of documents that are whole, cut, and broken at any place.
 * Contract: nothing outside of the document is read; what comes out is UTF-8; a broken element gives no field. */
#include "check.h"

#include "kernels/utf8.h"
#include "python/items.h"

enum { ROWS = 16, NAMES = 6 };

static const char *const DOCUMENTS[] = {
    "{\"name\": \"A\\u00c3\\u00a9\", \"id\": 7, \"messages\": [{\"id\": 1, \"text\": \"a\\x0bb \\ud83d\\ude00 \\\" \\\\ \\/\"}, "
    "{\"id\": 2, \"text\": [\"x\", {\"type\": \"link\", \"text\": \"https://ex.org\"}, 5, \"\"], \"from\": {\"name\": null}}]}",
    "{\"messages\":[{\"files\":[{\"name\":\"a.jpg\"},{\"name\":\"b.jpg\"},{}],\"id\":-1.5e3,\"deep\":[[[{\"a\":[true,false]}]]]},5,[],"
    "{\"id\":\"\\ud800 \\udc00 \xC3\xA9 \xE2\x82\xAC\",\"id\":null,\"text\":[]}],\"name\":\"z\"}",
    "{\"chats\":{\"list\":[{\"messages\":[{}]}]},\"messages\":[{\"text\":\"0123456789abcdef0123456789abcdef\"}]}",
};

static void set(sl_json_field *field, const char *first, const char *second, int joined, int owner) {
    *field = (sl_json_field){.joined = joined, .owner = owner, .count = second ? 2 : 1};
    field->steps[0] = (sl_str){first, (uint32_t)strlen(first)};
    if (second) field->steps[1] = (sl_str){second, (uint32_t)strlen(second)};
}

static void check_texts(const sl_texts *texts, int64_t rows) {
    CHECK(texts->offsets[0] == 0);
    for (int64_t r = 0; r < rows; r++) {
        int64_t size = texts->offsets[r + 1] - texts->offsets[r];
        CHECK(size >= 0);
        CHECK(!size || sl_utf8_valid(texts->bytes.ptr + texts->offsets[r], (size_t)size));
        if (!(texts->valid[r / 8] >> r % 8 & 1)) CHECK(size == 0);
    }
}

static void check_document(const sl_json_fields *fields, const char *bytes, size_t len) {
    sl_items_step steps[1] = {{0, 1, {{"messages", 8}}}};
    sl_texts columns[NAMES + 1];
    sl_items items;
    sl_str item;
    int dirty = 0;
    int64_t row = 0;
    sl_items_init(&items, bytes, len, steps, 1);
    memset(columns, 0, sizeof(columns));
    for (int c = 0; c <= NAMES; c++) CHECK(sl_texts_init(&columns[c], ROWS) == SL_OK);
    while (row < ROWS && sl_items_next(&items, &item, &dirty)) {
        char *copy = exact_copy(item.ptr, item.len);
        sl_str owner = {"{\"name\": \"o\"}", 13};
        CHECK(sl_fields_read(fields, (sl_str){copy, item.len}, owner, columns, row, &dirty) == SL_OK);
        free(copy);
        if (columns[NAMES].valid[row / 8] >> row % 8 & 1)
            for (int c = 0; c < NAMES; c++) CHECK(columns[c].offsets[row + 1] == columns[c].offsets[row]);
        row++;
    }
    for (int c = 0; c <= NAMES; c++) {
        check_texts(&columns[c], row);
        sl_texts_free(&columns[c]);
    }
    sl_items_free(&items);
}

static void check_broken(uint64_t scale) {
    static sl_json_fields fields;
    static const char noise[] = "\"\\{}[],:ux0n \xC3\xFF\n";
    set(&fields.fields[0], "id", NULL, 0, 0);
    set(&fields.fields[1], "text", NULL, 1, 0);
    set(&fields.fields[2], "from", "name", 0, 0);
    set(&fields.fields[3], "files", "name", 0, 0);
    set(&fields.fields[4], "name", NULL, 0, 1);
    set(&fields.fields[5], "deep", NULL, 0, 0);
    fields.count = NAMES;
    sl_fields_prepare(&fields);
    for (uint64_t round = 0; round < 3000 * scale; round++) {
        const char *document = DOCUMENTS[random_below(sizeof(DOCUMENTS) / sizeof(*DOCUMENTS))];
        size_t len = round % 3 ? strlen(document) : random_below((uint32_t)strlen(document) + 1);
        char *copy = exact_copy(document, len);
        for (uint32_t n = random_below(4); n && len; n--)
            copy[random_below((uint32_t)len)] = random_below(2) ? noise[random_below(sizeof(noise) - 1)] : (char)random_word();
        fields.latin1 = (int)random_below(2);
        check_document(&fields, copy, len);
        free(copy);
    }
}

static void check_depth(void) {
    static char deep[4 * SL_JSON_DEPTH];
    memset(deep, '[', sizeof(deep));
    CHECK(sl_json_skip(deep, deep + sizeof(deep)) == NULL);
    for (int i = 0; i < SL_JSON_DEPTH; i++) deep[SL_JSON_DEPTH + i] = ']';
    CHECK(sl_json_skip(deep, deep + sizeof(deep)) == deep + 2 * SL_JSON_DEPTH);
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    check_context = "fields";
    check_broken(scale);
    check_context = "depth";
    check_depth();
    return 0;
}
