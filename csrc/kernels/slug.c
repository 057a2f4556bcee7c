/* slug.c - ASCII slugs.
 * Contract: output is a-z, 0-9 and single inner hyphens only; scanning stops when max_length is reached.
 * Source: the Unicode Standard, 3.11 and 5.7 (NFKD), through the generated table. */
#include "../streamliner.h"
#include "simd.h"
#include "slug_tables.h"
#include "utf8.h"

/* A slug in the making. `open` is 1 after a letter or digit: only then does a separator leave a hyphen, which makes
 * runs single and keeps the start clean. There is always room for SLACK bytes behind `len` as long as len < max. */
typedef struct slug {
    char *text;
    size_t len;
    uint32_t open;
} slug;

enum { SLACK = 64 };

/* word[0]: max_length. */
sl_status sl_prepare_max_length(const sl_value *values, sl_options *options, sl_error *error) {
    int64_t max_length = values[0].integer;
    if (max_length < 1) return sl_error_set(error, "expected max_length >= 1, got %lld", (long long)max_length);
    options->word[0] = max_length < (int64_t)SL_TEXT_MAX ? (uint64_t)max_length : SL_TEXT_MAX;
    return SL_OK;
}

/* Writes first and counts after: no branch on what the character is. */
static inline void add(slug *s, char c) {
    uint32_t solid = c != '-';
    s->text[s->len] = c;
    s->len += solid | s->open;
    s->open = solid;
}

static inline char slug_ascii(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return (char)(c | 0x20);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? (char)c : '-';
}

/* One code point above U+007F. Most leave nothing, and not even a hyphen. */
static inline const char *add_one(slug *s, const char *p, const char *end) {
    uint32_t number = slug_number(sl_utf8_next(&p, end));
    const slug_piece *piece = &slug_pieces[number];
    for (uint32_t i = 0; i < piece->len; i++) add(s, piece->text[i]);
    return p;
}

/* The code points from a byte above 0x7F up to the next ASCII byte. */
static inline const char *add_non_ascii(slug *s, const char *p, const char *end, size_t max) {
    do p = add_one(s, p, end);
    while (p < end && s->len < max && ((unsigned char)*p & 0x80));
    return p;
}

static void fill_plain(slug *s, const char *p, const char *end, size_t max) {
    while (p < end && s->len < max) {
        if ((unsigned char)*p & 0x80)
            p = add_non_ascii(s, p, end, max);
        else
            add(s, slug_ascii((unsigned char)*p++));
    }
}

#if defined(SL_WIDE)

/* Sixteen bytes a step: letters lowered and the rest made hyphens, the bytes that stay moved together by a shuffle for
 * each half. The last step of a text takes its last sixteen bytes, with those already done masked out. */
__attribute__((target("ssse3,popcnt"))) static void fill_ssse3(slug *s, const char *p, const char *end, size_t max) {
    const __m128i hyphen = _mm_set1_epi8('-'), bit = _mm_set1_epi8(0x20);
    const char *start = p;
    char *text = s->text;
    size_t len = s->len;
    uint32_t open = s->open;
    while (p < end && len < max) {
        size_t left = (size_t)(end - p);
        uint32_t valid = 0xFFFF, first = 0;
        sl_v16 v;
        if (SL_LIKELY(left >= 16)) {
            v = sl_v16_load(p);
        } else if (end - start >= 16) {
            first = (uint32_t)(16 - left);
            valid = 0xFFFFu << first & 0xFFFF;
            v = sl_v16_load(end - 16);
        } else {
            valid = 0xFFFFu >> (16 - left);
            v = sl_v16_load_tail(p, left, 0);
        }
        uint32_t wide = sl_v16_mask(v) & valid;
        if (wide) valid &= (wide & (0u - wide)) - 1;
        sl_v16 lower = _mm_or_si128(v, _mm_and_si128(sl_v16_range(v, 'A', 'Z'), bit));
        sl_v16 solid = _mm_or_si128(sl_v16_range(lower, 'a', 'z'), sl_v16_range(v, '0', '9'));
        uint32_t solids = sl_v16_mask(solid) & valid;
        uint32_t stay = valid & (solids | solids << 1 | open << first);
        lower = _mm_or_si128(_mm_and_si128(solid, lower), _mm_andnot_si128(solid, hyphen));
        const __m128i *low = (const __m128i *)(const void *)(slug_gather + 8 * (stay & 0xFF));
        const __m128i *high = (const __m128i *)(const void *)(slug_gather + 8 * (stay >> 8));
        _mm_storel_epi64((__m128i *)(void *)(text + len), _mm_shuffle_epi8(lower, _mm_loadl_epi64(low)));
        len += sl_count_bits(stay & 0xFF);
        _mm_storel_epi64((__m128i *)(void *)(text + len),
                         _mm_shuffle_epi8(_mm_srli_si128(lower, 8), _mm_loadl_epi64(high)));
        len += sl_count_bits(stay >> 8);
        if (valid) open = solids > valid >> 1; /* whether the last byte, the highest valid bit, is solid */
        if (SL_LIKELY(!wide)) {
            p += left < 16 ? left : 16;
            continue;
        }
        p += sl_first_bit(wide) - first;
        if (len >= max) break;
        *s = (slug){text, len, open};
        p = add_non_ascii(s, p, end, max);
        len = s->len;
        open = s->open;
    }
    s->len = len;
}
#endif

#if defined(SL_WIDE)
/* A block of 64 bytes with code points above U+007F that are done in place. */
typedef struct folded {
    __m512i bytes;
    uint64_t done; /* bytes of code points that are */
    uint64_t gone; /* bytes that leave nothing, among them */
} folded;

/* A code point is done by what its last byte says, so one that the block cuts is not. Ranges that leave nothing are those
 * of EMPTY_RANGES, which the generator of the tables checks. */
