/* sketch.h - what the parts of the sketch family share: the hash of words, and the least of many hash functions.
 * Contract: all numbers are modulo 2**64 and equal on every machine.
 * Source: the formulas are stated in streamliner_udf/reference/sketch.py. */
#ifndef SL_SKETCH_H
#define SL_SKETCH_H

#include "../streamliner.h"

/* The constants of SplitMix64. */
#define SKETCH_STEP UINT64_C(0x9E3779B97F4A7C15)
#define SKETCH_FIRST UINT64_C(0xBF58476D1CE4E5B9)
#define SKETCH_SECOND UINT64_C(0x94D049BB133111EB)

/* Its output function. */
static inline uint64_t sketch_mix(uint64_t number) {
    number = (number ^ number >> 30) * SKETCH_FIRST;
    number = (number ^ number >> 27) * SKETCH_SECOND;
    return number ^ number >> 31;
}

/* One more number of several that are hashed in order; the first stands on count * SKETCH_STEP. */
static inline uint64_t sketch_fold(uint64_t folded, uint64_t number) {
    folded = (folded ^ number) * SKETCH_FIRST;
    return folded ^ folded >> 32;
}

/* Reads the words of a text a block of 64 bytes after the other. Start from {text, 0, 0, 0, 0}. */
typedef struct sketch_reader {
    sl_str text;
    size_t at;      /* the next block */
    size_t word;    /* start of the word that goes on into it */
    int inside;     /* whether there is one */
    uint32_t spill; /* its first bytes that belong to a white space before it, as bits */
} sketch_reader;

enum { SKETCH_BLOCK_WORDS = 33 };

/* Reads further words: from sums[0], each makes sums[i + 1] = sums[i] * SKETCH_STEP + its hash. There is room for `room`
 * >= SKETCH_BLOCK_WORDS behind sums[0]. Returns how many; 0 at the end. */
size_t sketch_words(sketch_reader *reader, uint64_t *sums, size_t room);

/* Hashes of n-grams of `size` words, of which there are `count`: from the sums at the end of each, the first of them at
 * `last`; the sums before their beginnings stand `size` earlier. `power` is SKETCH_STEP to the power of size. */
void sketch_ngrams(const uint64_t *last, size_t size, uint64_t power, size_t count, uint32_t *hashes);

/* Lanes are the hash functions, padded to a multiple of SKETCH_LANES. */
enum { SKETCH_LANES = 16 };

/* least[i] becomes the least of it and a[i] * h + b[i] over the hashes h, modulo 2**32. */
void sketch_least(uint32_t *least, const uint32_t *a, const uint32_t *b, size_t lanes, const uint32_t *hashes,
                  size_t count);

#endif
