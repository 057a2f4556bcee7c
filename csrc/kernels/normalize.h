/* normalize.h - what the two files of the normalize family share: what a form asks for, and the normaliser.
 * Contract: a normaliser is given stretches of text between characters that nothing crosses; it appends their form to
 * `out` and holds memory only for a run of more than NORMALIZE_LOCAL combining marks.
 * Source: the Unicode Standard, 3.11 and 3.12; UAX #15. */
#ifndef SL_NORMALIZE_H
#define SL_NORMALIZE_H

#include <stdlib.h>

#include "../streamliner.h"

/* Flags are those of normalize_tables.h. */
typedef struct normalize_plan {
    uint8_t unstable;   /* any of these flags: the code point may change, or change with what stands before it */
    uint8_t undecided;  /* any of these flags on a mark: only composing can tell whether it changes */
    uint8_t compatible; /* 1 for compatibility decompositions */
    uint8_t composed;
    uint8_t clean; /* hidden characters are dropped, runs of white space become one space */
    uint8_t leads; /* which ranges of first bytes are stable throughout */
} normalize_plan;

enum { NORMALIZE_LOCAL = 64 };
#define NORMALIZE_NO_STARTER UINT32_MAX

typedef struct normalizer {
    const normalize_plan *plan;
    sl_buf *out;
    uint32_t space;   /* clean: a space is due before the next character, unless that is the first */
    uint32_t ordered; /* the combining classes of the marks never fall */
    uint32_t starter; /* the last character of class 0, not yet written */
    size_t count, cap;
    uint32_t *marks; /* what follows the starter, as entries of the pool */
    uint32_t local[NORMALIZE_LOCAL];
} normalizer;

static inline void sl_normalizer_start(normalizer *n, const normalize_plan *plan, sl_buf *out) {
    n->plan = plan;
    n->out = out;
    n->space = 0;
    n->ordered = 1;
    n->starter = NORMALIZE_NO_STARTER;
    n->count = 0;
    n->cap = NORMALIZE_LOCAL;
    n->marks = n->local;
}

/* What two characters compose to, or 0. */
uint32_t sl_normalize_compose(uint32_t first, uint32_t second);

/* Gives back what sl_normalizer_run holds, also after an error. */
static inline void sl_normalizer_free(normalizer *n) {
    if (SL_UNLIKELY(n->marks != n->local)) free(n->marks);
    n->marks = n->local;
}

/* Appends the form of the text from *p to the first character at or behind `at` that is stable, and moves p there.
 * `text` is the whole text, for what a character is that stands further before. */
sl_status sl_normalizer_run(normalizer *n, sl_str text, const char **p, const char *at);

/* Behind a black flag, three to seven tags of small letters and digits and the cancel tag name a region (UTS #51, C.1).
 * Where p is the first of such, they end at the result; NULL where p is any other hidden character. */
static inline const char *normalize_region_end(sl_str text, const char *p) {
    const char *end = text.ptr + text.len;
    if (p - text.ptr < 4 || memcmp(p - 4, "\xF0\x9F\x8F\xB4", 4)) return NULL;
    for (int count = 0; count <= 7 && end - p >= 4 && !memcmp(p, "\xF3\xA0", 2); count++, p += 4) {
        unsigned char third = (unsigned char)p[2], last = (unsigned char)p[3];
        if (third == 0x81 && last == 0xBF) return count >= 3 ? p + 4 : NULL;
        if (!(third == 0x80 && last >= 0xB0 && last <= 0xB9) && !(third == 0x81 && last >= 0xA1 && last <= 0xBA)) break;
    }
    return NULL;
}

#endif
