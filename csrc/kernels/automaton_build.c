/* automaton_build.c - from patterns to what the search needs: sorted patterns, filters, ranges, a reversed automaton.
 * Contract: memory is a small multiple of the bytes of all patterns; time is theirs times the logarithm of their number. */
#include <stdlib.h>

#define SL_FOLDING_INVERSE
#include "automaton.h"
#include "folding_tables.h"
#include "utf8.h"

/* Memory that lives as long as the automaton, zeroed; NULL if there is none. */
static void *take(automaton *a, size_t size) {
    enum { HEAD = sizeof(automaton_block) > 16 ? sizeof(automaton_block) : 16 };
    if (size > SIZE_MAX - HEAD) return NULL;
    automaton_block *block = calloc(1, HEAD + size);
    if (!block) return NULL;
    block->next = a->blocks;
    a->blocks = block;
    return (char *)block + HEAD;
}

#define TAKE(target, count)                                                             \
    do {                                                                                \
        (target) = take(a, sizeof(*(target)) * (size_t)(count));                        \
        if (!(target)) return SL_ENOMEM;                                                \
    } while (0)

void sl_automaton_free(void *object) {
    automaton *a = object;
    for (automaton_block *block = a->blocks; block;) {
        automaton_block *next = block->next;
        free(block);
        block = next;
    }
    free(a);
}

/* ---- sorted patterns ---------------------------------------------------------------------------------------------- */

static int compare_patterns(const void *x, const void *y) {
    const automaton_pattern *a = x, *b = y;
    uint32_t least = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->ptr, b->ptr, least);
    if (order) return order;
    if (a->len != b->len) return a->len < b->len ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

/* The bytes of a pattern without its case; `to` has room for three times as many. */
static uint32_t fold_text(sl_str text, char *to) {
    const char *p = text.ptr, *end = p + text.len;
    char *start = to;
    while (p < end) to += sl_utf8_put(to, sl_fold_point(sl_utf8_next(&p, end)));
    return (uint32_t)(to - start);
}

static int begins_with(const automaton_pattern *p, const automaton_pattern *start) {
    return p->len >= start->len && !memcmp(p->ptr, start->ptr, start->len);
}

static uint32_t depth_of(const automaton *a, uint32_t i) { return i == AUTOMATON_NONE ? 0 : a->patterns[i].depth; }
static uint32_t jump_of(const automaton *a, uint32_t i) { return i == AUTOMATON_NONE ? i : a->patterns[i].jump; }

static sl_status sort_patterns(automaton *a, uint32_t count) {
    TAKE(a->patterns, count);
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += a->names[i].len;
    /* An ill-formed byte becomes three, so that no pattern grows beyond this. */
    if (bytes > UINT32_MAX / 4) return SL_ERANGE;
    char *to = NULL;
    if (a->ignore_case) TAKE(to, 3 * bytes);
    for (uint32_t i = 0; i < count; i++) {
        automaton_pattern *p = &a->patterns[i];
        *p = (automaton_pattern){a->names[i].ptr, a->names[i].len, i, 0, 0, 0};
        if (!a->ignore_case) continue;
        p->ptr = to;
        p->len = fold_text(a->names[i], to);
        to += p->len;
    }
    if (count) qsort(a->patterns, count, sizeof(a->patterns[0]), compare_patterns);
    for (uint32_t i = 0; i < count; i++) {
        automaton_pattern p = a->patterns[i];
        automaton_pattern *before = a->count ? &a->patterns[a->count - 1] : NULL;
        if (before && before->len == p.len && begins_with(&p, before)) continue; /* equal; the first given stays */
        /* What p begins with, its neighbour is or begins with, too. */
        uint32_t parent = a->count ? a->count - 1 : AUTOMATON_NONE;
        while (parent != AUTOMATON_NONE && !begins_with(&p, &a->patterns[parent])) parent = a->patterns[parent].parent;
        p.parent = p.jump = parent;
        p.depth = 1;
        if (parent != AUTOMATON_NONE) {
            /* Myers 1983, doi:10.1016/0020-0190(83)90106-0: a jump joins two equally long ones of those above. */
            uint32_t over = a->patterns[parent].jump, above = jump_of(a, over), depth = depth_of(a, parent);
            if (depth - depth_of(a, over) == depth_of(a, over) - depth_of(a, above)) p.jump = above;
            p.depth = depth + 1;
        }
        if (p.len > a->longest) a->longest = p.len;
        a->patterns[a->count++] = p;
    }
    return SL_OK;
}

/* ---- filters ------------------------------------------------------------------------------------------------------ */

static uint32_t size_of(uint32_t point) { return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4; }

