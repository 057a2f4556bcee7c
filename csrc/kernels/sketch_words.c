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
#define SL_WORDS_512 __attribute__((target("avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))
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
static inline int has_words_512(void) { return sl_has_vbmi2() && __builtin_cpu_supports("avx512dq"); }

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

/* Writes `at` plus the place of each bit, of which there are at most 32, in whole registers. Returns how many. */
SL_WORDS_512 static inline size_t write_places(uint32_t *out, uint64_t bits, uint32_t at) {
    static const uint8_t places[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                       22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                       44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i found = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(places)), start = _mm512_set1_epi32((int)at);
    size_t count = sl_count_bits(bits);
    __m512i wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));
    _mm512_storeu_si512(out, _mm512_add_epi32(wide, start));
    if (SL_UNLIKELY(count > 16)) {
        wide = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 1));
        _mm512_storeu_si512(out + 16, _mm512_add_epi32(wide, start));
    }
    return count;
}

SL_WORDS_512 static inline __m512i fold_512(__m512i folded, __m512i number) {
    folded = _mm512_mullo_epi64(_mm512_xor_si512(folded, number), _mm512_set1_epi64((int64_t)SKETCH_FIRST));
    return _mm512_xor_si512(folded, _mm512_srli_epi64(folded, 32));
}

/* Eight words at a time: the first `left` bytes of each, at most eight. `last` is where the last load can be; it has the
 * bytes of words that begin behind it too. */
SL_WORDS_512 static inline __m512i read_512(const char *p, __m256i start, __m256i left, __m256i last) {
    __m256i from = _mm256_min_epi32(start, last), eight = _mm256_set1_epi32(8);
    __m256i behind = _mm256_slli_epi32(_mm256_sub_epi32(start, from), 3);
    __m256i unused = _mm256_slli_epi32(_mm256_sub_epi32(eight, _mm256_min_epu32(left, eight)), 3);
    __m512i number = _mm512_srlv_epi64(_mm512_i32gather_epi64(from, p, 1), _mm512_cvtepu32_epi64(behind));
    return _mm512_and_si512(number, _mm512_srlv_epi64(_mm512_set1_epi64(-1), _mm512_cvtepu32_epi64(unused)));
}

/* Hashes of words that have been found, in whole registers: up to seven more numbers behind `count` are written. Most words
 * have at most sixteen bytes. */
SL_WORDS_512 static void hash_words_512(sl_str text, const uint32_t *starts, const uint32_t *ends, size_t count,
                                        uint64_t *hashes) {
    char padded[16] = {0};
    const char *p = text.ptr;
    if (SL_UNLIKELY(text.len < 8)) {
        memcpy(padded, p, text.len);
        p = padded;
    }
    const __m256i last = _mm256_set1_epi32(text.len < 8 ? 8 : (int)text.len - 8), eight = _mm256_set1_epi32(8);
    for (size_t i = 0; i < count; i += 8) {
        __mmask8 valid = (__mmask8)_bzhi_u32(0xFF, (unsigned)(count - i < 8 ? count - i : 8));
        __m256i start = _mm256_maskz_loadu_epi32(valid, starts + i);
        __m256i left = _mm256_sub_epi32(_mm256_maskz_loadu_epi32(valid, ends + i), start);
        __m512i hash = _mm512_mullo_epi64(_mm512_cvtepu32_epi64(left), _mm512_set1_epi64((int64_t)SKETCH_STEP));
        hash = fold_512(hash, read_512(p, start, left, last));
        __mmask8 more = _mm256_cmpgt_epu32_mask(left, eight);
        do {
            start = _mm256_mask_add_epi32(start, more, start, eight);
            left = _mm256_mask_sub_epi32(left, more, left, eight);
            hash = _mm512_mask_mov_epi64(hash, more, fold_512(hash, read_512(p, start, left, last)));
            more &= _mm256_cmpgt_epu32_mask(left, eight);
        } while (SL_UNLIKELY(more));
        _mm512_storeu_si512(hashes + i, hash);
    }
}

/* Starts and ends of words alternate, so those of one word have the same place in both lists. */
enum { FOUND_MOST = 256 };

SL_WORDS_512 static size_t words_512(sketch_reader *reader, uint64_t *sums, size_t room) {
    const sl_str text = reader->text;
    uint32_t starts[FOUND_MOST + 64], ends[FOUND_MOST + 64];
    uint64_t hashes[FOUND_MOST + 8], inside = (uint64_t)reader->inside;
    size_t begun = 0, count = 0;
    if (room > FOUND_MOST) room = FOUND_MOST;
    if (inside) starts[begun++] = (uint32_t)reader->word;
    for (; reader->at < text.len && room - count >= SKETCH_BLOCK_WORDS; reader->at += 64) {
        uint64_t solid = ~spaces_avx512(reader), before = solid << 1 | inside;
        begun += write_places(starts + begun, solid & ~before, (uint32_t)reader->at);
        count += write_places(ends + count, before & ~solid, (uint32_t)reader->at);
        inside = solid >> 63;
    }
    /* A word that ends with the text, at the end of a block. */
    if (inside && reader->at >= text.len && count < room) {
        ends[count++] = text.len;
        inside = 0;
    }
    reader->inside = (int)inside;
    if (inside) reader->word = starts[begun - 1];
    hash_words_512(text, starts, ends, count, hashes);
    uint64_t sum = sums[0];
    for (size_t i = 0; i < count; i++) sums[i + 1] = sum = sum * SKETCH_STEP + hashes[i];
    return count;
}

SL_WORDS_512 static void hash_ngrams_512(const uint64_t *last, size_t size, uint64_t power, size_t count,
                                         uint32_t *hashes) {
    const __m512i first = _mm512_set1_epi64((int64_t)SKETCH_FIRST), second = _mm512_set1_epi64((int64_t)SKETCH_SECOND);
    for (size_t i = 0; i < count; i += 8) {
        __mmask8 valid = (__mmask8)_bzhi_u32(0xFF, (unsigned)(count - i < 8 ? count - i : 8));
        __m512i before = _mm512_maskz_loadu_epi64(valid, last + i - size);
        __m512i x = _mm512_maskz_loadu_epi64(valid, last + i);
        x = _mm512_sub_epi64(x, _mm512_mullo_epi64(before, _mm512_set1_epi64((int64_t)power)));
        x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 30)), first);
        x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 27)), second);
        x = _mm512_srli_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 31)), 32);
        _mm512_mask_cvtepi64_storeu_epi32(hashes + i, valid, x);
    }
}
#endif

void sketch_ngrams(const uint64_t *last, size_t size, uint64_t power, size_t count, uint32_t *hashes) {
#if defined(SL_WIDE)
    if (has_words_512()) {
        hash_ngrams_512(last, size, power, count, hashes);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++) hashes[i] = (uint32_t)(sketch_mix(last[i] - last[i - size] * power) >> 32);
}

size_t sketch_words(sketch_reader *reader, uint64_t *sums, size_t room) {
#if defined(SL_WIDE)
    /* Places are signed 32-bit numbers there. */
    if (has_words_512() && reader->text.len <= INT32_MAX) return words_512(reader, sums, room);
    if (sl_has_avx512()) return words_avx512(reader, sums, room);
#endif
    return read_words(reader, sums, room, spaces);
}
