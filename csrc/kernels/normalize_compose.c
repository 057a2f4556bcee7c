/* normalize_compose.c - decomposing, ordering and composing the few characters that need it.
 * Contract: linear in the length of a run, however many marks follow one another.
 * Source: the Unicode Standard, 3.11 (D108, D109, D115, D117) and 3.12 (Hangul). */
#define NORMALIZE_TABLES
#include "normalize.h"
#include "normalize_tables.h"
#include "utf8.h"

enum {
    SYLLABLES = 0xAC00,
    LEADING = 0x1100,
    VOWELS = 0x1161,
    TRAILING = 0x11A7, /* one before the first: a syllable without a trailing consonant counts as its own */
    SYLLABLE_COUNT = 11172,
    LEADING_COUNT = 19,
    VOWEL_COUNT = 21,
    TRAILING_COUNT = 28
};

/* Room for more marks; the second half of the memory is where long runs are sorted. */
static sl_status grow_marks(normalizer *n) {
    size_t cap = n->cap * 4;
    if (cap > SIZE_MAX / (2 * sizeof(uint32_t))) return SL_ENOMEM;
    uint32_t *marks = malloc(2 * cap * sizeof(uint32_t));
    if (!marks) return SL_ENOMEM;
    memcpy(marks, n->marks, n->count * sizeof(uint32_t));
    sl_normalizer_free(n);
    n->marks = marks;
    n->cap = cap;
    return SL_OK;
}

static inline uint32_t class_of(uint32_t entry) { return entry >> NORMALIZE_CLASS_SHIFT & 0xFF; }

/* The canonical ordering algorithm is a stable sort by class: by insertion where that is short, else by counting. */
static void order_marks(normalizer *n) {
    uint32_t *marks = n->marks;
    size_t count = n->count;
    if (count <= NORMALIZE_LOCAL) {
        for (size_t i = 1; i < count; i++) {
            uint32_t entry = marks[i];
            size_t at = i;
            for (; at > 0 && class_of(marks[at - 1]) > class_of(entry); at--) marks[at] = marks[at - 1];
            marks[at] = entry;
        }
        return;
    }
    uint32_t *sorted = marks + n->cap;
    size_t starts[256] = {0};
    for (size_t i = 0; i < count; i++) starts[class_of(marks[i])]++;
    for (size_t class = 0, start = 0; class < 256; class++) {
        size_t size = starts[class];
        starts[class] = start;
        start += size;
    }
    for (size_t i = 0; i < count; i++) sorted[starts[class_of(marks[i])]++] = marks[i];
    memcpy(marks, sorted, count * sizeof(uint32_t));
}

uint32_t sl_normalize_compose(uint32_t first, uint32_t second) {
    if (second - VOWELS < TRAILING + TRAILING_COUNT - VOWELS) {
        if (first - LEADING < LEADING_COUNT && second - VOWELS < VOWEL_COUNT)
            return SYLLABLES + ((first - LEADING) * VOWEL_COUNT + (second - VOWELS)) * TRAILING_COUNT;
        if (first - SYLLABLES < SYLLABLE_COUNT && (first - SYLLABLES) % TRAILING_COUNT == 0 && second > TRAILING)
            return first + (second - TRAILING);
        return 0;
    }
    uint32_t at = normalize_record_of(first)->pairs;
    if (!at) return 0;
    for (;; at++) {
        uint32_t candidate = normalize_pairs[at].second;
        if ((candidate & NORMALIZE_ENTRY_POINT) == second) return normalize_pairs[at].composed;
        if (candidate & NORMALIZE_ENTRY_LAST) return 0;
    }
}

/* Puts the marks in order and lets the starter take those that it composes with. A mark is blocked (D115) when one of
 * its own class is left between. */
static void settle(normalizer *n) {
    if (!n->ordered) order_marks(n);
    n->ordered = 1;
    if (!n->plan->composed || n->starter == NORMALIZE_NO_STARTER) return;
    size_t kept = 0;
    uint32_t blocked = 0;
    for (size_t i = 0; i < n->count; i++) {
        uint32_t entry = n->marks[i], class = class_of(entry), composed;
        if (entry & NORMALIZE_ENTRY_BACK && class != blocked &&
            (composed = sl_normalize_compose(n->starter, entry & NORMALIZE_ENTRY_POINT)) != 0) {
            n->starter = composed;
            continue;
        }
        n->marks[kept++] = entry;
        blocked = class;
    }
    n->count = kept;
}

