/* words.h - word boundaries, for whoever needs them and for tests.
 * Contract: sl_word_end is given a boundary and finds the next one; linear in what it reads.
 * Source: UAX #29, default word boundaries. */
#ifndef SL_WORDS_H
#define SL_WORDS_H

#include "../streamliner.h"

/* The end of the word, or of what stands between words, that begins at the boundary p (p < end). */
const char *sl_word_end(const char *p, const char *end);

#endif
