/* symbols.h - two texts made ready to be compared code point by code point, for distance.c and ratio.c.
 * Contract: safe on any bytes; on texts that are not UTF-8 the symbols mean nothing, but are the same in each call.
 * Comparing is done on bit vectors: bit i of a word belongs to the i-th symbol of the shorter text, here the pattern. */
#ifndef SL_SYMBOLS_H
#define SL_SYMBOLS_H

#include "simd.h"
#include "utf8.h"

enum { SL_WORD = 64, SL_STRIPE = 4 };

/* ---- room ------------------------------------------------------------------------------------------------------- */

/* Scratch memory of one call: a piece of the stack, and the heap where that is too small. */
typedef struct sl_room {
    void *heaps[16];
    uint32_t heap_count;
    size_t used;
    uint64_t stack[1536];
} sl_room;

static inline void sl_room_open(sl_room *room) {
    room->heap_count = 0;
    room->used = 0;
}

/* Memory of count times size bytes, aligned for uint64_t, not cleared; NULL if there is none. */
void *sl_room_take(sl_room *room, size_t count, size_t size);
void sl_room_close(sl_room *room);

/* ---- symbols ---------------------------------------------------------------------------------------------------- */

/* Takes equal beginnings and ends away from both texts, in whole code points, and returns how many code points those
 * were. Neither the edit distance nor what a longest common subsequence leaves over changes by it. */
uint32_t sl_pair_trim(sl_str *a, sl_str *b);

/* The bytes of each code point as one number: as good as the code point where only equality matters, and no branch
 * to make it. `out` has room for 4 more than `len`. Returns the number of code points. */
uint32_t sl_pair_keys(const char *ptr, uint32_t len, uint32_t *out);

static inline int sl_is_ascii(sl_str text) { return sl_ascii_prefix(text.ptr, text.len) == text.len; }

/* Both texts, the shorter one as the pattern. First as keys; after sl_pair_number as small numbers: ASCII as it is, what
 * the pattern does not have as SL_SYMBOL_ABSENT, the pattern's other code points above that in order of appearance. */
enum { SL_SYMBOL_ABSENT = 128, SL_SYMBOL_OTHERS };

typedef struct sl_symbols {
    uint32_t *pattern; /* 64 can be read, however few there are */
    uint32_t *text;
    uint32_t pattern_len;
    uint32_t text_len; /* at least pattern_len */
    uint32_t kinds;    /* every number is below; 0 for keys */
    int swapped;       /* the pattern is b */
} sl_symbols;

sl_status sl_pair_symbols(sl_str a, sl_str b, sl_room *room, sl_symbols *out);
sl_status sl_pair_number(sl_room *room, sl_symbols *symbols);

/* Where each symbol of up to 64 * words symbols of a pattern stands: `words` words for each kind. */
static inline void sl_places_fill(uint64_t *places, uint32_t words, const uint32_t *pattern, uint32_t len) {
    for (uint32_t i = 0; i < len; i++)
        places[(size_t)pattern[i] * words + i / SL_WORD] |= UINT64_C(1) << i % SL_WORD;
}

/* Undoes that; cheaper than clearing all. */
static inline void sl_places_clear(uint64_t *places, uint32_t words, const uint32_t *pattern, uint32_t len) {
    for (uint32_t i = 0; i < len; i++) places[(size_t)pattern[i] * words + i / SL_WORD] = 0;
}

/* Bits 0 to count - 1 of a word. */
static inline uint64_t sl_low_bits(uint32_t count) {
    return count < SL_WORD ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0);
}

/* ---- places by comparison ----------------------------------------------------------------------------------------
 * Where a byte stands among 64, or a key among 64 keys, is one or a few comparisons on wide registers: no table. */

#if defined(SL_WIDE)
#define SL_AVX512 __attribute__((target("avx512bw,avx512vl,bmi,bmi2,lzcnt,popcnt")))
#define SL_AVX512_INLINE SL_AVX512 __attribute__((always_inline)) static inline

SL_AVX512_INLINE __m512i sl_v64_load_part(const char *p, uint32_t len) {
    return _mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), len < 64 ? len : 64), p);
}

SL_AVX512_INLINE uint64_t sl_v64_find(__m512i bytes, char c) { return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c)); }

typedef struct sl_v64_keys {
    __m512i part[4];
} sl_v64_keys;

/* All 64 keys can be read; those behind the pattern match or not, no matter: higher bits never reach lower ones. */
SL_AVX512_INLINE sl_v64_keys sl_v64_keys_load(const uint32_t *keys, uint32_t parts) {
    sl_v64_keys loaded;
    for (uint32_t i = 0; i < 4; i++)
        loaded.part[i] = i < parts ? _mm512_loadu_si512((const void *)(keys + 16 * i)) : _mm512_setzero_si512();
    return loaded;
}

SL_AVX512_INLINE uint64_t sl_v64_find_key(const sl_v64_keys *keys, uint32_t parts, uint32_t key) {
    __m512i wanted = _mm512_set1_epi32((int)key);
    uint64_t found = _mm512_cmpeq_epi32_mask(keys->part[0], wanted);
    if (parts > 1) found |= (uint64_t)_mm512_cmpeq_epi32_mask(keys->part[1], wanted) << 16;
    if (parts > 2) {
        found |= (uint64_t)_mm512_cmpeq_epi32_mask(keys->part[2], wanted) << 32;
        found |= (uint64_t)_mm512_cmpeq_epi32_mask(keys->part[3], wanted) << 48;
    }
    return found;
}
#endif

#endif
