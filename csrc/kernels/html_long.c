/* html_long.c - the visible text of long HTML documents: first where copying has to stop, then what is between.
 * Contract: as html_text.h. Only where the CPU has AVX2 or more: below that, listing the stops costs what it saves.
 * Source: the HTML Standard, 13.2.5 and 3.2.7, as simplified in streamliner_udf/reference/html_text.py. */
#include "html_text.h"

#ifdef SL_WIDE

/* WINDOW bytes are listed at once and are still in the nearest cache when they are copied. AHEAD is how far behind a stop
 * bytes are read whatever they are, so the last part of a document, of TAIL bytes at most, is read from a copy. */
enum { WINDOW = 2048, BLOCK = 64, COPY = 128, AHEAD = COPY + BLOCK, TAIL = 512 };

#define SL_INLINE static inline __attribute__((always_inline))
#define SL_AVX2_BITS __attribute__((target("avx2,bmi,bmi2,popcnt")))

/* ---- the gap -------------------------------------------------------------------------------------------------------- */

/* The gap outside of pre, as a number of bits to shift by. START: before the first visible character, whatever comes. */
enum { NONE = 0, SPACE = 5, TAB = 10, LINE = 15, BLANK = 20, START = 25 };

/* What becomes of each gap. */
#define GAPS(none, space, tab, line, blank)                                                           \
    ((uint32_t)(none) | (uint32_t)(space) << SPACE | (uint32_t)(tab) << TAB | (uint32_t)(line) << LINE | \
     (uint32_t)(blank) << BLANK | (uint32_t)START << START)
#define SAME GAPS(NONE, SPACE, TAB, LINE, BLANK)
static const uint32_t behind_tag[] = {
    [SL_HTML_INLINE] = SAME,
    [SL_HTML_BLOCK] = GAPS(LINE, LINE, LINE, LINE, BLANK),
    [SL_HTML_PARAGRAPH] = GAPS(BLANK, BLANK, BLANK, BLANK, BLANK),
    [SL_HTML_BREAK] = GAPS(LINE, LINE, LINE, BLANK, BLANK),
    [SL_HTML_CELL] = GAPS(TAB, TAB, TAB, LINE, BLANK),
    [SL_HTML_PRE] = GAPS(LINE, LINE, LINE, LINE, BLANK),
    [SL_HTML_UNSEEN] = SAME,
};
static const uint32_t behind_white[2] = {SAME, GAPS(SPACE, SPACE, TAB, LINE, BLANK)}; /* [1]: if there is any */

static const struct {
    char text[3];
    uint8_t size;
} gap_texts[START + 1] = {[SPACE] = {" ", 1}, [TAB] = {"\t", 1}, [LINE] = {"\n", 1}, [BLANK] = {"\n\n", 2}};

static html_page open_page(char *text, size_t solid, uint32_t gap) {
    memcpy(text + solid, gap_texts[gap].text, 2);
    return (html_page){text, solid + gap_texts[gap].size, solid, gap == BLANK ? 2 : gap == LINE, 0};
}

static uint32_t gap_of(const html_page *g) {
    if (!g->solid) return START;
    if (g->breaks) return g->breaks == 1 ? LINE : BLANK;
    return g->len == g->solid ? NONE : g->text[g->solid] == '\t' ? TAB : SPACE;
}

/* ---- where copying has to stop -------------------------------------------------------------------------------------- */

/* Of 64 bytes, a bit each: white space but spaces, spaces, and all others that are looked for. */
typedef struct block {
    uint64_t controls, spaces, marks;
} block;

/* Whether the byte before was white space, and white space that is not copied. */
typedef struct carry {
    uint64_t white, odd;
} carry;

/* At <, at &, and where white space begins to be more than one space. Not at what follows such white space, which is
 * looked at with it. */
SL_INLINE uint64_t find_stops(block b, carry *c) {
    uint64_t white = b.controls | b.spaces, odd = b.controls | (b.spaces & (white << 1 | c->white));
    uint64_t behind = odd << 1 | c->odd;
    c->white = white >> 63;
    c->odd = odd >> 63;
    return (b.marks | odd) & ~behind;
}

/* Writes the places of the stops in some blocks, with room for 16 more, and gives their number. */
typedef size_t (*stop_lister)(const char *p, size_t len, carry *c, uint16_t *stops);

/* A byte is white space if it is what its lowest four bits point to. */
#define CONTROLS -1, -1, -1, -1, -1, -1, -1, -1, '\t', '\n', -1, '\f', '\r', -1, 0

