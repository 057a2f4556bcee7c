/* chunk.c - a text in overlapping pieces.
 * Contract: pieces point into the input and begin and end at code points; each begins and ends behind the one before it.
 * Work is linear in the input and in what the pieces hold. */
#include "../streamliner.h"
#include "simd.h"
#include "utf8.h"
#include "word_break_tables.h"

/* What a character is to a chunk. */
enum { SPACE = 1, LINE = 2, PARAGRAPH = 4, TERMINATOR = 8, CLOSING = 16, OPENING = 32, IDEOGRAPH = 64 };

static const uint8_t ascii_kind[128] = {
    ['\t'] = SPACE,     ['\n'] = SPACE | LINE, ['\v'] = SPACE | LINE, ['\f'] = SPACE | LINE, ['\r'] = SPACE | LINE,
    [0x1C] = SPACE,     [0x1D] = SPACE,        [0x1E] = SPACE,        [0x1F] = SPACE,        [' '] = SPACE,
    ['!'] = TERMINATOR, ['.'] = TERMINATOR,    ['?'] = TERMINATOR,    ['"'] = CLOSING,       ['\''] = CLOSING,
    [')'] = CLOSING,    [']'] = CLOSING,       ['}'] = CLOSING,       ['('] = OPENING,       ['['] = OPENING,
    ['{'] = OPENING,
};

/* The oracle says what each is; ranges of ideographs are tested first, because texts are full of them. */
static uint8_t wide_kind(uint32_t point) {
    if ((point >= 0x3400 && point <= 0x4DBF) || (point >= 0x4E00 && point <= 0x9FFF)) return IDEOGRAPH;
    if (point < 0x2000) {
        switch (point) {
            case 0x85: return SPACE | LINE;
            case 0xA0: case 0x1680: return SPACE;
            case 0xAB: return OPENING;
            case 0xBB: return CLOSING;
            case 0x589: case 0x61F: case 0x6D4: case 0x964: case 0x965: case 0x1362: return TERMINATOR;
            default: return 0;
        }
    }
    if (point < 0x2060) {
        if (point <= 0x200A) return SPACE;
        switch (point) {
            case 0x2018: case 0x201C: return OPENING | CLOSING;
            case 0x2019: case 0x201D: case 0x203A: return CLOSING;
            case 0x2026: case 0x203C: case 0x203D: case 0x2047: case 0x2048: case 0x2049: return TERMINATOR;
            case 0x2028: return SPACE | LINE;
            case 0x2029: return SPACE | PARAGRAPH;
            case 0x202F: case 0x205F: return SPACE;
            case 0x2039: return OPENING;
            default: return 0;
        }
    }
    if (point < 0x3000) return 0;
    if (point < 0x3400) {
        if (point == 0x3000) return SPACE;
        if (point == 0x3002) return TERMINATOR;
        if ((point >= 0x3008 && point <= 0x3011) || (point >= 0x3014 && point <= 0x301B))
            return point & 1 ? CLOSING : OPENING;
        int is_letter = (point >= 0x3041 && point <= 0x3096) || (point >= 0x30A1 && point <= 0x30FA) ||
                        (point >= 0x3105 && point <= 0x312F) || (point >= 0x31A0 && point <= 0x31BF) ||
                        (point >= 0x31F0 && point <= 0x31FF);
        return is_letter ? IDEOGRAPH : 0;
    }
    if (point < 0xF900) return 0;
    if (point <= 0xFAFF) return IDEOGRAPH;
    switch (point) {
        case 0xFF01: case 0xFF0E: case 0xFF1F: case 0xFF61: return TERMINATOR;
        case 0xFF08: case 0xFF3B: case 0xFF5B: case 0xFF62: return OPENING;
        case 0xFF09: case 0xFF3D: case 0xFF5D: case 0xFF63: return CLOSING;
        default: break;
    }
    int is_letter = (point >= 0xFF66 && point <= 0xFF6F) || (point >= 0xFF71 && point <= 0xFF9D) ||
                    (point >= 0x20000 && point <= 0x3FFFD);
    return is_letter ? IDEOGRAPH : 0;
}

/* A place between two characters: its byte, and how many code points stand before it. */
typedef struct place {
    const char *p;
    size_t at;
} place;

