/* ratio_words.h - the words of a text, sorted and joined, for the ratios of tokens.
 * Contract: words point into the text; room for them is the caller's. White space is what Python's str.split takes. */
#ifndef SL_RATIO_WORDS_H
#define SL_RATIO_WORDS_H

#include "../streamliner.h"
#include "symbols.h"

/* A word and its first eight bytes, the first one highest: most comparisons need no more. */
typedef struct word {
    uint64_t key;
    const char *ptr;
    uint32_t len;
} word;

static inline uint64_t key_of(const char *ptr, uint32_t len) {
    uint64_t key = 0;
    for (uint32_t i = 0; i < 8; i++) key = key << 8 | (i < len ? (unsigned char)ptr[i] : 0);
    return key;
}

/* The order of the bytes of UTF-8 is that of the code points. */
static inline int compare(const word *a, const word *b) {
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    int order = memcmp(a->ptr, b->ptr, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* Length of the white space at p, as str.split has it, or 0. */
static inline uint32_t space_at(const char *p, const char *end) {
    unsigned char c = (unsigned char)p[0];
    if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 28 && c <= 32);
    unsigned char second = end - p > 1 ? (unsigned char)p[1] : 0;
    if (c == 0xC2) return second == 0x85 || second == 0xA0 ? 2 : 0;
    if (end - p < 3) return 0;
    unsigned char third = (unsigned char)p[2];
    if (c == 0xE1) return second == 0x9A && third == 0x80 ? 3 : 0;
    if (c == 0xE2) {
        if (second == 0x80) return (third >= 0x80 && third <= 0x8A) || third == 0xA8 || third == 0xA9 || third == 0xAF ? 3 : 0;
        return second == 0x81 && third == 0x9F ? 3 : 0;
    }
    return c == 0xE3 && second == 0x80 && third == 0x80 ? 3 : 0;
}

static inline uint32_t add_word(word *out, uint32_t count, const char *start, const char *end) {
    uint32_t len = (uint32_t)(end - start);
    if (out) out[count] = (word){key_of(start, len), start, len};
    return count + 1;
}

/* The words of a text in its own order, or only their number if `out` is NULL. */
static inline uint32_t split(sl_str text, word *out) {
    const char *p = text.ptr, *end = p + text.len, *start = p;
    uint32_t count = 0;
    for (const char *block = p; block < end; block += 16) {
        size_t left = (size_t)(end - block);
        sl_v16 v = left >= 16 ? sl_v16_load(block) : sl_v16_load_tail(block, left, 'x');
        /* White space, and first bytes of what may be. */
        sl_v16 ascii = sl_v16_or(sl_v16_range(v, 9, 13), sl_v16_range(v, 28, 32));
        sl_v16 wide = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xC2)), sl_v16_range(v, 0xE1, 0xE3));
        for (uint32_t mask = sl_v16_mask(sl_v16_or(ascii, wide)); mask; mask &= mask - 1) {
            p = block + sl_first_bit(mask);
            uint32_t len = p < start ? 0 : space_at(p, end);
            if (!len) continue;
            if (p > start) count = add_word(out, count, start, p);
            start = p + len;
        }
    }
    return start < end ? add_word(out, count, start, end) : count;
}

/* Merges sorted runs, which begin as ones of eight. `spare` has the same room. */
static inline void sort(word *words, uint32_t count, word *spare) {
    enum { RUN = 8 };
    for (uint32_t from = 0; from < count; from += RUN)
        for (uint32_t i = from + 1; i < count && i < from + RUN; i++) {
            word moving = words[i];
            uint32_t at = i;
            for (; at > from && compare(&words[at - 1], &moving) > 0; at--) words[at] = words[at - 1];
            words[at] = moving;
        }
    word *from = words, *to = spare;
    for (uint64_t run = RUN; run < count; run *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * run) {
            uint64_t middle = start + run < count ? start + run : count, end = middle + run < count ? middle + run : count;
            uint64_t a = start, b = middle;
            for (uint64_t at = start; at < end; at++)
                to[at] = b == end || (a < middle && compare(&from[a], &from[b]) <= 0) ? from[a++] : from[b++];
        }
        word *done = to;
        to = from;
        from = done;
    }
    if (from != words) memcpy(words, from, count * sizeof(word));
}

static inline sl_status sorted_words(sl_str text, sl_room *room, word **words, uint32_t *count) {
    enum { SMALL = 512 };
    *words = sl_room_take(room, text.len <= SMALL ? text.len / 2 + 1 : split(text, NULL), sizeof(word));
    if (!*words) return SL_ENOMEM;
    *count = split(text, *words);
    if (*count < 2) return SL_OK;
    word *spare = *count > 8 ? sl_room_take(room, *count, sizeof(word)) : *words;
    if (!spare) return SL_ENOMEM;
    sort(*words, *count, spare);
    return SL_OK;
}

static inline sl_str join(const word *words, uint32_t count, char *out) {
    char *p = out;
    for (uint32_t i = 0; i < count; i++) {
        if (i) *p++ = ' ';
        memcpy(p, words[i].ptr, words[i].len);
        p += words[i].len;
    }
    return (sl_str){out, (uint32_t)(p - out)};
}

#endif
