/* automaton.c - many patterns at once: whether, where, and with what in their place.
 * Contract: leftmost-longest matches, none overlapping; linear in the text, however many patterns there are.
 * Source: Aho and Corasick 1975, doi:10.1145/360825.360855, for the automaton behind; Unicode 5.18 for case. */
#include "automaton.h"

#include "utf8.h"

/* ---- options ------------------------------------------------------------------------------------------------------ */

enum { IGNORE_CASE = 1, WHOLE_WORDS = 2 };

static sl_status read_words(sl_str options, int *chosen, sl_error *error) {
    static const sl_str words[] = {{"ignore_case", 11}, {"whole_words", 11}};
    const char *p = options.ptr, *end = p + options.len;
    *chosen = 0;
    for (;;) {
        while (p < end && (*p == ',' || *p == ' ')) p++;
        if (p == end) return SL_OK;
        const char *start = p;
        while (p < end && *p != ',' && *p != ' ') p++;
        size_t len = (size_t)(p - start), word = 0;
        while (word < 2 && !(words[word].len == len && !memcmp(words[word].ptr, start, len))) word++;
        if (word == 2)
            return sl_error_set(error, "expected options to be a list of ignore_case, whole_words, got '%.*s'",
                                (int)(len > 250 ? 250 : len), start);
        *chosen |= 1 << word;
    }
}

static sl_status prepare(const sl_value *patterns, const sl_value *replacements, sl_str words, sl_options *options,
                         sl_error *error) {
    int chosen;
    SL_TRY(read_words(words, &chosen, error));
    for (uint32_t i = 0; i < patterns->count; i++)
        if (!patterns->texts[i].len)
            return sl_error_set(error, "expected patterns of one character or more, got '' as number %u", i + 1);
    if (replacements && replacements->count != patterns->count)
        return sl_error_set(error, "expected one replacement for each of %u patterns, got %u", patterns->count,
                            replacements->count);
    automaton *made = NULL;
    SL_TRY(sl_automaton_make(patterns->texts, replacements ? replacements->texts : NULL, patterns->count,
                             (chosen & IGNORE_CASE) != 0, (chosen & WHOLE_WORDS) != 0, &made));
    options->object = made;
    options->release = sl_automaton_free;
    return SL_OK;
}

sl_status sl_prepare_patterns(const sl_value *values, sl_options *options, sl_error *error) {
    return prepare(&values[0], NULL, SL_STR(""), options, error);
}

sl_status sl_prepare_matching(const sl_value *values, sl_options *options, sl_error *error) {
    return prepare(&values[0], NULL, values[1].text, options, error);
}

sl_status sl_prepare_replacing(const sl_value *values, sl_options *options, sl_error *error) {
    return prepare(&values[0], &values[1], values[2].text, options, error);
}

/* ---- kernels ------------------------------------------------------------------------------------------------------ */

/* Whole words do not count here: whether a match stands alone depends on where a text begins and ends. */
size_t sl_scan_patterns(const char *ptr, size_t len, const sl_options *options) {
    automaton_search search;
    automaton_match match;
    int found;
    sl_automaton_start(&search, options->object, ptr, len);
    search.whole_words = 0;
    if (sl_automaton_next(&search, &match, &found) > SL_OK) return 0;
    sl_automaton_stop(&search);
    return found ? (size_t)(match.start - ptr) : len;
}

sl_status sl_contains_any(sl_str text, const sl_options *options, sl_cell *out) {
    automaton_search search;
    automaton_match match;
    int found;
    sl_automaton_start(&search, options->object, text.ptr, text.len);
    SL_TRY(sl_automaton_next(&search, &match, &found));
    sl_automaton_stop(&search);
    out->integer = found;
    return SL_OK;
}

sl_status sl_find_many(sl_str text, const sl_options *options, sl_rows *out) {
    const automaton *a = options->object;
    automaton_search search;
    automaton_match match;
    sl_automaton_start(&search, a, text.ptr, text.len);
    const char *counted = text.ptr;
    int64_t points = 0;
    sl_status status;
    for (;;) {
        int found;
        if ((status = sl_automaton_next(&search, &match, &found)) > SL_OK || !found) break;
        points += (int64_t)sl_utf8_count(counted, (size_t)(match.start - counted));
        sl_cell *cells;
        if ((status = sl_rows_add(out, &cells)) > SL_OK) break;
        cells[0].text = a->names[a->patterns[match.pattern].number];
        cells[1].integer = points;
        points += (int64_t)sl_utf8_count(match.start, (size_t)(match.stop - match.start));
        cells[2].integer = points;
        counted = match.stop;
    }
    sl_automaton_stop(&search);
    return status;
}

sl_status sl_replace_many(sl_str text, const sl_options *options, sl_buf *out) {
    const automaton *a = options->object;
    automaton_search search;
    automaton_match match;
    sl_automaton_start(&search, a, text.ptr, text.len);
    const char *copied = text.ptr;
    sl_status status;
    for (;;) {
        int found;
        if ((status = sl_automaton_next(&search, &match, &found)) > SL_OK || !found) break;
        sl_str replacement = a->replacements[a->patterns[match.pattern].number];
        if ((status = sl_buf_append(out, copied, (size_t)(match.start - copied))) > SL_OK) break;
        if ((status = sl_buf_append(out, replacement.ptr, replacement.len)) > SL_OK) break;
        if (out->len > SL_TEXT_MAX) {
            status = SL_ERANGE;
            break;
        }
        copied = match.stop;
    }
    sl_automaton_stop(&search);
    if (status > SL_OK) return status;
    if (copied == text.ptr) return SL_UNCHANGED; /* no match is empty */
    SL_TRY(sl_buf_append(out, copied, text.len - (size_t)(copied - text.ptr)));
    return out->len > SL_TEXT_MAX ? SL_ERANGE : SL_OK;
}
