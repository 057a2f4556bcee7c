/* test_words.c - word boundaries against Unicode's WordBreakTest, in memory of exact size, and of any bytes.
 * Contract: run from the root of the project, where the cases are tests/unicode/WordBreakTest.txt. */
#include "check.h"

#include "kernels/utf8.h"
#include "kernels/words.h"
#include "samples.h"

enum { LINE_MAX_BYTES = 1024 };

/* One line of the file: its text, and a bit for each byte at which a word begins or the text ends. */
static size_t read_case(const char *line, char *text, uint8_t *boundaries) {
    size_t len = 0;
    boundaries[0] = 1;
    while (*line) {
        if (*line == '|') {
            boundaries[len] = 1;
            line++;
        } else if (*line == ' ' || *line == '\n') {
            line++;
        } else {
            char *behind;
            size_t size = sl_utf8_put(text + len, (uint32_t)strtoul(line, &behind, 16));
            for (size_t i = 1; i <= size; i++) boundaries[len + i] = 0;
            len += size;
            line = behind;
        }
    }
    boundaries[len] = 1;
    return len;
}

static void check_cases(void) {
    FILE *file = fopen("tests/unicode/WordBreakTest.txt", "rb");
    CHECK(file != NULL);
    static char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
    static uint8_t boundaries[LINE_MAX_BYTES];
    uint32_t cases = 0;
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#') continue;
        check_context = line;
        size_t len = read_case(line, text, boundaries);
        char *copy = exact_copy(text, len);
        const char *p = copy;
        for (size_t at = 0; at < len; cases++) {
            CHECK(boundaries[at]);
            p = sl_word_end(p, copy + len);
            CHECK(p > copy + at && p <= copy + len);
            while (++at < (size_t)(p - copy)) CHECK(!boundaries[at]);
        }
        free(copy);
    }
    fclose(file);
    CHECK(cases > 1823);
}

static void check_any_bytes(uint64_t rounds) {
    static char bytes[SAMPLE_MAX];
    check_context = "any bytes";
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t len = sample(bytes, round);
        char *copy = exact_copy(bytes, len);
        for (const char *p = copy, *next; p < copy + len; p = next) {
            next = sl_word_end(p, copy + len);
            CHECK(next > p && next <= copy + len);
        }
        free(copy);
    }
}

int main(void) {
    uint64_t scale = check_start(__FILE__);
    check_cases();
    check_any_bytes(scale * 5000);
    return 0;
}
