/* test_buffers.c - growable buffers, the memory of list elements, error sentences, and the function table itself.
 * Contract: what streamliner.h promises to doors and kernels, checked one promise at a time. */
#include "check.h"

#include "kernels/utf8.h"

static void check_buf(void) {
    sl_buf buf = SL_BUF_HEAP;
    CHECK(sl_buf_append(&buf, NULL, 0) == SL_OK && buf.len == 0);
    char expected[5000];
    size_t len = 0;
    for (uint32_t round = 0; round < 100; round++) {
        char piece[50];
        uint32_t size = random_below(sizeof(piece) + 1);
        memset(piece, (int)('a' + round % 26), size);
        CHECK(sl_buf_append(&buf, piece, size) == SL_OK);
        memcpy(expected + len, piece, size);
        len += size;
        CHECK(buf.len == len && buf.cap >= len && (len == 0 || memcmp(buf.ptr, expected, len) == 0));
    }
    CHECK(sl_buf_reserve(&buf, 12345) == SL_OK && buf.cap - buf.len >= 12345);
    memset(buf.ptr + buf.len, 'x', 12345);
    sl_buf before = buf;
    CHECK(sl_buf_reserve(&buf, SIZE_MAX) == SL_ENOMEM);
    CHECK(sl_buf_reserve(&buf, SIZE_MAX / 2) == SL_ENOMEM);
    CHECK(memcmp(&before, &buf, sizeof(buf)) == 0);
    sl_buf_free(&buf);
    CHECK(buf.ptr == NULL && buf.len == 0 && buf.cap == 0);
    sl_buf_free(&buf);
}

/* Texts stay where they are while later ones are made, and never overlap. */
static void check_rows_text(void) {
    enum { TEXTS = 400 };
    sl_rows rows = {0};
    char *texts[TEXTS];
    uint32_t sizes[TEXTS];
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < TEXTS; i++) {
            sizes[i] = i % 50 == 49 ? 100000 + random_below(1000) : random_below(300);
            CHECK(sl_rows_text(&rows, sizes[i], &texts[i]) == SL_OK);
            memset(texts[i], (int)(i % 251), sizes[i]);
        }
        for (uint32_t i = 0; i < TEXTS; i++)
            for (uint32_t k = 0; k < sizes[i]; k++) CHECK((unsigned char)texts[i][k] == i % 251);
        sl_rows_reset(&rows);
        CHECK(rows.blocks != NULL);
    }
    char *unused;
    CHECK(sl_rows_text(&rows, SIZE_MAX, &unused) == SL_ENOMEM);
    sl_rows_free(&rows);
    CHECK(rows.blocks == NULL);
    sl_rows_reset(&rows);
    sl_rows_free(&rows);
}

static uint32_t flushed;

static sl_status count_and_empty(sl_rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++) CHECK(rows->cells[i * 2].integer == (int64_t)(flushed + i));
    flushed += rows->count;
    if (flushed >= 70) return SL_ENOMEM;
    rows->count = 0;
    return SL_OK;
}

/* A full block is flushed before the next element, in order, and a flush that fails is told to the kernel. */
static void check_rows_add(void) {
    sl_cell cells[14], *row;
    sl_rows rows = {.cells = cells, .columns = 2, .capacity = 7, .flush = count_and_empty};
    for (uint32_t i = 0; i < 70; i++) {
        CHECK(sl_rows_add(&rows, &row) == SL_OK);
        CHECK(row >= cells && row + 2 <= cells + 14);
        row[0].integer = i;
        row[1].real = 0;
    }
    CHECK(flushed == 63 && rows.count == 7);
    CHECK(sl_rows_add(&rows, &row) == SL_ENOMEM);
}

static void check_errors(void) {
    for (int status = SL_OK; status < SL_STATUS_COUNT; status++) {
        CHECK(strcmp(sl_status_text((sl_status)status), "unknown status") != 0);
        for (int other = SL_OK; other < status; other++)
            CHECK(strcmp(sl_status_text((sl_status)status), sl_status_text((sl_status)other)) != 0);
    }
    sl_error error;
    CHECK(sl_error_set(&error, "expected %d, got '%s'", 1, "é") == SL_EARG);
    CHECK(strcmp(error.text, "expected 1, got 'é'") == 0);
    /* Cut sentences end at a whole code point, wherever the cut falls. */
    static const char *const letters[] = {"a", "é", "語", "😀"};
    for (int letter = 0; letter < 4; letter++)
        for (int shift = 0; shift < 4; shift++) {
            char text[1200] = {0};
            for (int i = 0; i < 250; i++) strcat(text, letters[letter]);
            CHECK(sl_error_set(&error, "%.*s%s", shift, "123", text) == SL_EARG);
            size_t len = strlen(error.text);
            CHECK(sl_utf8_valid(error.text, len));
            if (strlen(text) > sizeof(error.text)) CHECK(len > sizeof(error.text) - 5);
        }
}

/* Rows of the table that a door could not serve. */
static void check_table(void) {
    CHECK(sl_function_count > 0);
    for (uint32_t f = 0; f < sl_function_count; f++) {
        const sl_function *function = &sl_functions[f];
        check_context = function->name;
        CHECK(function->shape < SL_SHAPE_COUNT && function->kernel.TEXT != NULL && function->prepare != NULL);
        CHECK((function->result->type == SL_TYPE_LIST) == sl_gives_list(function));
        CHECK(function->param_count >= 1 && function->param_count <= 8);
        uint32_t row_texts = 0;
        for (uint32_t p = 0; p < function->param_count; p++) {
            row_texts += function->params[p].role == SL_ROLE_ROW;
            if (p && function->params[p].required) CHECK(function->params[p - 1].required);
        }
        CHECK(row_texts == 1u + (uint32_t)sl_takes_pair(function));
        CHECK(function->result->field_count <= 8);
        for (uint32_t other = 0; other < f; other++) CHECK(strcmp(function->name, sl_functions[other].name) != 0);
    }
}

int main(void) {
    check_start(__FILE__);
    check_context = "sl_buf";
    check_buf();
    check_context = "sl_rows_text";
    check_rows_text();
    check_context = "sl_rows_add";
    check_rows_add();
    check_context = "errors";
    check_errors();
    check_table();
    return 0;
}
