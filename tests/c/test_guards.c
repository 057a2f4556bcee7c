/* test_guards.c - every kernel and every scan with its input flush against memory that can't be read, behind it and before it.
 * Contract: nothing here knows a single function. Answers are equal wherever the input lies, as told by test_kernels.c;
 * here a byte read beside it ends the program, in code as it is compiled for wheels too, where no sanitizer looks. */
#include "calls.h"
#include "samples.h"

#include <signal.h>
#include <unistd.h>

enum { SWEEP = 300 };

static char *rooms[2][2]; /* of the first text and of the second, by side */

static void check_text(testee *t, const char *bytes, uint32_t len) {
    static sl_buf first = {NULL, 0, 0, sl_buf_grow_heap, NULL};
    int valid = sl_utf8_valid(bytes, len);
    t->second = NULL;
    sl_str second = second_of(t, (sl_str){bytes, len});
    int pair = sl_takes_pair(t->function);
    if (sl_takes_numbers(t->function)) len -= len % 8;
    for (int flush = FLUSH_END; flush <= FLUSH_START; flush++)
        for (int other = FLUSH_END; other <= (pair ? FLUSH_START : FLUSH_END); other++) {
            sl_str text = {guarded_in(rooms[0][flush], flush, bytes, len), len};
            sl_str beside = {guarded_in(rooms[1][other], other, second.ptr, second.len), second.len};
            t->second = &beside;
            CHECK(call(t, text, 1, valid) <= SL_OK);
            if (flush == FLUSH_END && other == FLUSH_END) {
                first.len = 0;
                CHECK(sl_buf_append(&first, gathered.ptr, gathered.len) == SL_OK);
            }
            CHECK(gathered.len == first.len && (!first.len || memcmp(gathered.ptr, first.ptr, first.len) == 0));
            if (t->function->scan) CHECK(t->function->scan(text.ptr, text.len, t->options) <= text.len);
        }
}

/* Every beginning and every end of a text, so that whatever a kernel looks for is cut at each of its bytes. */
static void sweep(testee *t, const char *bytes, uint32_t len) {
    for (uint32_t cut = 0; cut <= len; cut++) {
        check_text(t, bytes, cut);
        check_text(t, bytes + cut, len - cut);
    }
}

/* The bytes of files, of which a text is made before the kernel sees it. */
static void check_opener(sl_opener open, const char *bytes, uint32_t len) {
    for (int flush = FLUSH_END; flush <= FLUSH_START; flush++) {
        sl_str content = {guarded_in(rooms[0][flush], flush, bytes, len), len}, text = {NULL, 0};
        sl_buf out = SL_BUF_HEAP;
        sl_error error = {{0}};
        sl_status status = open(content, &out, &text, &error);
        CHECK(status == SL_OK || status == SL_EARG || status == SL_EUTF8);
        if (status == SL_OK) CHECK(sl_utf8_valid(text.ptr, text.len));
        sl_buf_free(&out);
    }
}

static void check_openers(const sl_function *function, char *bytes, uint64_t scale) {
    static const sl_str marks[] = {SL_STR("\xFF\xFE"), SL_STR("\xFE\xFF"), SL_STR("\xEF\xBB\xBF"), SL_STR("PK\3\4"), SL_STR("PK\5\6")};
    for (uint32_t p = 0; p < function->param_count; p++)
        for (uint64_t round = 0; function->params[p].open && round < 300 * scale; round++) {
            sl_str mark = PICK(marks, round);
            memcpy(bytes, mark.ptr, mark.len);
            uint32_t len = mark.len + sample(bytes + mark.len, round);
            check_opener(function->params[p].open, bytes, len);
            check_opener(function->params[p].open, bytes + mark.len, len - mark.len);
        }
}

/* Texts long enough for the ways that only those take: one piece over and over, and then another to the end. */
static void check_long(testee *t, char *bytes) {
    enum { LONG = 1100, FILLERS = 8, TAIL = 600 };
    for (uint32_t flood = 0; flood < FLOODS; flood++)
        for (uint32_t filler = 0; filler < FILLERS; filler++) {
            uint32_t len = sample_flood(bytes, random_below(FLOODS), LONG);
            len += sample_flood(bytes + len, flood, random_below(TAIL));
            check_text(t, bytes, len);
            len += sample_flood(bytes + len, random_below(FLOODS), 16);
            check_text(t, bytes, len);
        }
}

static void check_function(const sl_function *function, uint64_t scale) {
    static char bytes[SAMPLE_MAX + 8];
    check_context = function->name;
    growths_left = -1;
    check_openers(function, bytes, scale);
    uint32_t prepared = 0;
    for (uint32_t trial = 0; trial < TRIALS && prepared < 4; trial++) {
        sl_options options;
        if (!prepare(function, trial, &options)) continue;
        testee t = {function, &options, NULL};
        uint64_t sweeps = (prepared++ ? 4 : 16) * scale;
        for (uint64_t round = 0; round < sweeps; round++) {
            uint32_t len = sample(bytes, round * 4 + 1);
            sweep(&t, bytes, len < SWEEP ? len : SWEEP);
        }
        for (uint64_t round = 0; round < 200 * scale; round++) check_text(&t, bytes, sample(bytes, round));
        for (uint32_t flood = 0; prepared == 1 && flood < FLOODS; flood++) {
            uint32_t len = sample_flood(bytes, flood, 400);
            for (uint32_t cut = 0; cut < 70 && cut <= len; cut++) check_text(&t, bytes, len - cut);
        }
        if (prepared == 1) check_long(&t, bytes);
        if (options.release) options.release(options.object);
    }
    forget();
    CHECK(prepared > 0);
}

/* A sanitizer tells more than this. */
static void report(int number) {
    static const char what[] = "test_guards: read beside the input in ";
    long written = (long)write(2, what, sizeof(what) - 1);
    written += (long)write(2, check_context, strlen(check_context));
    written += (long)write(2, "\n", 1);
    _exit(written > 0 ? 128 + number : 1);
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
#if !defined(__SANITIZE_ADDRESS__)
    signal(SIGSEGV, report);
#if defined(SIGBUS)
    signal(SIGBUS, report);
#endif
#else
    (void)report;
#endif
    gathered = SL_BUF_HEAP;
    for (int i = 0; i < 4; i++) rooms[i / 2][i % 2] = guarded_room();
    for (uint32_t f = 0; f < sl_function_count; f++) check_function(&sl_functions[f], scale);
    sl_buf_free(&gathered);
    return 0;
}