/* The text from its first to its last character that is no white space. */
typedef struct chunker {
    const char *start, *end;
    size_t max, overlap;
    int ascii, wide;
} chunker;

static inline int starts(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

static inline uint32_t point_at(const chunker *c, const char *p) { return sl_utf8_next(&p, c->end); }

static inline uint8_t kind_at(const chunker *c, const char *p) {
    unsigned char byte = (unsigned char)*p;
    return SL_LIKELY(byte < 0x80) ? ascii_kind[byte] : wide_kind(point_at(c, p));
}

static inline const char *next(const chunker *c, const char *p) {
    do p++;
    while (p < c->end && !starts(*p));
    return p;
}

/* start < p */
static inline const char *previous(const chunker *c, const char *p) {
    do p--;
    while (p > c->start && !starts(*p));
    return p;
}

/* How many of the 32 bytes at p begin a character: plain arithmetic, because old processors count no bits. */
static inline size_t count_starts(const char *p) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t sum = 0;
    for (int i = 0; i < 32; i += 8) {
        uint64_t v;
        memcpy(&v, p + i, 8);
        sum += v >> 7 & ~v >> 6 & ones;
    }
    return 32 - (size_t)(sum * ones >> 56);
}

#if defined(SL_WIDE)
/* From p on, 32 bytes a step, as long as they begin fewer characters than are wanted. */
__attribute__((target("avx2,popcnt"))) static const char *skip_wide(const char *p, const char *end, size_t *wanted) {
    const __m256i last = _mm256_set1_epi8((char)0xC0);
    while (end - p >= 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
        size_t found = 32 - (size_t)_mm_popcnt_u32((uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(last, v)));
        if (found >= *wanted) break;
        *wanted -= found;
        p += 32;
    }
    return p;
}
#endif

static inline const char *skip(const chunker *c, const char *p, size_t *wanted) {
#if defined(SL_WIDE)
    if (c->wide) return skip_wide(p, c->end, wanted);
#endif
    while (c->end - p >= 32) {
        size_t found = count_starts(p);
        if (found >= *wanted) break;
        *wanted -= found;
        p += 32;
    }
    return p;
}

/* The place `count` code points on, or the end. */
static place advance(const chunker *c, place from, size_t count) {
    size_t left = (size_t)(c->end - from.p);
    if (c->ascii) {
        size_t step = count < left ? count : left;
        return (place){from.p + step, from.at + step};
    }
    if (!count || !left) return from;
    size_t wanted = count;
    /* The place is at the first byte of the character that is number `wanted` from the next byte on. */
    const char *p = skip(c, from.p + 1, &wanted);
    for (; p < c->end; p++)
        if (starts(*p) && !--wanted) return (place){p, from.at + count};
    return (place){c->end, from.at + count - wanted + 1};
}

/* The place `count` code points back; there are so many. */
static place retreat(const chunker *c, place from, size_t count) {
    if (c->ascii) return (place){from.p - count, from.at - count};
    const char *p = from.p;
    size_t wanted = count;
    while (p - c->start >= 32) {
        size_t found = count_starts(p - 32);
        if (found >= wanted) break;
        wanted -= found;
        p -= 32;
    }
    while (wanted && p > c->start) wanted -= starts(*--p);
    return (place){p, from.at - count};
}

static size_t count_points(const chunker *c, const char *p, const char *end) {
    if (c->ascii) return (size_t)(end - p);
    size_t count = 0;
    for (; end - p >= 32; p += 32) count += count_starts(p);
    for (; p < end; p++) count += starts(*p);
    return count;
}

/* 1 if a word stops where a character of kind `kind` follows one of kind `before`. */
static inline int stops(uint8_t before, uint8_t kind) {
    return kind & SPACE ? !(before & SPACE) : kind & IDEOGRAPH && !(before & (SPACE | OPENING));
}

static inline int begins(uint8_t before, uint8_t kind) {
    return !(kind & SPACE) && (before & SPACE || (kind & IDEOGRAPH && !(before & OPENING)));
}

/* A cut at p, which is inside the text, would part what belongs together. */
static int continues(const chunker *c, const char *p) {
    if (c->ascii) return 0;
    uint8_t class = word_break(point_at(c, p)) & WB_CLASS;
    return class == WB_EXTEND || class == WB_ZWJ || (p > c->start && point_at(c, previous(c, p)) == 0x200D);
}

