/* test_kernels.c - every row of the function table on seeded random bytes and random valid text.
 * Contract: nothing here knows a single function; a new row is tested without a line of code.
 * Each call is made on memory of exact size, with an output that moves at every growth and gives not one byte more than
 * asked for, then again with every growth (or flush) failing in turn. Answers are right or wrong elsewhere: here they
 * are equal between calls, well-formed, and within bounds. */
#include "calls.h"
#include "samples.h"

static void check_call(const testee *t, const char *bytes, uint32_t len) {
    int valid = sl_utf8_valid(bytes, len);
    char *copy = exact_copy(bytes, len);
    sl_str text = {copy, len};
    growths_left = -1;
    sl_status status = call(t, text, 0, valid);
    CHECK(status <= SL_OK); /* no text is an error, whatever its bytes */
    sl_buf first = SL_BUF_HEAP;
    CHECK(sl_buf_append(&first, gathered.ptr, gathered.len) == SL_OK);
    text.ptr = guarded_copy(bytes, len);
    CHECK(call(t, text, 1, valid) <= SL_OK);
    CHECK(gathered.len == first.len && (first.len == 0 || memcmp(gathered.ptr, first.ptr, first.len) == 0));
    CHECK(len == 0 || (memcmp(copy, bytes, len) == 0 && memcmp(text.ptr, bytes, len) == 0));
    sl_buf_free(&first);
    /* Out of memory at each of the first growths: told, and nothing leaks. */
    text.ptr = copy;
    for (int variant = 0; variant < 2; variant++)
        for (int allowed = 0; allowed < 4; allowed++) {
            growths_left = allowed;
            refused = 0;
            status = call(t, text, variant, valid);
            CHECK(refused ? status == SL_ENOMEM : status <= SL_OK);
            if (!refused) break;
        }
    free(copy);
}

static void check_function(const sl_function *function, uint64_t scale) {
    static char bytes[SAMPLE_MAX];
    check_context = function->name;
    uint32_t prepared = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        sl_options options;
        if (!prepare(function, trial, &options)) continue;
        testee t = {function, &options, NULL};
        uint64_t rounds = scale * (prepared++ ? 200 : 3000);
        for (uint64_t round = 0; round < rounds; round++) check_call(&t, bytes, sample(bytes, round));
        for (uint32_t flood = 0; prepared == 1 && flood < FLOODS; flood++)
            check_call(&t, bytes, sample_flood(bytes, flood, flood % 16 ? 3000 : 200000));
        if (prepared == 1) check_call(&t, bytes, sample_flood(bytes, random_below(FLOODS), SAMPLE_MAX));
        if (options.release) options.release(options.object);
        uint32_t option_count = 0;
        for (uint32_t p = 0; p < function->param_count; p++) option_count += function->params[p].role == SL_ROLE_OPTION;
        if (!option_count) break;
    }
    forget();
    CHECK(prepared > 0); /* else option_texts lacks a value that this function accepts */
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    gathered = SL_BUF_HEAP;
    for (uint32_t f = 0; f < sl_function_count; f++) check_function(&sl_functions[f], scale);
    sl_buf_free(&gathered);
    return 0;
}