static uint64_t mask_of(uint32_t bytes) {
    unsigned char mask[8] = {0};
    memset(mask, 0xFF, bytes);
    return automaton_load((const char *)mask);
}

/* The least power of two that is at least `wanted`, as its exponent, between `bits` and `most`. */
static uint32_t exponent(uint64_t wanted, uint32_t bits, uint32_t most) {
    while (bits < most && UINT64_C(1) << bits < wanted) bits++;
    return bits;
}

/* Where the code points that fold to `point` begin in the table of pairs. */
static uint32_t unfolded(uint32_t point) {
    uint32_t low = 0, high = SL_FOLD_PAIRS;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sl_fold_inverse[middle].folded < point)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The least bytes that a text of this pattern can have. */
static uint32_t least_bytes(const automaton *a, const automaton_pattern *p) {
    if (!a->ignore_case) return p->len;
    const char *at = p->ptr, *end = at + p->len;
    uint32_t bytes = 0;
    while (at < end && bytes < AUTOMATON_PREFIX_MAX) {
        uint32_t point = sl_utf8_next(&at, end), least = size_of(point);
        for (uint32_t i = unfolded(point); i < SL_FOLD_PAIRS && sl_fold_inverse[i].folded == point; i++)
            if (size_of(sl_fold_inverse[i].point) < least) least = size_of(sl_fold_inverse[i].point);
        bytes += least;
    }
    return bytes;
}

static void set_bit(const automaton *a, automaton_filter *filter, const char *bytes) {
    uint32_t hash = automaton_filter_hash(filter, bytes, a->ignore_case);
    filter->bits[hash >> 5] |= UINT32_C(1) << (hash & 31);
}

/* What matches of few patterns can begin with: up to four bytes of each. */
typedef struct beginning {
    uint8_t bytes[4];
    uint8_t len;
} beginning;

enum { BEGINNINGS_MAX = 24 };

typedef struct beginnings {
    beginning all[BEGINNINGS_MAX];
    uint32_t count; /* above BEGINNINGS_MAX: too many */
} beginnings;

static void add_beginning(const automaton *a, beginnings *some, const char *bytes, uint32_t len) {
    beginning fresh = {{0}, (uint8_t)(len < 4 ? len : 4)};
    for (uint32_t i = 0; i < 4; i++) fresh.bytes[i] = i < len ? (uint8_t)(bytes[i] | (a->ignore_case ? 0x20 : 0)) : 0;
    if (some->count > BEGINNINGS_MAX) return;
    for (uint32_t i = 0; i < some->count; i++)
        if (!memcmp(&some->all[i], &fresh, sizeof(fresh))) return;
    if (some->count < BEGINNINGS_MAX) some->all[some->count] = fresh;
    some->count++;
}

/* All texts that fold to the pattern from `at` on, of which `len` bytes stand in `bytes`, as far as the filter looks; or,
 * where there is none, four bytes of them as beginnings. */
static void set_folded(const automaton *a, automaton_filter *filter, beginnings *some, const char *at, const char *end,
                       char *bytes, uint32_t len) {
    if (len >= (filter ? filter->bytes : 4) || at == end) {
        if (filter)
            set_bit(a, filter, bytes);
        else
            add_beginning(a, some, bytes, len);
        return;
    }
    uint32_t point = sl_utf8_next(&at, end);
    set_folded(a, filter, some, at, end, bytes, len + (uint32_t)sl_utf8_put(bytes + len, point));
    for (uint32_t i = unfolded(point); i < SL_FOLD_PAIRS && sl_fold_inverse[i].folded == point; i++) {
        uint32_t other = sl_fold_inverse[i].point;
        if (point < 0x80 && other < 0x80) continue; /* equal but for 0x20 */
        set_folded(a, filter, some, at, end, bytes, len + (uint32_t)sl_utf8_put(bytes + len, other));
    }
}

static int compare_beginnings(const void *x, const void *y) {
    const beginning *a = x, *b = y;
    return a->len != b->len ? a->len - b->len : memcmp(a->bytes, b->bytes, 4);
}

static sl_status make_few(automaton *a) {
    beginnings some = {.count = 0};
    for (uint32_t i = 0; i < a->count && some.count <= BEGINNINGS_MAX; i++) {
        const automaton_pattern *p = &a->patterns[i];
        char bytes[16];
        if (a->ignore_case)
            set_folded(a, NULL, &some, p->ptr, p->ptr + p->len, bytes, 0);
        else
            add_beginning(a, &some, p->ptr, p->len);
    }
    if (!some.count || some.count > BEGINNINGS_MAX) return SL_OK;
    TAKE(a->few, 1);
    /* Neighbours are alike, and a group of them lets less else through. */
    qsort(some.all, some.count, sizeof(some.all[0]), compare_beginnings);
    for (uint32_t n = 0; n < some.count; n++) {
        uint8_t group = (uint8_t)(1 << (some.count <= 8 ? n : n * 8 / some.count));
        for (uint32_t i = 0; i < 4; i++)
            for (uint32_t half = 0; half < 16; half++) {
                int any = i >= some.all[n].len;
                if (any || (some.all[n].bytes[i] & 15) == half) a->few->low[i][half] |= group;
                if (any || some.all[n].bytes[i] >> 4 == half) a->few->high[i][half] |= group;
            }
    }
    return SL_OK;
}