/* There is room for the character and a space. */
static inline void put(normalizer *n, uint32_t point) {
    sl_buf *out = n->out;
    if (n->plan->clean) {
        if (normalize_record_of(point)->flags & NORMALIZE_SPACE) {
            n->space = 1;
            return;
        }
        if (n->space && out->len) out->ptr[out->len++] = ' ';
        n->space = 0;
    }
    out->len += sl_utf8_put(out->ptr + out->len, point);
}

/* Writes the starter and its marks, which are settled. */
static sl_status flush(normalizer *n) {
    SL_TRY(sl_buf_reserve(n->out, 4 * (n->count + 2)));
    if (n->starter != NORMALIZE_NO_STARTER) put(n, n->starter);
    for (size_t i = 0; i < n->count; i++) put(n, n->marks[i] & NORMALIZE_ENTRY_POINT);
    n->count = 0;
    n->starter = NORMALIZE_NO_STARTER;
    return SL_OK;
}

/* The next character, fully decomposed. */
static inline sl_status take(normalizer *n, uint32_t entry) {
    uint32_t class = class_of(entry);
    if (class) {
        if (SL_UNLIKELY(n->count == n->cap)) SL_TRY(grow_marks(n));
        n->ordered &= !n->count || class_of(n->marks[n->count - 1]) <= class;
        n->marks[n->count++] = entry;
        return SL_OK;
    }
    uint32_t point = entry & NORMALIZE_ENTRY_POINT;
    if (n->count) settle(n);
    if (entry & NORMALIZE_ENTRY_BACK && n->plan->composed && !n->count && n->starter != NORMALIZE_NO_STARTER) {
        uint32_t composed = sl_normalize_compose(n->starter, point);
        if (composed) {
            n->starter = composed;
            return SL_OK;
        }
    }
    SL_TRY(flush(n));
    n->starter = point;
    return SL_OK;
}

static sl_status take_syllable(normalizer *n, uint32_t point) {
    if (n->plan->composed) return take(n, point);
    uint32_t index = point - SYLLABLES, trailing = index % TRAILING_COUNT;
    SL_TRY(take(n, LEADING + index / (VOWEL_COUNT * TRAILING_COUNT)));
    SL_TRY(take(n, VOWELS + index / TRAILING_COUNT % VOWEL_COUNT));
    return trailing ? take(n, TRAILING + trailing) : SL_OK;
}

/* A hidden character is skipped as if it were not there, so what stood around it may compose: it has class 0 and no
 * part in any decomposition, so dropping it before is the same as dropping it after and composing once more. */
sl_status sl_normalizer_run(normalizer *n, sl_str text, const char **p, const char *at) {
    const normalize_plan *plan = n->plan;
    const char *end = text.ptr + text.len, *next = *p, *region = *p;
    while (next < end) {
        const char *before = next;
        uint32_t point = sl_utf8_next(&next, end);
        const normalize_record *record = normalize_record_of(point);
        if (before >= at && !(record->flags & plan->unstable)) {
            next = before;
            break;
        }
        if (plan->clean && record->flags & NORMALIZE_HIDDEN && before >= region) {
            const char *region_end = normalize_region_end(text, before);
            if (!region_end) continue;
            region = region_end;
        }
        uint32_t decomposed = record->decomposed[plan->compatible];
        if (decomposed) {
            for (;; decomposed++) {
                uint32_t entry = normalize_pool[decomposed];
                SL_TRY(take(n, entry & ~NORMALIZE_ENTRY_LAST));
                if (entry & NORMALIZE_ENTRY_LAST) break;
            }
        } else if (record->flags & NORMALIZE_SYLLABLE) {
            SL_TRY(take_syllable(n, point));
        } else {
            uint32_t back = record->flags & NORMALIZE_BACK ? NORMALIZE_ENTRY_BACK : 0;
            SL_TRY(take(n, point | (uint32_t)record->combining_class << NORMALIZE_CLASS_SHIFT | back));
        }
    }
    *p = next;
    settle(n);
    return flush(n);
}