static int ends_sentence(const chunker *c, const char *stop) {
    while (stop > c->start) {
        stop = previous(c, stop);
        uint8_t kind = kind_at(c, stop);
        if (kind & TERMINATOR) return 1;
        if (!(kind & CLOSING)) return 0;
    }
    return 0;
}

/* LINE or PARAGRAPH if what stands between the word that stops here and the next one says so. */
static int ends_line(const chunker *c, const char *p) {
    uint32_t lines = 0;
    for (uint8_t kind; (kind = kind_at(c, p)) & SPACE; p = next(c, p)) {
        if (kind & PARAGRAPH) return PARAGRAPH;
        if (!(kind & LINE)) continue;
        if (*p == '\r' && p[1] == '\n') p++; /* never the end: white space is followed by a word */
        if (++lines == 2) return PARAGRAPH;
    }
    return lines ? LINE : 0;
}

/* The last place where a word stops, up to `from` and behind `covered`; NULL if there is none. */
static const char *find_word(const chunker *c, const char *from, const char *covered) {
    uint8_t kind = kind_at(c, from);
    while (from > covered) {
        const char *p = previous(c, from);
        uint8_t before = kind_at(c, p);
        if (stops(before, kind)) return from;
        from = p;
        kind = before;
    }
    return NULL;
}

/* Positions among the sixteen at p where a sentence, a line or a paragraph may end: line ends, white space behind
 * punctuation or behind any character that is not ASCII, and characters that may be white space or ideographs. If only
 * paragraphs are wanted: line ends before what may be white space. One byte before and one behind can be read. */
static inline uint32_t candidates(const char *p, int paragraphs_only) {
    sl_v16 v = sl_v16_load(p), lines = sl_v16_range(v, '\n', '\r');
    if (paragraphs_only) {
        sl_v16 next = sl_v16_load(p + 1);
        sl_v16 open = sl_v16_or(next, sl_v16_or(sl_v16_range(next, '\t', '\r'), sl_v16_range(next, 0x1C, 0x20)));
        sl_v16 wide = sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xC2)), sl_v16_eq(v, sl_v16_fill(0xE2)));
        return sl_v16_mask(sl_v16_or(sl_v16_and(lines, open), wide));
    }
    sl_v16 before = sl_v16_load(p - 1);
    sl_v16 wide = sl_v16_or(sl_v16_range(v, 0xE1, 0xF4), sl_v16_eq(v, sl_v16_fill(0xC2)));
    sl_v16 space = sl_v16_or(sl_v16_range(v, 0x1C, 0x20), sl_v16_eq(v, sl_v16_fill('\t')));
    sl_v16 mark = sl_v16_or(sl_v16_or(sl_v16_range(before, '!', '"'), sl_v16_range(before, '\'', ')')),
                            sl_v16_or(sl_v16_eq(before, sl_v16_fill('.')), sl_v16_eq(before, sl_v16_fill('?'))));
    mark = sl_v16_or(mark, sl_v16_or(sl_v16_eq(before, sl_v16_fill(']')), sl_v16_range(before, 0x7D, 0xFF)));
    return sl_v16_mask(sl_v16_or(sl_v16_or(lines, wide), sl_v16_and(space, mark)));
}

#if defined(SL_WIDE)
/* The same of thirty-two. */
SL_AVX2 static uint32_t candidates_wide(const char *p, int paragraphs_only) {
    const sl_v32 wide_space = sl_v32_fill(0xC2);
    sl_v32 v = sl_v32_load(p), lines = sl_v32_range(v, '\n', '\r'), wide = sl_v32_eq(v, wide_space);
    if (paragraphs_only) {
        sl_v32 next = sl_v32_load(p + 1);
        sl_v32 open = sl_v32_or(next, sl_v32_or(sl_v32_range(next, '\t', '\r'), sl_v32_range(next, 0x1C, 0x20)));
        return sl_v32_mask(sl_v32_or(sl_v32_and(lines, open), sl_v32_or(wide, sl_v32_eq(v, sl_v32_fill(0xE2)))));
    }
    sl_v32 before = sl_v32_load(p - 1);
    sl_v32 space = sl_v32_or(sl_v32_range(v, 0x1C, 0x20), sl_v32_eq(v, sl_v32_fill('\t')));
    sl_v32 mark = sl_v32_or(sl_v32_or(sl_v32_range(before, '!', '"'), sl_v32_range(before, '\'', ')')),
                            sl_v32_or(sl_v32_eq(before, sl_v32_fill('.')), sl_v32_eq(before, sl_v32_fill('?'))));
    mark = sl_v32_or(mark, sl_v32_or(sl_v32_eq(before, sl_v32_fill(']')), sl_v32_range(before, 0x7D, 0xFF)));
    wide = sl_v32_or(wide, sl_v32_range(v, 0xE1, 0xF4));
    return sl_v32_mask(sl_v32_or(sl_v32_or(lines, wide), sl_v32_and(space, mark)));
}
#endif