SL_AVX2_BITS static inline size_t list_32(const char *p, size_t len, carry *c, uint16_t *stops) {
    const sl_v32 controls = _mm256_setr_epi8(-1, CONTROLS, -1, CONTROLS);
    size_t count = 0;
    for (size_t i = 0; i < len; i += BLOCK) {
        block b = {0, 0, 0};
        for (int k = 0; k < BLOCK; k += 32) {
            sl_v32 v = sl_v32_load(p + i + k);
            sl_v32 marks = sl_v32_or(sl_v32_eq(v, sl_v32_fill('<')), sl_v32_eq(v, sl_v32_fill('&')));
            b.controls |= (uint64_t)sl_v32_mask(sl_v32_eq(v, _mm256_shuffle_epi8(controls, v))) << k;
            b.spaces |= (uint64_t)sl_v32_mask(sl_v32_eq(v, sl_v32_fill(' '))) << k;
            b.marks |= (uint64_t)sl_v32_mask(marks) << k;
        }
        uint64_t found = find_stops(b, c);
        uint32_t some = sl_count_bits(found), k = 0;
        do { /* most blocks hold few: four are written whether they are there or not, which is quicker than to ask */
            for (int n = 0; n < 4; n++) {
                stops[count + k++] = (uint16_t)(i + sl_first_bit(found | UINT64_C(1) << 63));
                found &= found - 1;
            }
        } while (SL_UNLIKELY(k < some));
        count += some;
    }
    return count;
}

/* Of 16 bytes, those that are white space. */
SL_AVX2_BITS static inline uint32_t find_white(const char *p) {
    sl_v16 v = sl_v16_load(p);
    return sl_v16_mask(sl_v16_eq(v, _mm_shuffle_epi8(_mm_setr_epi8(' ', CONTROLS), v)));
}
#undef CONTROLS

/* Behind the white space at p, or end. */
SL_AVX2_BITS static const char *skip_white(const char *p, const char *end) {
    for (uint32_t white; end - p >= 16; p += 16)
        if ((white = sl_first_bit(~find_white(p))) < 16) return p + white;
    while (p < end && is(*p, IS_SPACE)) p++;
    return p;
}

/* As above, by the lowest six bits: tab, line feed, form feed, carriage return, & and < point to themselves. */
static const uint8_t pointed_to[64] = {
    1, 0, 3, 2, 5, 4, 7, 6, 9, 9, 10, 10, 12, 13, 15, 14,
    17, 16, 19, 18, 21, 20, 23, 22, 25, 24, 27, 26, 29, 28, 31, 30,
    33, 32, 35, 34, 37, 36, 38, 38, 41, 40, 43, 42, 45, 44, 47, 46,
    49, 48, 51, 50, 53, 52, 55, 54, 57, 56, 59, 58, 60, 60, 63, 62};
static const uint8_t numbers[64] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
    48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
SL_VBMI2 static inline size_t list_64(const char *p, size_t len, carry *c, uint16_t *stops) {
    const __m512i known = _mm512_loadu_si512(pointed_to), all = _mm512_loadu_si512(numbers);
    size_t count = 0;
    for (size_t i = 0; i < len; i += BLOCK) {
        __m512i v = _mm512_loadu_si512(p + i);
        uint64_t marks = _mm512_cmpeq_epi8_mask(v, _mm512_permutexvar_epi8(v, known));
        block b = {_mm512_mask_cmplt_epu8_mask(marks, v, _mm512_set1_epi8(' ')), sl_v64_eq(v, ' '), marks};
        uint64_t found = find_stops(b, c);
        uint32_t some = sl_count_bits(found);
        __m512i places = _mm512_maskz_compress_epi8(found, all);
        for (uint32_t k = 0;;) {
            __m256i wide = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(places));
            wide = _mm256_add_epi16(wide, _mm256_set1_epi16((short)i));
            _mm256_storeu_si256((__m256i *)(void *)(stops + count + k), wide);
            if (SL_LIKELY((k += 16) >= some)) break;
            places = _mm512_alignr_epi32(places, places, 4);
        }
        count += some;
    }
    return count;
}

/* ---- references and tags -------------------------------------------------------------------------------------------- */

#define NAME(a, b, c, d, e, f)                                                                          \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 | \
     (uint64_t)(f) << 40)