enum { FOLDED_MAX = 6 };

/* A filter of the patterns that are long, or of those that are not. */
static sl_status make_filter(automaton *a, automaton_filter *filter, int is_long) {
    uint32_t count = 0, least = a->ignore_case ? FOLDED_MAX : AUTOMATON_PREFIX_MAX;
    for (uint32_t i = 0; i < a->count; i++) {
        if ((a->patterns[i].len >= AUTOMATON_LONG) != is_long) continue;
        uint32_t bytes = least_bytes(a, &a->patterns[i]);
        if (bytes < least) least = bytes;
        count++;
    }
    if (!count) return SL_OK;
    filter->bytes = least;
    filter->mask = (uint32_t)mask_of(least < 4 ? least : 4);
    filter->second = least > 4 ? least - 4 : 0;
    /* A look at a place in vain costs more than a miss of the nearest cache: few bits are to be set. */
    uint64_t wanted = (uint64_t)count * 256, enough = UINT64_C(1) << 21;
    if (wanted > enough) wanted = (uint64_t)count * 32 > enough ? (uint64_t)count * 32 : enough;
    uint32_t bits = exponent(wanted, 15, 26);
    filter->shift = 32 - bits;
    TAKE(filter->bits, (size_t)1 << (bits - 5));
    for (uint32_t i = 0; i < a->count; i++) {
        const automaton_pattern *p = &a->patterns[i];
        if ((p->len >= AUTOMATON_LONG) != is_long) continue;
        char bytes[16] = {0};
        if (a->ignore_case) {
            set_folded(a, filter, NULL, p->ptr, p->ptr + p->len, bytes, 0);
        } else {
            memcpy(bytes, p->ptr, p->len < 8 ? p->len : 8);
            set_bit(a, filter, bytes);
        }
    }
    return SL_OK;
}

/* ---- where patterns stand ----------------------------------------------------------------------------------------- */

static sl_status make_ranges(automaton *a) {
    uint32_t count = 0;
    a->key_bytes = AUTOMATON_PREFIX_MAX;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->patterns[i].len < AUTOMATON_LONG) continue;
        if (a->patterns[i].len < a->key_bytes) a->key_bytes = a->patterns[i].len;
        count++;
    }
    if (!count) return SL_OK;
    a->key_mask = mask_of(a->key_bytes);
    uint32_t bits = exponent((uint64_t)count * 2, 6, 31), mask = (UINT32_C(1) << bits) - 1;
    a->range_shift = 64 - bits;
    TAKE(a->ranges, (size_t)1 << bits);
    for (uint32_t i = 0; i < a->count; i++) {
        const automaton_pattern *p = &a->patterns[i];
        if (p->len < AUTOMATON_LONG) continue;
        char bytes[8] = {0};
        memcpy(bytes, p->ptr, a->key_bytes);
        uint64_t key = automaton_load(bytes);
        uint32_t slot = (uint32_t)automaton_hash(key, a->range_shift);
        while (a->ranges[slot].count && a->ranges[slot].key != key) slot = (slot + 1) & mask;
        automaton_range *range = &a->ranges[slot];
        if (!range->count) *range = (automaton_range){key, 0, i, 0, 0};
        range->count++;
        range->next |= p->len == a->key_bytes ? UINT64_MAX : UINT64_C(1) << (p->ptr[a->key_bytes] & 63);
        if (p->len > range->longest) range->longest = p->len;
    }
    return SL_OK;
}

static sl_status make_shorts(automaton *a) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->count; i++) count += a->patterns[i].len < AUTOMATON_LONG;
    if (!count) return SL_OK;
    uint32_t bits = exponent((uint64_t)count * 2, 6, 31), mask = (UINT32_C(1) << bits) - 1;
    a->short_shift = 64 - bits;
    TAKE(a->shorts, (size_t)1 << bits);
    for (uint32_t i = 0; i < a->count; i++) {
        const automaton_pattern *p = &a->patterns[i];
        if (p->len >= AUTOMATON_LONG) continue;
        uint32_t key = p->len << 24;
        for (uint32_t at = 0; at < p->len; at++) key |= (uint32_t)(unsigned char)p->ptr[at] << 8 * at;
        uint32_t slot = (uint32_t)automaton_hash(key, a->short_shift);
        while (a->shorts[slot].key) slot = (slot + 1) & mask;
        a->shorts[slot] = (automaton_short){key, i};
    }
    return SL_OK;
}