/* Candidates among the `width` bytes at p. */
static inline uint32_t find_candidates(const char *p, int paragraphs_only, ptrdiff_t width) {
#if defined(SL_WIDE)
    if (width == 32) return candidates_wide(p, paragraphs_only);
#endif
    (void)width;
    return candidates(p, paragraphs_only);
}

static inline uint32_t last_bit(uint32_t mask) {
#if defined(__GNUC__)
    return 31 - (uint32_t)__builtin_clz(mask);
#else
    uint32_t index = 0;
    while (mask >>= 1) index++;
    return index;
#endif
}

typedef struct ends {
    const char *sentence, *line;
} ends;

/* The end of a paragraph at p or, if p is inside white space, where that begins; NULL if it ends no paragraph or is not
 * behind `low`. Ends of sentences and lines are noted, if they are the first. `*at` is where the search goes on. */
static inline const char *look(const chunker *c, const char *p, const char *low, ends *e, const char **at) {
    uint8_t kind = kind_at(c, p), before;
    *at = p;
    if (!(kind & (SPACE | IDEOGRAPH))) return NULL;
    for (;;) {
        if (p <= low) return NULL;
        const char *q = previous(c, p);
        before = kind_at(c, q);
        if (!(kind & SPACE) || !(before & SPACE)) break;
        p = *at = q;
    }
    if (!stops(before, kind)) return NULL;
    int line = kind & SPACE ? ends_line(c, p) : 0;
    if (line == PARAGRAPH) return p;
    if (!e->sentence && ends_sentence(c, p)) e->sentence = p;
    if (!e->line && line) e->line = p;
    return NULL;
}

/* The best place to end a chunk behind `low`, given the last word that stops in it. */
static const char *find_better(const chunker *c, const char *word, const char *low) {
    ends e = {NULL, NULL};
    const char *at, *paragraph;
    if ((paragraph = look(c, word, low, &e, &at))) return paragraph;
    /* Every position from `at` on has been looked at. */
    ptrdiff_t width = c->wide ? 32 : 16;
    while (at > low + 1) {
        const char *block = at - low > width ? at - width : low + 1; /* low >= start: there is a byte before the block */
        uint32_t mask = (uint32_t)((UINT64_C(1) << (at - block)) - 1);
        if (c->end - block > width) mask &= find_candidates(block, e.sentence != NULL, width);
        const char *next_at = block;
        while (mask) {
            uint32_t bit = last_bit(mask);
            const char *p = block + bit;
            mask ^= 1u << bit;
            if (!starts(*p)) continue;
            if ((paragraph = look(c, p, low, &e, &at))) return paragraph;
            if (at == p) continue;
            /* White space was passed over. */
            if (at <= block) {
                next_at = at;
                break;
            }
            mask &= (1u << (at - block)) - 1;
        }
        at = next_at;
    }
    return e.sentence ? e.sentence : e.line ? e.line : word;
}

/* Where a chunk ends that begins at `start`, is half full at `half`, has to get beyond `covered`, and must not get beyond
 * `limit`. */
static const char *choose(const chunker *c, place start, place half, place covered, place limit, int *cut) {
    const char *word = find_word(c, limit.p, covered.p);
    *cut = word == NULL;
    if (word) {
        const char *low = half.p > covered.p ? half.p : covered.p;
        return word > low ? find_better(c, word, low) : word;
    }
    const char *low = start.p > covered.p ? start.p : covered.p;
    for (const char *p = limit.p; p > low; p = previous(c, p))
        if (!continues(c, p)) return p;
    return limit.p;
}

