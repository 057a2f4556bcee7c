/* test_spans.c - runs of neighbouring texts: what they cover, whether they are UTF-8, and which texts need no kernel.
 * Contract: nothing here knows a single function; every row of the table with a scan is held to the scan's promise.
 * The texts lie in memory of exact size, upwards, downwards, with gaps and NULLs between them. */
#include "check.h"

#include "samples.h"
#include "spans.h"

enum { TEXTS = 40 };

static char *memory;
static size_t memory_len;
static sl_str texts[TEXTS];

/* Cuts random bytes into texts: `valid` gives whole code points only, `down` lays the first text last. */
static void lay_out(uint64_t round, int valid, int down) {
    static char bytes[SAMPLE_MAX];
    uint32_t len = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t more = sample(bytes + len, round * 4 + (uint64_t)i);
        if (!valid || sl_utf8_valid(bytes + len, more)) len += more;
    }
    free(memory);
    memory = exact_copy(bytes, len ? len : 1);
    memory_len = len;
    size_t at = 0;
    for (int i = 0; i < TEXTS; i++) {
        sl_str *text = &texts[down ? TEXTS - 1 - i : i];
        size_t size = random_below(3) ? random_below(60) : 0;
        if (i == TEXTS - 1) size = memory_len; /* the rest */
        if (size > memory_len - at) size = memory_len - at;
        while (valid && at + size < memory_len && ((unsigned char)memory[at + size] & 0xC0) == 0x80) size++;
        *text = (sl_str){memory + at, (uint32_t)size};
        at += size;
        if (random_below(12) == 0) *text = (sl_str){NULL, 0};
    }
}

static void check_layout(int valid) {
    static uint8_t loud[TEXTS];
    static const sl_function unscanned = {.name = "unscanned"};
    for (size_t i = 0; i < TEXTS;) {
        if (!texts[i].ptr) {
            i++;
            continue;
        }
        sl_span span = sl_span_at(texts, i, TEXTS);
        CHECK(span.first == i && span.count >= 1 && i + span.count <= TEXTS);
        CHECK(span.ptr >= memory && span.ptr + span.len <= memory + memory_len);
        CHECK(span.count == 1 || span.len <= SL_SPAN_BYTES);
        size_t sum = 0;
        int all_valid = 1;
        for (size_t k = i; k < i + span.count; k++) {
            CHECK(texts[k].ptr >= span.ptr && texts[k].ptr + texts[k].len <= span.ptr + span.len);
            sum += texts[k].len;
            all_valid &= sl_utf8_valid(texts[k].ptr, texts[k].len);
        }
        CHECK(sum == span.len);
        CHECK(sl_span_valid(&span) == all_valid);
        if (valid) CHECK(all_valid);
        memset(loud, 7, sizeof(loud));
        sl_span_mark(&span, texts, &unscanned, NULL, loud);
        for (size_t k = i; k < i + span.count; k++) CHECK(loud[k] == 1);
        i += span.count;
    }
}

static sl_status never(sl_rows *rows) {
    (void)rows;
    CHECK(!"a text that the scan passed over has an element");
    return SL_OK;
}

/* A text that the scan passes over is left as it is, or holds nothing. */
static void check_quiet(const sl_function *function, const sl_options *options, sl_str text) {
    if (function->shape == SL_SHAPE_TEXT) {
        sl_buf out = SL_BUF_HEAP;
        sl_status status = function->kernel.TEXT(text, options, &out);
        CHECK(status == SL_UNCHANGED ||
              (status == SL_OK && out.len == text.len && (!out.len || memcmp(out.ptr, text.ptr, out.len) == 0)));
        sl_buf_free(&out);
    } else if (function->shape == SL_SHAPE_NUMBER) {
        sl_cell cell = {.integer = -1};
        CHECK(function->kernel.NUMBER(text, options, &cell) == SL_OK && cell.integer == 0);
    } else {
        sl_cell cells[8];
        sl_rows rows = {.cells = cells, .columns = function->result->field_count, .capacity = 0, .flush = never};
        CHECK(function->shape == SL_SHAPE_ROWS && rows.columns <= 8);
        CHECK(function->kernel.ROWS(text, options, &rows) == SL_OK && rows.count == 0);
    }
}

static uint64_t check_marks(const sl_function *function, const sl_options *options) {
    uint8_t loud[TEXTS];
    uint64_t quiet = 0;
    for (size_t i = 0; i < TEXTS;) {
        if (!texts[i].ptr) {
            i++;
            continue;
        }
        sl_span span = sl_span_at(texts, i, TEXTS);
        sl_span_mark(&span, texts, function, options, loud);
        for (size_t k = i; k < i + span.count; k++) {
            if (loud[k]) continue;
            check_quiet(function, options, texts[k]);
            quiet += texts[k].len > 0;
        }
        i += span.count;
    }
    return quiet;
}

static void check_scan(const sl_function *function, uint64_t scale) {
    check_context = function->name;
    sl_value values[8];
    uint32_t count = 0;
    for (uint32_t p = 0; p < function->param_count; p++)
        if (function->params[p].role == SL_ROLE_OPTION) values[count++] = function->params[p].fallback;
    /* With the default of every option, and with other numbers and truths. */
    for (int other = 0; other < 2; other++) {
        sl_options options = {{0, 0}, NULL, NULL};
        sl_error error;
        for (uint32_t i = 0; i < count; i++) values[i].integer ^= other;
        CHECK(function->prepare(values, &options, &error) == SL_OK);
        uint64_t quiet = 0;
        for (uint64_t round = 0; round < 3000 * scale; round++) {
            lay_out(round, 1, (int)(round & 1));
            quiet += check_marks(function, &options);
        }
        CHECK(quiet > 0); /* else the scan passes over nothing, and nothing was shown */
        if (options.release) options.release(options.object);
    }
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    check_context = "layout";
    for (uint64_t round = 0; round < 20000 * scale; round++) {
        lay_out(round, (int)(round % 3), (int)(round & 1));
        check_layout((int)(round % 3));
    }
    for (uint32_t f = 0; f < sl_function_count; f++)
        if (sl_functions[f].scan) check_scan(&sl_functions[f], scale);
    free(memory);
    return 0;
}
