/* sketch_words.c - the words of a text, as hashes: split at Unicode white space, as Python's str.split does.
 * Contract: any bytes, no allocation; a block of 64 bytes becomes a mask of its white space, and words are the gaps.
 * Source: Unicode 15 property White_Space, and U+001C to U+001F, which Python counts as well. */
#include "sketch.h"

#include "simd.h"

#if defined(__GNUC__)
#define SL_INLINE inline __attribute__((always_inline))
#else
#define SL_INLINE inline
#endif
#if defined(SL_WIDE)
#define SL_AVX512 __attribute__((target("avx512bw,avx512vl,bmi,bmi2,popcnt")))
/* One bit a byte of 64: whether it lies between two others, or is this one. */
#define IN_RANGE_512(v, lo, hi) \
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)(lo))), _mm512_set1_epi8((char)((hi) - (lo))))
#define IS_512(v, c) _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)(c)))
#endif

/* The first eight bytes at p, or fewer where the text ends, the first lowest. Bytes from `len` on are zero. */
static inline uint64_t read_number(const char *start, const char *p, const char *end, size_t len) {
    uint64_t number = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    size_t left = (size_t)(end - p);
    if (SL_LIKELY(left >= 8)) {
        memcpy(&number, p, 8);
        return number & ~UINT64_C(0) >> (64 - 8 * len);
    }
    if (SL_LIKELY(end - start >= 8)) {
        memcpy(&number, end - 8, 8);
        return number >> (64 - 8 * left) & ~UINT64_C(0) >> (64 - 8 * len);
    }
#else
    (void)start, (void)end;
#endif
    for (size_t i = 0; i < len; i++) number |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return number;
}

static inline uint64_t hash_word(sl_str text, size_t from, size_t to) {
    const char *p = text.ptr + from, *end = text.ptr + text.len;
    size_t left = to - from;
    uint64_t hash = left * SKETCH_STEP;
    for (; SL_UNLIKELY(left > 8); left -= 8, p += 8) hash = sketch_fold(hash, read_number(text.ptr, p, end, 8));
    return sketch_fold(hash, read_number(text.ptr, p, end, left));
}

/* Bytes of the white space outside ASCII that starts at p, or 0. */
static inline uint32_t wide_space(const unsigned char *p, size_t left) {
    if (left < 2) return 0;
    if (p[0] == 0xC2) return p[1] == 0x85 || p[1] == 0xA0 ? 2 : 0;
    if (left < 3) return 0;
    if (p[0] == 0xE2 && p[1] == 0x80)
        return (p[2] >= 0x80 && p[2] <= 0x8A) || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF ? 3 : 0;
    return (p[0] == 0xE2 && p[1] == 0x81 && p[2] == 0x9F) || (p[0] == 0xE1 && p[1] == 0x9A && p[2] == 0x80) ||
                   (p[0] == 0xE3 && p[1] == 0x80 && p[2] == 0x80)
               ? 3
               : 0;
}

/* White space outside ASCII, as bits, where a first byte stands before what can be a second one. */
static inline uint64_t wide_spaces(sketch_reader *reader, const char *p, size_t left, uint64_t lead, uint64_t second) {
    uint64_t space = 0;
    for (uint64_t found = lead & (second >> 1 | UINT64_C(1) << 63); found; found &= found - 1) {
        uint32_t i = sl_first_bit(found);
        uint32_t len = wide_space((const unsigned char *)p + i, left - i);
        if (!len) continue;
        uint64_t bits = (UINT64_C(1) << len) - 1;
        space |= bits << i;
        if (i + len > 64) reader->spill = (uint32_t)(bits >> (64 - i));
    }
    return space;
}

/* One bit a byte of 64: what each can be. */
typedef struct block {
    uint64_t space, wide, lead, second;
} block;

static inline void look(block *b, sl_v16 v, uint32_t shift) {
    sl_v16 space = sl_v16_or(sl_v16_range(v, '\t', '\r'), sl_v16_range(v, 0x1C, ' '));
    b->space |= (uint64_t)sl_v16_mask(space) << shift;
    b->wide |= (uint64_t)sl_v16_mask(v) << shift;
}

static inline void look_wide(block *b, sl_v16 v, uint32_t shift) {
    sl_v16 lead = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xC2)), sl_v16_range(v, 0xE1, 0xE3));
    sl_v16 second = sl_v16_or(sl_v16_range(v, 0x80, 0x81), sl_v16_eq(v, sl_v16_fill(0x85)));
    second = sl_v16_or(second, sl_v16_or(sl_v16_eq(v, sl_v16_fill(0x9A)), sl_v16_eq(v, sl_v16_fill(0xA0))));
    b->lead |= (uint64_t)sl_v16_mask(lead) << shift;
    b->second |= (uint64_t)sl_v16_mask(second) << shift;
}