/* Where the chunk behind one of `start` to `stop` begins. */
static place resume(const chunker *c, place start, place stop, int cut) {
    size_t earliest = stop.at > c->overlap ? stop.at - c->overlap : 0;
    if (earliest <= start.at) earliest = start.at + 1;
    place behind = stop;
    if (!cut) {
        while (kind_at(c, behind.p) & SPACE) behind = (place){next(c, behind.p), behind.at + 1};
        const char *p = behind.p;
        size_t at = behind.at;
        uint8_t before, kind = kind_at(c, p);
        do { /* to where the word stops, if it is not too long */
            if (at - behind.at == c->max) return behind;
            p = next(c, p);
            at++;
            before = kind;
        } while (p < c->end && (kind = kind_at(c, p), !stops(before, kind)));
        if (at > c->max && earliest < at - c->max) earliest = at - c->max;
    }
    if (earliest >= stop.at) return behind;
    place first = retreat(c, stop, stop.at - earliest), from = first;
    uint8_t before = from.p > c->start ? kind_at(c, previous(c, from.p)) : SPACE;
    for (; from.p < stop.p; from = (place){next(c, from.p), from.at + 1}) {
        uint8_t kind = kind_at(c, from.p);
        if (begins(before, kind)) return from;
        before = kind;
    }
    if (!cut) return behind;
    while (first.p < stop.p && continues(c, first.p)) first = (place){next(c, first.p), first.at + 1};
    return first;
}

/* word[0]: max_chars, word[1]: overlap. */
sl_status sl_prepare_chunk(const sl_value *values, sl_options *options, sl_error *error) {
    int64_t max = values[0].integer, overlap = values[1].integer;
    if (max < 1) return sl_error_set(error, "expected max_chars >= 1, got %lld", (long long)max);
    if (overlap < 0) return sl_error_set(error, "expected overlap >= 0, got %lld", (long long)overlap);
    if (overlap >= max)
        return sl_error_set(error, "expected overlap < max_chars (%lld), got %lld", (long long)max, (long long)overlap);
    /* No text has more code points than SL_TEXT_MAX, so larger numbers mean the same. */
    options->word[0] = max < (int64_t)SL_TEXT_MAX ? (uint64_t)max : SL_TEXT_MAX;
    options->word[1] = overlap < (int64_t)SL_TEXT_MAX ? (uint64_t)overlap : SL_TEXT_MAX - 1;
    return SL_OK;
}

static inline sl_status add(sl_rows *out, int64_t index, place start, place stop) {
    sl_cell *cells;
    SL_TRY(sl_rows_add(out, &cells));
    cells[0].integer = index;
    cells[1].integer = (int64_t)start.at;
    cells[2].integer = (int64_t)stop.at;
    cells[3].text = (sl_str){start.p, (uint32_t)(stop.p - start.p)};
    return SL_OK;
}

/* Where a chunk ends is searched from its limit backwards, so most of a text is never looked at character by
 * character. */
sl_status sl_chunk_text(sl_str text, const sl_options *options, sl_rows *out) {
    chunker c = {text.ptr, text.ptr + text.len, (size_t)options->word[0], (size_t)options->word[1], 0, 0};
    while (c.end > c.start) {
        const char *last = previous(&c, c.end);
        if (!(kind_at(&c, last) & SPACE)) break;
        c.end = last;
    }
    place start = {c.start, 0};
    while (start.p < c.end && kind_at(&c, start.p) & SPACE) start = (place){next(&c, start.p), start.at + 1};
    size_t left = (size_t)(c.end - start.p);
    if (!left) return SL_OK;
    if (left <= c.max) return add(out, 0, start, (place){c.end, start.at + count_points(&c, start.p, c.end)});
#if defined(SL_WIDE)
    c.wide = sl_has_avx2();
#endif
    c.start = start.p;
    c.ascii = sl_ascii_prefix(start.p, left) == left;
    place covered = start;
    for (int64_t index = 0;; index++) {
        place half = advance(&c, start, c.max / 2), limit = advance(&c, half, c.max - c.max / 2), stop = limit;
        if (limit.p == c.end) return add(out, index, start, limit);
        int cut;
        stop.p = choose(&c, start, half, covered, limit, &cut);
        stop.at -= count_points(&c, stop.p, limit.p);
        SL_TRY(add(out, index, start, stop));
        start = resume(&c, start, stop, cut);
        covered = stop;
    }
}
