/* words.c - words, by the boundaries that Unicode defines.
 * Contract: every character is read a bounded number of times.
 * Source: UAX #29, default word boundaries, rules WB1 to WB999; the generated table says of which version. */
#include "words.h"

#include "simd.h"
#include "utf8.h"
#include "word_break_tables.h"

#define CLASS(c) (UINT32_C(1) << WB_##c)
enum {
    LETTERS = CLASS(ALETTER) | CLASS(HEBREW_LETTER),
    ALNUM = LETTERS | CLASS(NUMERIC),
    EXTENDED = ALNUM | CLASS(KATAKANA),
    MID_LETTER = CLASS(MIDLETTER) | CLASS(MIDNUMLET) | CLASS(SINGLE_QUOTE),
    MID_NUMBER = CLASS(MIDNUM) | CLASS(MIDNUMLET) | CLASS(SINGLE_QUOTE),
    NEWLINES = CLASS(CR) | CLASS(LF) | CLASS(NEWLINE),
    PASSED_OVER = CLASS(EXTEND) | CLASS(FORMAT) | CLASS(ZWJ)
};

/* A word under way: the class of the last character that is not passed over, that of the last one at all, whether the
 * regional indicators before are odd in number, and whether a letter or digit is in it. */
typedef struct word {
    uint32_t left, last, odd, counts;
} word;

/* The next character that is not passed over, as a set of one class; 0 at the end. */
static uint32_t look_ahead(const char *p, const char *end) {
    while (p < end) {
        uint32_t class = UINT32_C(1) << (word_break(sl_utf8_next(&p, end)) & WB_CLASS);
        if (!(class & PASSED_OVER)) return class;
    }
    return 0;
}

/* What may stand on both sides of a character of class `right` so that it parts no word; 0 if nothing. */
static inline uint32_t bridged(uint32_t left, uint32_t right) {
    if (left & LETTERS && right & MID_LETTER) return LETTERS;
    if (left & CLASS(HEBREW_LETTER) && right & CLASS(DOUBLE_QUOTE)) return CLASS(HEBREW_LETTER);
    if (left & CLASS(NUMERIC) && right & MID_NUMBER) return CLASS(NUMERIC);
    return 0;
}

/* Reads on, to the end of the word that is under way. */
static const char *finish(word *w, const char *p, const char *end) {
    uint32_t bridge = 0; /* the sides of the bridge that the last character is, where one was found */
    while (p < end) {
        const char *next = p;
        uint8_t entry = word_break(sl_utf8_next(&next, end));
        uint32_t right = UINT32_C(1) << (entry & WB_CLASS), left = w->left;
        if (w->last & NEWLINES || right & NEWLINES) {
            if (w->last == CLASS(CR) && right == CLASS(LF)) return next;
            return p;
        }
        if (right & PASSED_OVER) {
            w->last = right;
            w->counts |= entry & WB_LETTER_OR_DIGIT;
            p = next;
            continue;
        }
        uint32_t crossed = bridge & right;
        bridge = 0;
        if (!(crossed || (left & ALNUM && right & ALNUM) || (w->last == CLASS(ZWJ) && entry & WB_PICTOGRAPHIC) ||
              (left & (EXTENDED | CLASS(EXTENDNUMLET)) && right == CLASS(EXTENDNUMLET)) ||
              (left == CLASS(EXTENDNUMLET) && right & EXTENDED) ||
              (left == CLASS(KATAKANA) && right == CLASS(KATAKANA)) ||
              (w->last == CLASS(WSEGSPACE) && right == CLASS(WSEGSPACE)) ||
              (right == CLASS(REGIONAL_INDICATOR) && w->odd))) {
            uint32_t sides = bridged(left, right);
            if (sides && look_ahead(next, end) & sides)
                bridge = sides;
            else if (!(left == CLASS(HEBREW_LETTER) && right == CLASS(SINGLE_QUOTE)))
                return p;
        }
        w->odd = right == CLASS(REGIONAL_INDICATOR) && !w->odd;
        w->left = w->last = right;
        w->counts |= entry & WB_LETTER_OR_DIGIT;
        p = next;
    }
    return p;
}

/* The word that begins at p, to its end. */
static inline const char *read_word(word *w, const char *p, const char *end) {
    uint8_t entry = word_break(sl_utf8_next(&p, end));
    uint32_t class = UINT32_C(1) << (entry & WB_CLASS);
    *w = (word){class, class, class == CLASS(REGIONAL_INDICATOR), entry & WB_LETTER_OR_DIGIT};
    return finish(w, p, end);
}

const char *sl_word_end(const char *p, const char *end) {
    word w;
    return read_word(&w, p, end);
}

/* ---- many bytes at once ------------------------------------------------------------------------------------------- */

/* Sixty-four bytes, a bit each. Letters are those of ASCII, and both bytes of U+00C0 to U+02BF and U+0400 to U+047F but for
 * the multiplication and division signs. Special is what else is not ASCII, and the low line. */
typedef struct block {
    uint64_t letters, digits, mid_letters, mid_numbers, special;
} block;

