/* symbols.c - see symbols.h. */
#include "symbols.h"

#include <stdlib.h>

void *sl_room_take(sl_room *room, size_t count, size_t size) {
    if (size && count > SIZE_MAX / 2 / size) return NULL;
    size_t words = (count * size + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    size_t stack_words = sizeof(room->stack) / sizeof(room->stack[0]);
    if (SL_LIKELY(words <= stack_words - room->used)) {
        uint64_t *taken = room->stack + room->used;
        room->used += words;
        return taken;
    }
    if (room->heap_count == sizeof(room->heaps) / sizeof(room->heaps[0])) return NULL;
    void *taken = malloc(words * sizeof(uint64_t));
    if (taken) room->heaps[room->heap_count++] = taken;
    return taken;
}

void sl_room_close(sl_room *room) {
    while (room->heap_count) free(room->heaps[--room->heap_count]);
}

/* ---- equal beginnings and ends --------------------------------------------------------------------------------- */

static int is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

static uint32_t equal_prefix(const char *a, const char *b, uint32_t len) {
    uint32_t i = 0;
    for (; i + 16 <= len; i += 16) {
        uint32_t mask = sl_v16_mask(sl_v16_eq(sl_v16_load(a + i), sl_v16_load(b + i)));
        if (mask != 0xFFFF) return i + sl_first_bit(~mask);
    }
    while (i < len && a[i] == b[i]) i++;
    return i;
}

static uint32_t equal_suffix(const char *a_end, const char *b_end, uint32_t len) {
    uint32_t i = 0;
    while (i + 16 <= len && sl_v16_mask(sl_v16_eq(sl_v16_load(a_end - i - 16), sl_v16_load(b_end - i - 16))) == 0xFFFF) i += 16;
    while (i < len && a_end[-(ptrdiff_t)i - 1] == b_end[-(ptrdiff_t)i - 1]) i++;
    return i;
}

uint32_t sl_pair_trim(sl_str *a, sl_str *b) {
    uint32_t shorter = a->len < b->len ? a->len : b->len;
    uint32_t prefix = equal_prefix(a->ptr, b->ptr, shorter);
    while (prefix && ((prefix < a->len && is_continuation(a->ptr[prefix])) ||
                      (prefix < b->len && is_continuation(b->ptr[prefix]))))
        prefix--;
    uint32_t suffix = equal_suffix(a->ptr + a->len, b->ptr + b->len, shorter - prefix);
    while (suffix && is_continuation(a->ptr[a->len - suffix])) suffix--;
    uint32_t points = 0;
    if (prefix) points += (uint32_t)sl_utf8_count(a->ptr, prefix);
    if (suffix) points += (uint32_t)sl_utf8_count(a->ptr + a->len - suffix, suffix);
    a->ptr += prefix;
    b->ptr += prefix;
    a->len -= prefix + suffix;
    b->len -= prefix + suffix;
    return points;
}

/* ---- symbols ---------------------------------------------------------------------------------------------------- */

/* By the upper half of a first byte: which of four bytes in memory belong to its code point. */
static const uint8_t key_bytes[16][4] = {
    {255}, {255}, {255}, {255}, {255}, {255}, {255}, {255}, {255}, {255}, {255}, {255},
    {255, 255}, {255, 255}, {255, 255, 255}, {255, 255, 255, 255},
};

static inline uint32_t key_at(const char *p) {
    uint32_t key, mask;
    memcpy(&key, p, 4);
    memcpy(&mask, key_bytes[(unsigned char)*p >> 4], 4);
    return key & mask;
}

#if defined(SL_WIDE)
/* Texts of at most 64 bytes, sixteen code points a step: the four bytes from each first byte on, as one number, are moved
 * out of the register that holds the text. Those past its end come from its beginning, and belong to no code point. */
SL_VBMI2 static uint32_t keys_512(const char *ptr, uint32_t len, uint32_t *out) {
    static const uint8_t places[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                       22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                       44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    uint64_t valid = sl_v64_valid(len);
    __m512i bytes = sl_v64_load(ptr, valid);
    uint64_t first = valid & ~sl_v64_range(bytes, 0x80, 0xBF);
    uint32_t count = sl_count_bits(first);
    __m512i at = _mm512_maskz_compress_epi8(first, _mm512_loadu_si512((const void *)places));
    for (uint32_t i = 0; i < count; i += 16) {
        __m512i start = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(at));
        start = _mm512_mullo_epi32(start, _mm512_set1_epi32(0x01010101));
        start = _mm512_add_epi32(start, _mm512_set1_epi32(0x03020100));
        __m512i key = _mm512_permutexvar_epi8(start, bytes), lead = _mm512_and_si512(key, _mm512_set1_epi32(0xFF));
        __m512i kept = _mm512_mask_blend_epi32(_mm512_cmpge_epu32_mask(lead, _mm512_set1_epi32(0xC0)),
                                               _mm512_set1_epi32(0xFF), _mm512_set1_epi32(0xFFFF));
        kept = _mm512_mask_mov_epi32(kept, _mm512_cmpge_epu32_mask(lead, _mm512_set1_epi32(0xE0)),
                                     _mm512_set1_epi32(0xFFFFFF));
        kept = _mm512_mask_mov_epi32(kept, _mm512_cmpge_epu32_mask(lead, _mm512_set1_epi32(0xF0)),
                                     _mm512_set1_epi32(-1));
        uint32_t left = count - i;
        __mmask16 made = (__mmask16)_bzhi_u32(0xFFFF, left < 16 ? left : 16);
        _mm512_mask_storeu_epi32(out + i, made, _mm512_and_si512(key, kept));
        at = _mm512_shuffle_i64x2(at, at, 0x39); /* the next sixteen */
    }
    return count;
}
#endif

uint32_t sl_pair_keys(const char *ptr, uint32_t len, uint32_t *out) {
#if defined(SL_WIDE)
    if (len <= 64 && sl_has_vbmi2()) return keys_512(ptr, len, out);
#endif
    uint32_t count = 0, i = 0;
    /* Sixteen bytes a step, and four behind the last of them can be read. */
    for (; len - i >= 20; i += 16) {
        uint32_t first = ~sl_v16_mask(sl_v16_range(sl_v16_load(ptr + i), 0x80, 0xBF)) & 0xFFFF;
        for (; first; first &= first - 1) out[count++] = key_at(ptr + i + sl_first_bit(first));
    }
    char tail[40];
    uint32_t left = len - i, first = left < 32 ? (UINT32_C(1) << left) - 1 : 0;
    sl_v16_store(tail, left > 16 ? sl_v16_load(ptr + i) : sl_v16_load_tail(ptr + i, left, 0));
    sl_v16_store(tail + 16, sl_v16_fill(0));
    for (uint32_t at = 16; at < left; at++) tail[at] = ptr[i + at];
    first &= ~(sl_v16_mask(sl_v16_range(sl_v16_load(tail), 0x80, 0xBF)) |
               sl_v16_mask(sl_v16_range(sl_v16_load(tail + 16), 0x80, 0xBF)) << 16);
    for (; first; first &= first - 1) out[count++] = key_at(tail + sl_first_bit(first));
    return count;
}

static void widen(const char *ptr, uint32_t len, uint32_t *out) {
    for (uint32_t i = 0; i < len; i++) out[i] = (unsigned char)ptr[i];
}

/* Numbers by key, in a table of open addresses. Where an enemy has chosen keys that fall together, a search takes up to
 * as many steps as the pattern has symbols; the comparison costs a share of that for every symbol anyway. */
typedef struct slot {
    uint32_t key; /* 0: free */
    uint32_t number;
} slot;

typedef struct slots {
    slot *at;
    uint32_t bits;
} slots;

static inline slot *find(const slots *s, uint32_t key) {
    uint32_t mask = (UINT32_C(1) << s->bits) - 1, i = key * UINT32_C(0x9E3779B1) >> (32 - s->bits);
    while (s->at[i].key && s->at[i].key != key) i = (i + 1) & mask;
    return &s->at[i];
}

/* ASCII bytes are keys and numbers at once; where a machine keeps the last byte first they are not, so ask the byte. */
static inline int is_ascii_key(uint32_t key, uint32_t *number) {
    unsigned char bytes[4];
    memcpy(bytes, &key, 4);
    *number = bytes[0];
    return bytes[0] < 0x80;
}

static uint32_t number_pattern(const slots *s, uint32_t *keys, uint32_t len) {
    uint32_t kinds = SL_SYMBOL_OTHERS, number;
    for (uint32_t i = 0; i < len; i++) {
        if (!is_ascii_key(keys[i], &number)) {
            slot *found = find(s, keys[i]);
            if (!found->key) *found = (slot){keys[i], kinds++};
            number = found->number;
        }
        keys[i] = number;
    }
    return kinds;
}

static void number_text(const slots *s, uint32_t *keys, uint32_t len) {
    uint32_t number;
    for (uint32_t i = 0; i < len; i++) {
        if (!is_ascii_key(keys[i], &number)) {
            const slot *found = find(s, keys[i]);
            number = found->key ? found->number : SL_SYMBOL_ABSENT;
        }
        keys[i] = number;
    }
}

sl_status sl_pair_symbols(sl_str a, sl_str b, sl_room *room, sl_symbols *out) {
    uint32_t *first = sl_room_take(room, (size_t)a.len + SL_WORD, sizeof(uint32_t));
    uint32_t *second = sl_room_take(room, (size_t)b.len + SL_WORD, sizeof(uint32_t));
    if (!first || !second) return SL_ENOMEM;
    uint32_t first_len = a.len, second_len = b.len, kinds = SL_SYMBOL_OTHERS;
    if (sl_is_ascii(a) && sl_is_ascii(b)) {
        widen(a.ptr, a.len, first);
        widen(b.ptr, b.len, second);
    } else {
        first_len = sl_pair_keys(a.ptr, a.len, first);
        second_len = sl_pair_keys(b.ptr, b.len, second);
        kinds = 0;
    }
    int swapped = first_len > second_len;
    *out = swapped ? (sl_symbols){second, first, second_len, first_len, kinds, 1}
                   : (sl_symbols){first, second, first_len, second_len, kinds, 0};
    if (out->pattern_len < SL_WORD)
        memset(out->pattern + out->pattern_len, 0, (SL_WORD - out->pattern_len) * sizeof(uint32_t));
    return SL_OK;
}

sl_status sl_pair_number(sl_room *room, sl_symbols *symbols) {
    if (symbols->kinds) return SL_OK;
    slots s = {NULL, 4};
    while (s.bits < 31 && (UINT64_C(1) << s.bits) < 2 * (uint64_t)symbols->pattern_len) s.bits++;
    s.at = sl_room_take(room, (size_t)1 << s.bits, sizeof(slot));
    if (!s.at) return SL_ENOMEM;
    memset(s.at, 0, sizeof(slot) << s.bits);
    symbols->kinds = number_pattern(&s, symbols->pattern, symbols->pattern_len);
    number_text(&s, symbols->text, symbols->text_len);
    return SL_OK;
}