/* White space among the 64 bytes at reader->at, as bits; all that is behind the text is white space too. */
static inline uint64_t spaces(sketch_reader *reader) {
    const char *p = reader->text.ptr + reader->at;
    size_t left = reader->text.len - reader->at;
    block b = {0, 0, 0, 0};
    sl_v16 v[4];
    if (SL_LIKELY(left >= 64)) {
        for (uint32_t i = 0; i < 4; i++) v[i] = sl_v16_load(p + 16 * i);
    } else {
        for (uint32_t i = 0; i < 4; i++) {
            size_t from = 16 * i;
            v[i] = left >= from + 16 ? sl_v16_load(p + from)
                   : left > from     ? sl_v16_load_tail(p + from, left - from, ' ')
                                     : sl_v16_fill(' ');
        }
    }
    for (uint32_t i = 0; i < 4; i++) look(&b, v[i], 16 * i);
    b.space |= reader->spill;
    reader->spill = 0;
    if (SL_LIKELY(!b.wide)) return b.space;
    for (uint32_t i = 0; i < 4; i++) look_wide(&b, v[i], 16 * i);
    return b.space | wide_spaces(reader, p, left, b.lead, b.second);
}

/* One more word: its hash is the last coefficient of the polynomial of all words so far. */
static inline uint64_t add_word(uint64_t sum, sl_str text, size_t from, size_t to) {
    return sum * SKETCH_STEP + hash_word(text, from, to);
}

/* `look` gives the white space of a block. */
static SL_INLINE size_t read_words(sketch_reader *reader, uint64_t *sums, size_t room,
                                   uint64_t (*look)(sketch_reader *reader)) {
    const sl_str text = reader->text;
    size_t count = 0;
    uint64_t sum = sums[0];
    while (reader->at < text.len && room - count >= SKETCH_BLOCK_WORDS) {
        uint64_t solid = ~look(reader);
        uint64_t edges = solid ^ (solid << 1 | (uint64_t)reader->inside);
        size_t at = reader->at;
        reader->at = at + 64;
        if (reader->inside && edges) {
            sums[++count] = sum = add_word(sum, text, reader->word, at + sl_first_bit(edges));
            edges &= edges - 1;
            reader->inside = 0;
        }
        for (uint32_t words = sl_count_bits(edges) / 2; words; words--) {
            size_t from = at + sl_first_bit(edges);
            edges &= edges - 1;
            size_t to = at + sl_first_bit(edges);
            edges &= edges - 1;
            sums[++count] = sum = add_word(sum, text, from, to);
        }
        if (edges) {
            reader->word = at + sl_first_bit(edges);
            reader->inside = 1;
        }
    }
    /* A word that ends with the text, at the end of a block. */
    if (reader->at >= text.len && reader->inside && count < room) {
        sums[++count] = add_word(sum, text, reader->word, text.len);
        reader->inside = 0;
    }
    return count;
}

#if defined(SL_WIDE)
/* The 64 bytes in one register; what is behind the text is never loaded. */
SL_AVX512 static inline uint64_t spaces_avx512(sketch_reader *reader) {
    const char *p = reader->text.ptr + reader->at;
    size_t left = reader->text.len - reader->at;
    __mmask64 inside = left < 64 ? (UINT64_C(1) << left) - 1 : ~UINT64_C(0);
    __m512i v = _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), inside, p);
    uint64_t space = IN_RANGE_512(v, '\t', '\r') | IN_RANGE_512(v, 0x1C, ' ') | reader->spill;
    reader->spill = 0;
    if (SL_LIKELY(!_mm512_movepi8_mask(v))) return space;
    uint64_t lead = IS_512(v, 0xC2) | IN_RANGE_512(v, 0xE1, 0xE3);
    uint64_t second = IN_RANGE_512(v, 0x80, 0x81) | IS_512(v, 0x85) | IS_512(v, 0x9A) | IS_512(v, 0xA0);
    return space | wide_spaces(reader, p, left, lead, second);
}

SL_AVX512 static size_t words_avx512(sketch_reader *reader, uint64_t *sums, size_t room) {
    return read_words(reader, sums, room, spaces_avx512);
}
#endif

size_t sketch_words(sketch_reader *reader, uint64_t *sums, size_t room) {
#if defined(SL_WIDE)
    if (sl_has_avx512()) return words_avx512(reader, sums, room);
#endif
    return read_words(reader, sums, room, spaces);
}