SL_VBMI2 static inline folded fold_block(__m512i v) {
    folded f = {v, 0, 0};
    __m512i mapped = v;
    uint64_t two = 0;
    for (unsigned k = 0; k < 4; k++) {
        uint64_t last = sl_v64_eq(v, (uint8_t)(0xC2 + k)) << 1;
        mapped = _mm512_mask_permutexvar_epi8(mapped, last, v, _mm512_loadu_si512((const void *)slug_latin[k]));
        two |= last;
    }
    f.bytes = mapped;
    two &= ~_mm512_movepi8_mask(mapped);
    f.gone = two & _mm512_testn_epi8_mask(mapped, mapped);
    uint64_t empty_two = sl_v64_range(v, 0xD0, 0xDB) << 1;
    uint64_t second = sl_v64_eq(v, 0xE2) << 1;
    __m512i general = _mm512_permutexvar_epi8(v, _mm512_loadu_si512((const void *)slug_general));
    uint64_t three = (second & sl_v64_eq(v, 0x80)) << 1 & _mm512_testn_epi8_mask(general, general);
    three |= (second & sl_v64_range(v, 0x98, 0x9E)) << 1;
    three |= (sl_v64_eq(v, 0xE3) << 1 & sl_v64_range(v, 0x81, 0x83)) << 1 & ~sl_v64_range(v, 0x9B, 0x9C);
    three |= (sl_v64_eq(v, 0xEF) << 1 & sl_v64_eq(v, 0xB8)) << 1 & sl_v64_eq(v, 0x8F);
    three |= sl_v64_range(v, 0xE4, 0xE9) << 2;
    uint64_t four = ((sl_v64_eq(v, 0xF0) << 1 & sl_v64_eq(v, 0x9F)) << 1 & sl_v64_range(v, 0x8C, 0xAE)) << 1;
    uint64_t empty = empty_two | three | four;
    empty |= empty >> 1 | (three | four) >> 2 | four >> 3;
    f.done = two | two >> 1 | empty;
    f.gone |= two >> 1 | empty;
    return f;
}

/* Sixty-four bytes a step, which is all of most slugs: what stays is moved together by one instruction. */
SL_VBMI2 static void fill_vbmi2(slug *s, const char *p, const char *end, size_t max) {
    const __m512i hyphen = _mm512_set1_epi8('-'), bit = _mm512_set1_epi8(0x20);
    /* Not in *s, which a store to the text might change for all that the compiler knows. */
    char *text = s->text;
    size_t len = s->len;
    uint64_t open = s->open;
    while (p < end && len < max) {
        size_t left = (size_t)(end - p), count = left < 64 ? left : 64;
        uint64_t valid = _bzhi_u64(~UINT64_C(0), (unsigned)count);
        __m512i v = _mm512_maskz_loadu_epi8(valid, p);
        uint64_t wide = _mm512_movepi8_mask(v);
        if (wide) {
            folded f = fold_block(v);
            wide &= ~f.done;
            if (wide) { /* as far as the first code point that is not done */
                count = sl_first_bit(wide);
                valid = _bzhi_u64(~UINT64_C(0), (unsigned)count);
            }
            uint64_t rest = valid & ~f.gone;
            v = _mm512_maskz_compress_epi8(rest, f.bytes);
            valid = _bzhi_u64(~UINT64_C(0), sl_count_bits(rest));
        }
        uint64_t upper = _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('A')), _mm512_set1_epi8(25));
        __m512i lower = _mm512_or_si512(v, _mm512_maskz_mov_epi8(upper, bit));
        uint64_t letters = _mm512_cmple_epu8_mask(_mm512_sub_epi8(lower, _mm512_set1_epi8('a')), _mm512_set1_epi8(25));
        uint64_t digits = _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('0')), _mm512_set1_epi8(9));
        uint64_t solids = (letters | digits) & valid;
        uint64_t stay = valid & (solids | solids << 1 | open);
        __m512i kept = _mm512_maskz_compress_epi8(stay, _mm512_mask_mov_epi8(hyphen, solids, lower));
        _mm512_storeu_si512((void *)(text + len), kept);
        len += sl_count_bits(stay);
        if (valid) open = solids > valid >> 1; /* whether the last byte, the highest valid bit, is solid */
        p += count;
        if (SL_LIKELY(!wide)) continue;
        if (len >= max) break;
        *s = (slug){text, len, (uint32_t)open};
        p = add_one(s, p, end);
        len = s->len;
        open = s->open;
    }
    s->len = len;
}
#endif

static inline void fill(slug *s, const char *p, const char *end, size_t max) {
#if defined(SL_WIDE)
    if (sl_has_vbmi2()) {
        fill_vbmi2(s, p, end, max);
        return;
    }
    if (SL_LIKELY(sl_cpu_level() >= SL_CPU_SSSE3)) {
        fill_ssse3(s, p, end, max);
        return;
    }
#endif
    fill_plain(s, p, end, max);
}

/* One pass that decomposes, drops, lowers, joins and cuts; the table promises that no code point leaves more than twice
 * its bytes. O(bytes read), and reading stops when max_length is reached. */
sl_status sl_slugify(sl_str text, const sl_options *options, sl_buf *out) {
    size_t max = (size_t)options->word[0];
    if (!text.len) return SL_UNCHANGED;
    size_t bound = 2 * (size_t)text.len;
    SL_TRY(sl_buf_reserve(out, (bound < max ? bound : max) + SLACK));
    slug s = {out->ptr, 0, 0};
    fill(&s, text.ptr, text.ptr + text.len, max);
    if (s.len > max) s.len = max;
    if (s.len && s.text[s.len - 1] == '-') s.len--;
    out->len = s.len;
    return SL_OK;
}