/* As html_reference, where eight bytes can be read; what most references are is known without a search. */
static size_t find_reference(const char *p, const char *end, html_value *value) {
    uint64_t word = load_64(p), other = word ^ UINT64_C(0x3B3B3B3B3B3B3B3B);
    uint64_t semicolons = (other - UINT64_C(0x0101010101010101)) & ~other & UINT64_C(0x8080808080808080);
    *value = (html_value){{0}, 1};
    switch (word & (semicolons ^ (semicolons - 1))) { /* up to the first semicolon */
        case NAME('&', 'a', 'm', 'p', ';', 0): value->bytes[0] = '&'; return 5;
        case NAME('&', 'l', 't', ';', 0, 0): value->bytes[0] = '<'; return 4;
        case NAME('&', 'g', 't', ';', 0, 0): value->bytes[0] = '>'; return 4;
        case NAME('&', 'q', 'u', 'o', 't', ';'): value->bytes[0] = '"'; return 6;
        case NAME('&', '#', '3', '9', ';', 0): value->bytes[0] = '\''; return 5;
        case NAME('&', 'n', 'b', 's', 'p', ';'): *value = (html_value){"\xC2\xA0", 2}; return 6;
        default: return html_reference(p, end, value);
    }
}
#undef NAME

/* Behind the attributes at p that are a space, a name, = and a quoted value: what most are. The others are for
 * skip_attributes. */
SL_INLINE const char *skip_quoted(const char *p, const char *end) {
    while (end - p >= 40 && is(*p, IS_SPACE)) {
        sl_v16 v = sl_v16_load(p + 1);
        sl_v16 ends = sl_v16_or(sl_v16_eq(v, sl_v16_fill('=')), sl_v16_eq(v, sl_v16_fill('>')));
        sl_v16 others = sl_v16_or(sl_v16_eq(v, sl_v16_fill('/')), sl_v16_eq(v, sl_v16_fill(' ')));
        uint32_t found = sl_v16_mask(sl_v16_or(sl_v16_or(ends, others), sl_v16_range(v, '\t', '\r')));
        if (!found) break;
        const char *value = p + 1 + sl_first_bit(found);
        if (*value != '=' || value == p + 1) break; /* a name may begin with = */
        char quote = *++value;
        if (quote != '"' && quote != '\'') break;
        const char *close = html_find(value + 1, end, quote);
        if (close == end) break;
        p = close + 1;
    }
    return p;
}

/* The tag at p, where < stands, with what is not shown behind it; behind that, or p if it is for html_add. */
SL_INLINE const char *skip_tag(const char *p, const char *last, const char *end, uint32_t *gap) {
    int is_end = p[1] == '/';
    if (p >= last || !is_letter(p[1 + is_end])) return p;
    element e = read_name(p + 1 + is_end, end);
    if (e.kind == SL_HTML_PRE) return p;
    const char *behind = e.name + e.len;
    if (*behind == '>')
        behind++;
    else if (!(behind = skip_attributes(skip_quoted(behind, end), last, end)))
        return p;
    *gap = behind_tag[e.kind] >> *gap & 31;
    if (e.kind != SL_HTML_UNSEEN || is_end || (behind = skip_unseen(behind, end, &e)) == end) return behind;
    /* Its end tag is taken along: white space before it may have hidden it from the list of stops. */
    const char *tail = skip_attributes(behind + 2 + e.len, last, end);
    return tail ? tail : behind;
}

/* ---- documents ------------------------------------------------------------------------------------------------------ */

/* Text and markup that html_add is left to do. */
static const char *add_special(html_page *g, const char *p, const char *last, const char *end) {
    do p = html_add(g, p, last, end, 0);
    while (p < end && *p == '<'); /* white space before it may have hidden it from the list of stops */
    return p;
}

/* What comes next is often a matter of chance, and a wrong guess costs more than what it saves, so the loop does without
 * guesses where it can: an empty text is copied, and a gap that stays the same looked up. `list` is what differs between
 * processors. */