/* ---- the reversed automaton --------------------------------------------------------------------------------------- */

typedef struct reversed_pattern {
    const char *end;
    uint32_t len, pattern;
} reversed_pattern;

static int compare_reversed(const void *x, const void *y) {
    const reversed_pattern *a = x, *b = y;
    uint32_t least = a->len < b->len ? a->len : b->len;
    for (uint32_t i = 1; i <= least; i++) {
        unsigned char c = (unsigned char)a->end[-(ptrdiff_t)i], d = (unsigned char)b->end[-(ptrdiff_t)i];
        if (c != d) return c < d ? -1 : 1;
    }
    return a->len < b->len ? -1 : a->len > b->len;
}

/* Patterns with equal ends, as a state of the automaton. */
typedef struct reversed_state {
    uint32_t low, high, depth;
} reversed_state;

static sl_status fill_reversed(automaton *a, const reversed_pattern *sorted, reversed_state *states) {
    automaton_reversed *r = &a->reversed;
    uint32_t made = 1;
    states[0] = (reversed_state){0, a->count, 0};
    for (uint32_t s = 0; s < made; s++) {
        uint32_t low = states[s].low, depth = states[s].depth;
        r->children[s] = made;
        if (low < states[s].high && sorted[low].len == depth) low++;
        while (low < states[s].high) {
            uint8_t label = (uint8_t)sorted[low].end[-(ptrdiff_t)depth - 1];
            uint32_t high = low + 1;
            while (high < states[s].high && (uint8_t)sorted[high].end[-(ptrdiff_t)depth - 1] == label) high++;
            states[made] = (reversed_state){low, high, depth + 1};
            r->labels[made++] = label;
            low = high;
        }
        r->children[s + 1] = made;
    }
    r->head[0] = AUTOMATON_NONE;
    for (uint32_t s = 0; s < made; s++)
        for (uint32_t child = r->children[s]; child < r->children[s + 1]; child++) {
            uint32_t fail = s ? automaton_step(r, r->fail[s], r->labels[child]) : 0;
            const reversed_pattern *first = &sorted[states[child].low];
            r->fail[child] = fail;
            r->head[child] = first->len == states[child].depth ? first->pattern : r->head[fail];
        }
    return SL_OK;
}

static sl_status make_reversed(automaton *a) {
    size_t states = 1;
    for (uint32_t i = 0; i < a->count; i++) states += a->patterns[i].len;
    automaton_reversed *r = &a->reversed;
    reversed_pattern *sorted = malloc(a->count * sizeof(*sorted));
    reversed_state *spans = malloc(states * sizeof(*spans));
    sl_status status = SL_ENOMEM;
    if (sorted && spans) {
        for (uint32_t i = 0; i < a->count; i++) {
            const automaton_pattern *p = &a->patterns[i];
            sorted[i] = (reversed_pattern){p->ptr + p->len, p->len, i};
        }
        qsort(sorted, a->count, sizeof(*sorted), compare_reversed);
        r->fail = take(a, states * sizeof(uint32_t));
        r->head = take(a, states * sizeof(uint32_t));
        r->labels = take(a, states);
        r->children = take(a, (states + 1) * sizeof(uint32_t));
        if (r->fail && r->head && r->labels && r->children) status = fill_reversed(a, sorted, spans);
    }
    free(sorted);
    free(spans);
    return status;
}

static sl_status compile(automaton *a, const sl_str *patterns, const sl_str *replacements, uint32_t count) {
    a->names = patterns;
    a->replacements = replacements;
    SL_TRY(sort_patterns(a, count));
    SL_TRY(make_filter(a, &a->long_filter, 1));
    SL_TRY(make_filter(a, &a->short_filter, 0));
    SL_TRY(make_few(a));
    SL_TRY(make_ranges(a));
    SL_TRY(make_shorts(a));
    return a->longest > AUTOMATON_COMPARED ? make_reversed(a) : SL_OK;
}

sl_status sl_automaton_make(const sl_str *patterns, const sl_str *replacements, uint32_t count, int ignore_case,
                            int whole_words, automaton **out) {
    automaton *a = calloc(1, sizeof(*a));
    if (!a) return SL_ENOMEM;
    a->ignore_case = ignore_case;
    a->whole_words = whole_words;
    sl_status status = compile(a, patterns, replacements, count);
    if (status > SL_OK) {
        sl_automaton_free(a);
        return status;
    }
    *out = a;
    return SL_OK;
}
