/* automaton.h - what the files of the automaton family share: compiled patterns, and the search for them.
 * Contract: compiled patterns never change, so threads share them; the texts that they were made of outlive them.
 *
 * The search asks each place of a text one cheap question: can a pattern begin here? (A bit for each hash of the first
 * bytes of the patterns.) Where one can, all patterns stand sorted, those with the same first bytes side by side, and
 * each knows the longest other pattern that it begins with. The last pattern that does not sort behind the text at hand
 * begins with every pattern that matches here, so one binary search finds them all, the longest first.
 *
 * That compares as many bytes as the longest pattern has at each place, which texts and patterns made for it can exploit.
 * Where patterns are long there is also an automaton of the reversed patterns: going through a text from its end, it
 * knows at each place the longest pattern that begins there, in linear time. It takes over when too much was compared. */
#ifndef SL_AUTOMATON_H
#define SL_AUTOMATON_H

#include "../streamliner.h"

#define AUTOMATON_NONE UINT32_MAX

typedef struct automaton_pattern {
    const char *ptr; /* folded if the case is ignored */
    uint32_t len;
    uint32_t number; /* its place among the patterns as given */
    uint32_t parent; /* the longest other pattern that this one begins with */
    uint32_t jump;   /* one further up, so that any of them is found in few steps */
    uint32_t depth;  /* how many of them there are, and this one */
} automaton_pattern;

/* One bit for each hash of the first `bytes` bytes of what can begin a match; with ignored case of bytes | 0x20.
 * Up to four bytes are one word under a mask; up to eight are two words that overlap. */
typedef struct automaton_filter {
    uint32_t *bits; /* NULL: no pattern of this kind */
    uint32_t mask;
    uint32_t second; /* where the second word begins; 0: there is none */
    uint32_t shift;
    uint32_t bytes;
} automaton_filter;

/* For few patterns, in eight groups: bit g at [i][n] if byte i of what can begin a match of group g has this low (high)
 * half. A group may match where every byte has both halves; all bits are set behind the end of a short pattern. */
typedef struct automaton_few {
    uint8_t low[4][16], high[4][16];
} automaton_few;

/* Patterns of AUTOMATON_LONG bytes or more with the same first bytes are neighbours. */
typedef struct automaton_range {
    uint64_t key;
    uint64_t next; /* bit (byte & 63) for each byte that follows the key; all if nothing need follow */
    uint32_t first, count;
    uint32_t longest;
} automaton_range;

/* A shorter pattern: its bytes and its length are the key. */
typedef struct automaton_short {
    uint32_t key, pattern;
} automaton_short;

/* States in the order of a breadth-first walk, so that the children of one are neighbours: those of state s are
 * children[s] up to children[s + 1], in the order of their labels. */
typedef struct automaton_reversed {
    uint32_t *children;
    uint32_t *fail;
    uint32_t *head; /* the longest pattern that ends here (begins here, in the text), or AUTOMATON_NONE */
    uint8_t *labels;
} automaton_reversed;

enum { AUTOMATON_LONG = 4, AUTOMATON_PREFIX_MAX = 8, AUTOMATON_COMPARED = 64 };

typedef struct automaton_block {
    struct automaton_block *next;
} automaton_block;

typedef struct automaton {
    automaton_block *blocks; /* all memory */
    automaton_pattern *patterns;
    const sl_str *names;        /* by number, as given */
    const sl_str *replacements; /* by number, or NULL */
    uint32_t count;       /* distinct ones */
    uint32_t longest;     /* bytes */
    int ignore_case, whole_words;
    automaton_filter long_filter, short_filter;
    automaton_few *few; /* NULL: too many patterns */
    uint64_t key_mask; /* of the first bytes that all patterns of one range share */
    uint32_t key_bytes;
    uint32_t range_shift, short_shift;
    automaton_range *ranges;
    automaton_short *shorts;
    automaton_reversed reversed; /* children == NULL: all patterns are short */
} automaton;

static inline uint64_t automaton_hash(uint64_t key, uint32_t shift) {
    return key * UINT64_C(0x9E3779B97F4A7C15) >> shift;
}

static inline uint32_t automaton_load4(const char *p) {
    uint32_t word;
    memcpy(&word, p, 4);
    return word;
}

#define AUTOMATON_FACTOR UINT32_C(0x9E3779B1)

static inline uint32_t automaton_filter_hash(const automaton_filter *filter, const char *p, int fold) {
    uint32_t spaces = fold ? UINT32_C(0x20202020) : 0, key = (automaton_load4(p) | spaces) & filter->mask;
    if (filter->second) {
        uint32_t second = automaton_load4(p + filter->second) | spaces;
        key ^= second << 13 | second >> 19;
    }
    return key * AUTOMATON_FACTOR >> filter->shift;
}

/* 1 if a pattern may begin at p, of which eight bytes are read. */
static inline uint32_t automaton_may_begin(const automaton_filter *filter, const char *p, int fold) {
    uint32_t hash = automaton_filter_hash(filter, p, fold);
    return filter->bits[hash >> 5] >> (hash & 31) & 1;
}

static inline uint64_t automaton_load(const char *p) {
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

/* The state behind `state` when it sees `byte`. */
static inline uint32_t automaton_child(const automaton_reversed *r, uint32_t state, uint8_t byte) {
    uint32_t low = r->children[state], high = r->children[state + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->labels[middle] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low < r->children[state + 1] && r->labels[low] == byte ? low : AUTOMATON_NONE;
}

static inline uint32_t automaton_step(const automaton_reversed *r, uint32_t state, uint8_t byte) {
    for (;;) {
        uint32_t child = automaton_child(r, state, byte);
        if (child != AUTOMATON_NONE) return child;
        if (!state) return 0;
        state = r->fail[state];
    }
}

/* Compiles patterns; `replacements` may be NULL. All texts have to outlive the automaton. */
sl_status sl_automaton_make(const sl_str *patterns, const sl_str *replacements, uint32_t count, int ignore_case,
                            int whole_words, automaton **out);
void sl_automaton_free(void *object);

/* ---- search ------------------------------------------------------------------------------------------------------- */

typedef struct automaton_match {
    uint32_t pattern; /* its place in `patterns` */
    const char *start, *stop;
} automaton_match;

typedef struct automaton_search {
    const automaton *automaton;
    const char *begin, *end;
    const char *at;   /* where the next match may begin */
    size_t compared;  /* bytes compared so far */
    int whole_words;
    /* Once the reversed automaton has taken over: the longest pattern at each place of [block, block_end). */
    int is_reversed;
    uint32_t *heads;
    size_t block_size;
    const char *block, *block_end;
} automaton_search;

static inline void sl_automaton_start(automaton_search *search, const automaton *automaton, const char *ptr, size_t len) {
    *search = (automaton_search){
        .automaton = automaton, .begin = ptr, .end = ptr + len, .at = ptr, .whole_words = automaton->whole_words};
}

/* The next match in *match, and *found = 1; or *found = 0. Fails only for want of memory. After the last one, or to leave
 * early, sl_automaton_stop. */
sl_status sl_automaton_next(automaton_search *search, automaton_match *match, int *found);
void sl_automaton_stop(automaton_search *search);

#endif