SL_INLINE size_t add_long(char *text, const char *p, const char *end, const char *last, stop_lister list) {
    uint16_t stops[WINDOW + BLOCK];
    char copy[1 + TAIL + AHEAD + BLOCK];
    const char *base = p, *stop = end - AHEAD;
    char *solid = text; /* behind the last visible character */
    uint32_t gap = START;
    int copied = 0;
    if (*p == '<' || *p == '&' || is(*p, IS_SPACE)) { /* so that there is a byte before each stop */
        html_page g = open_page(text, 0, gap);
        base = p = add_special(&g, p, last, end);
        solid = text + g.solid;
        gap = gap_of(&g);
    }
next_window:
    while (base < stop) {
        size_t len = WINDOW;
        if (stop - base < WINDOW) len = ((size_t)(stop - base) + BLOCK - 1) / BLOCK * BLOCK;
        carry c = {base > p && is(base[-1], IS_SPACE), 0};
        size_t count = list(base, len, &c, stops);
        for (size_t i = 0; i < count; i++) {
            const char *at = base + stops[i];
            if (at < p) continue;
            __builtin_prefetch(at + WINDOW); /* the next list is made faster than memory can follow */
            /* The text before. */
            uint32_t space = *p == ' ';
            gap = behind_white[space] >> gap & 31;
            p += space;
            size_t size = (size_t)(at - p), any = 0 - (size_t)(size > 0), gap_size = gap_texts[gap].size;
            memcpy(solid, &gap_texts[gap], 4);
            char *to = solid + gap_size;
            memcpy(to, p, COPY / 2);
            memcpy(to + COPY / 2, p + COPY / 2, COPY / 2);
            for (size_t k = COPY; SL_UNLIKELY(k < size); k += BLOCK) memcpy(to + k, p + k, BLOCK);
            uint32_t ends_in_space = at[-1] == ' ';
            solid += (gap_size + size - ends_in_space) & any;
            gap &= ~(uint32_t)any;
            /* White space. */
            uint32_t white = sl_first_bit(~find_white(at));
            gap = behind_white[(white != 0) | ends_in_space] >> gap & 31;
            p = at + white;
            if (SL_UNLIKELY(white == 16)) {
                p = skip_white(p, end);
                if (end - p < (copied ? 1 : AHEAD)) break; /* here there may be less behind it than is read */
            }
            if (SL_LIKELY(*p == '<')) {
                const char *name = p + 1 + (p[1] == '/');
                sl_v16 closes = sl_v16_eq(sl_v16_load(name), sl_v16_fill('>'));
                uint32_t close = sl_first_bit(sl_v16_mask(closes) | 1u << 16);
                if (SL_LIKELY(close - 1 < 7)) {
                    uint64_t letters = small_64(load_64(name)) & UINT64_MAX >> (56 - 8 * close); /* with the > */
                    const sl_html_short *element = sl_html_short_place(letters);
                    if (SL_LIKELY(element->name == letters)) {
                        gap = behind_tag[element->kind] >> gap & 31;
                        p = name + close + 1;
                        continue;
                    }
                }
                const char *behind = skip_tag(p, last, end, &gap);
                int is_done = behind != p && (behind == end || *behind != '<');
                p = behind;
                if (is_done) continue;
                html_page g = open_page(text, (size_t)(solid - text), gap);
                p = add_special(&g, p, last, end);
                solid = text + g.solid;
                gap = gap_of(&g);
                continue;
            }
            if (*p != '&') continue;
            html_value value;
            size_t taken = find_reference(p, end, &value);
            if (!taken) value = (html_value){{'&'}, 1};
            p += taken + !taken;
            if (value.size == 1 && is(value.bytes[0], IS_SPACE)) {
                gap = behind_white[1] >> gap & 31;
            } else if (value.size) {
                memcpy(solid, gap_texts[gap].text, 2);
                solid += gap_texts[gap].size;
                memcpy(solid, value.bytes, 8);
                solid += value.size;
                gap = NONE;
            }
        }
        base += len;
        if (p > base) base = p;
    }
    size_t rest = (size_t)(end - p);
    if (!copied && rest && rest <= TAIL) {
        copied = 1;
        copy[0] = 0;
        memcpy(copy + 1, p, rest);
        memset(copy + 1 + rest, 0, AHEAD + BLOCK);
        last = last >= p ? copy + 1 + (last - p) : copy + 1;
        p = base = copy + 1;
        stop = end = p + rest;
        goto next_window;
    }
    html_page g = open_page(text, (size_t)(solid - text), gap);
    html_add(&g, p, last, end, 1);
    return g.solid;
}

SL_AVX2_BITS static size_t add_32(char *text, const char *p, const char *end, const char *last) {
    return add_long(text, p, end, last, list_32);
}

SL_VBMI2 static size_t add_64(char *text, const char *p, const char *end, const char *last) {
    return add_long(text, p, end, last, list_64);
}

int html_add_long(char *text, const char *p, const char *end, const char *last, size_t *len) {
    if (!sl_has_avx2()) return 0;
    *len = sl_has_vbmi2() ? add_64(text, p, end, last) : add_32(text, p, end, last);
    return 1;
}

#else

int html_add_long(char *text, const char *p, const char *end, const char *last, size_t *len) {
    (void)text, (void)p, (void)end, (void)last, (void)len;
    return 0;
}

#endif