static inline uint32_t count_bits(uint64_t mask) {
    mask -= mask >> 1 & UINT64_C(0x5555555555555555);
    mask = (mask & UINT64_C(0x3333333333333333)) + (mask >> 2 & UINT64_C(0x3333333333333333));
    mask = (mask + (mask >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (uint32_t)(mask * UINT64_C(0x0101010101010101) >> 56);
}

/* Adds what is not ASCII: bits of all such bytes, of first bytes of letters, of 0xC3, and of 0x97 and 0xB7. */
static inline void add_wide(block *b, uint64_t high, uint64_t leads, uint64_t latin, uint64_t signs) {
    uint64_t wrong = signs & latin << 1;
    leads &= ~(wrong >> 1);
    b->letters |= leads | leads << 1;
    b->special |= high & ~(leads | leads << 1);
}

/* At most 64 bytes; those behind `len` are zero. */
static inline void read_block(block *b, const char *p, size_t len) {
    *b = (block){0, 0, 0, 0, 0};
    uint64_t high = 0, leads = 0, latin = 0, signs = 0;
    for (size_t i = 0; i < len; i += 16) {
        sl_v16 v = len - i >= 16 ? sl_v16_load(p + i) : sl_v16_load_tail(p + i, len - i, 0);
        sl_v16 both = sl_v16_or(sl_v16_eq(v, sl_v16_fill('.')), sl_v16_eq(v, sl_v16_fill('\'')));
        sl_v16 letter = sl_v16_range(sl_v16_or(v, sl_v16_fill(0x20)), 'a', 'z');
        sl_v16 number = sl_v16_or(both, sl_v16_or(sl_v16_eq(v, sl_v16_fill(',')), sl_v16_eq(v, sl_v16_fill(';'))));
        b->letters |= (uint64_t)sl_v16_mask(letter) << i;
        b->digits |= (uint64_t)sl_v16_mask(sl_v16_range(v, '0', '9')) << i;
        b->mid_letters |= (uint64_t)sl_v16_mask(sl_v16_or(both, sl_v16_eq(v, sl_v16_fill(':')))) << i;
        b->mid_numbers |= (uint64_t)sl_v16_mask(number) << i;
        b->special |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill('_'))) << i;
        uint64_t some = sl_v16_mask(v);
        if (SL_LIKELY(!some)) continue;
        high |= some << i;
        sl_v16 lead = sl_v16_or(sl_v16_range(v, 0xC3, 0xCA), sl_v16_range(v, 0xD0, 0xD1));
        leads |= (uint64_t)sl_v16_mask(lead) << i;
        latin |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill(0xC3))) << i;
        signs |= (uint64_t)sl_v16_mask(sl_v16_or(sl_v16_eq(v, sl_v16_fill(0x97)), sl_v16_eq(v, sl_v16_fill(0xB7)))) << i;
    }
    if (SL_UNLIKELY(high)) add_wide(b, high, leads, latin, signs);
}

/* Words that begin in a block: runs of letters and digits, less those that a bridge joins to the run before. `before` is
 * the block before with its last byte as bit 63. */
static inline int64_t count_block(const block *b, const block *before) {
    uint64_t alnum = b->letters | b->digits, alnum_before = before->letters | before->digits;
    uint64_t begun = alnum & ~(alnum << 1 | alnum_before >> 63);
    uint64_t crossed = (b->letters & (b->mid_letters << 1 | before->mid_letters >> 63) &
                        (b->letters << 2 | before->letters >> 62)) |
                       (b->digits & (b->mid_numbers << 1 | before->mid_numbers >> 63) &
                        (b->digits << 2 | before->digits >> 62));
    /* What is crossed to has begun: one count of bits does. */
    return (int64_t)count_bits(begun & ~crossed);
}

static inline void keep(block *b, uint64_t mask) {
    b->letters &= mask;
    b->digits &= mask;
    b->mid_letters &= mask;
    b->mid_numbers &= mask;
}

/* The `count` first bytes of a block become the last ones of the block before. */
static inline void move_up(block *b, size_t count) {
    size_t by = 64 - count;
    b->letters <<= by;
    b->digits <<= by;
    b->mid_letters <<= by;
    b->mid_numbers <<= by;
}

/* Takes up the word that masks have led to p, where something special stands; p moves back onto a character that may be
 * a bridge to it. `b` is what stands before p, its last byte as bit 63. */
static inline const char *take_up(word *w, const block *b, const char *p) {
    const uint64_t last = UINT64_C(1) << 63;
    uint32_t letter = CLASS(ALETTER), digit = CLASS(NUMERIC);
    *w = (word){CLASS(OTHER), CLASS(OTHER), 0, 1};
    if (b->letters & last)
        w->left = w->last = letter;
    else if (b->digits & last)
        w->left = w->last = digit;
    else if (b->mid_letters & b->letters << 1 & last)
        w->left = w->last = letter, p--;
    else if (b->mid_numbers & b->digits << 1 & last)
        w->left = w->last = digit, p--;
    else
        w->counts = 0;
    return p;
}

static inline uint64_t below(size_t bit) { return bit < 64 ? (UINT64_C(1) << bit) - 1 : ~UINT64_C(0); }

static inline uint32_t last_bit(uint64_t mask) {
#if defined(__GNUC__)
    return 63 - (uint32_t)__builtin_clzll(mask);
#else
    uint32_t index = 0;
    while (mask >>= 1) index++;
    return index;
#endif
}

typedef void (*block_reader)(block *b, const char *p, size_t len);

static inline int64_t count(sl_str text, block_reader read) {
    const char *p = text.ptr, *end = p + text.len;
    int64_t found = 0;
    block before = {0, 0, 0, 0, 0};
    while (p < end) {
        size_t len = (size_t)(end - p) < 64 ? (size_t)(end - p) : 64;
        block b;
        read(&b, p, len);
        /* A first byte without its second: that comes with the next block. */
        if (SL_UNLIKELY((unsigned char)p[len - 1] >= 0xC0 && len == 64)) {
            len = 63;
            keep(&b, below(63));
            b.special &= below(63);
        }
        if (SL_LIKELY(!b.special)) {
            found += count_block(&b, &before);
            before = b;
            move_up(&before, len);
            p += len;
            continue;
        }
        size_t first = sl_first_bit(b.special);
        const char *beyond = p + last_bit(b.special);
        word w;
        keep(&b, below(first));
        found += count_block(&b, &before);
        if (first) {
            move_up(&b, first);
            if (first == 1) { /* two bytes are looked at */
                b.letters |= before.letters >> 63 << 62;
                b.digits |= before.digits >> 63 << 62;
            }
            before = b;
        }
        p = take_up(&w, &before, p + first);
        uint32_t counted = w.counts;
        p = finish(&w, p, end);
        found += !counted && w.counts;
        while (p <= beyond && p < end) {
            p = read_word(&w, p, end);
            found += w.counts != 0;
        }
        before = (block){0, 0, 0, 0, 0};
    }
    return found;
}

#if defined(SL_WIDE)
#define SL_WORDS_WIDE __attribute__((target("avx2,popcnt,bmi")))
SL_WORDS_WIDE static inline void read_block_wide(block *b, const char *p, size_t len) {
    if (len < 64) {
        read_block(b, p, len);
        return;
    }
    sl_v32 v[2] = {sl_v32_load(p), sl_v32_load(p + 32)};
    *b = (block){0, 0, 0, 0, 0};
    uint64_t high = 0, leads = 0, latin = 0, signs = 0;
    for (int i = 0; i < 2; i++) {
        int at = 32 * i;
        sl_v32 both = sl_v32_or(sl_v32_eq(v[i], sl_v32_fill('.')), sl_v32_eq(v[i], sl_v32_fill('\'')));
        sl_v32 number = sl_v32_or(both, sl_v32_or(sl_v32_eq(v[i], sl_v32_fill(',')), sl_v32_eq(v[i], sl_v32_fill(';'))));
        b->letters |= (uint64_t)sl_v32_mask(sl_v32_range(sl_v32_or(v[i], sl_v32_fill(0x20)), 'a', 'z')) << at;
        b->digits |= (uint64_t)sl_v32_mask(sl_v32_range(v[i], '0', '9')) << at;
        b->mid_letters |= (uint64_t)sl_v32_mask(sl_v32_or(both, sl_v32_eq(v[i], sl_v32_fill(':')))) << at;
        b->mid_numbers |= (uint64_t)sl_v32_mask(number) << at;
        b->special |= (uint64_t)sl_v32_mask(sl_v32_eq(v[i], sl_v32_fill('_'))) << at;
        high |= (uint64_t)sl_v32_mask(v[i]) << at;
    }
    if (SL_LIKELY(!high)) return;
    for (int i = 0; i < 2; i++) {
        int at = 32 * i;
        sl_v32 lead = sl_v32_or(sl_v32_range(v[i], 0xC3, 0xCA), sl_v32_range(v[i], 0xD0, 0xD1));
        sl_v32 sign = sl_v32_or(sl_v32_eq(v[i], sl_v32_fill(0x97)), sl_v32_eq(v[i], sl_v32_fill(0xB7)));
        leads |= (uint64_t)sl_v32_mask(lead) << at;
        latin |= (uint64_t)sl_v32_mask(sl_v32_eq(v[i], sl_v32_fill(0xC3))) << at;
        signs |= (uint64_t)sl_v32_mask(sign) << at;
    }
    add_wide(b, high, leads, latin, signs);
}
#endif

/* Letters and digits of ASCII, and most of Latin and Cyrillic, are counted as the first ones of runs of bits; what is
 * special is read character by character, from the word that it is part of to the first boundary behind it. */
sl_status sl_count_words(sl_str text, const sl_options *options, sl_cell *out) {
    (void)options;
#if defined(SL_WIDE)
    if (sl_has_avx2()) {
        out->integer = count(text, read_block_wide);
        return SL_OK;
    }
#endif
    out->integer = count(text, read_block);
    return SL_OK;
}
