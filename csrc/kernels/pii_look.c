/* pii_look.c - a glance at a text: where personal data can be, so that the rules see little else.
 * Contract: what is passed over holds no finding, however it is cut into texts; linear time.
 * Source: for each kind, the least that its rule demands. Every finding but those of kind mac holds a digit or an '@':
 * the 64 bytes around one are looked at, and those before and behind them where something may cross the border. */
#include "pii.h"

#include "simd.h"

/* ---- 64 bytes as masks, one bit each ----------------------------------------------------------------------------- */

/* What is asked for wherever there is a digit or an '@'. solid: above a space; point: one of "./0123456789:". */
typedef struct glance {
    uint64_t digit, at, solid, point;
} glance;

/* What is asked for where a long token holds a digit. */
typedef struct signs {
    uint64_t digit, word, dot, colon, slash;
} signs;

/* What is asked for where there are many digits. link: what stands between the digits of numbers, and a few more. */
typedef struct links {
    uint64_t digit, letter, link;
} links;

/* The 64 bytes at `at`: in the text, or in `room` with zeros behind the text. */
static inline const char *bytes_at(const char *text, size_t len, size_t at, char room[64]) {
    if (SL_LIKELY(len - at >= 64)) return text + at;
    memset(room, 0, 64);
    memcpy(room, text + at, len - at);
    return room;
}

#define DIGITS(V, v) V##_range(v, '0', '9')
#define READERS(name, target, V, width)                                                                              \
    target static inline int has_trigger_##name(const char *text, size_t len, size_t at) {                           \
        char room[64];                                                                                               \
        const char *p = bytes_at(text, len, at, room);                                                               \
        V seen = V##_fill(0);                                                                                        \
        for (uint32_t k = 0; k < 64; k += (width)) {                                                                 \
            V v = V##_load(p + k);                                                                                   \
            seen = V##_or(seen, V##_or(DIGITS(V, v), V##_eq(v, V##_fill('@'))));                                     \
        }                                                                                                            \
        return V##_mask(seen) != 0;                                                                                  \
    }                                                                                                                \
    target static inline uint64_t read_digits_##name(const char *text, size_t len, size_t at) {                      \
        char room[64];                                                                                               \
        const char *p = bytes_at(text, len, at, room);                                                               \
        uint64_t digit = 0;                                                                                          \
        for (uint32_t k = 0; k < 64; k += (width)) {                                                                 \
            V v = V##_load(p + k);                                                                                   \
            digit |= (uint64_t)V##_mask(DIGITS(V, v)) << k;                                                          \
        }                                                                                                            \
        return digit;                                                                                                \
    }                                                                                                                \
    target static inline glance read_glance_##name(const char *text, size_t len, size_t at) {                        \
        char room[64];                                                                                               \
        const char *p = bytes_at(text, len, at, room);                                                               \
        glance g = {0, 0, 0, 0};                                                                                     \
        for (uint32_t k = 0; k < 64; k += (width)) {                                                                 \
            V v = V##_load(p + k);                                                                                   \
            g.digit |= (uint64_t)V##_mask(DIGITS(V, v)) << k;                                                        \
            g.at |= (uint64_t)V##_mask(V##_eq(v, V##_fill('@'))) << k;                                               \
            g.solid |= (uint64_t)V##_mask(V##_range(v, '!', 0xFF)) << k;                                             \
            g.point |= (uint64_t)V##_mask(V##_range(v, '.', ':')) << k;                                              \
        }                                                                                                            \
        return g;                                                                                                    \
    }                                                                                                                \
    target static inline signs read_signs_##name(const char *text, size_t len, size_t at) {                          \
        char room[64];                                                                                               \
        const char *p = bytes_at(text, len, at, room);                                                               \
        signs s = {0, 0, 0, 0, 0};                                                                                   \
        for (uint32_t k = 0; k < 64; k += (width)) {                                                                 \
            V v = V##_load(p + k), digit = DIGITS(V, v);                                                             \
            V letter = V##_range(V##_or(v, V##_fill(0x20)), 'a', 'z');                                               \
            s.digit |= (uint64_t)V##_mask(digit) << k;                                                               \
            s.word |= (uint64_t)V##_mask(V##_or(digit, letter)) << k;                                                \
            s.dot |= (uint64_t)V##_mask(V##_eq(v, V##_fill('.'))) << k;                                              \
            s.colon |= (uint64_t)V##_mask(V##_eq(v, V##_fill(':'))) << k;                                            \
            s.slash |= (uint64_t)V##_mask(V##_eq(v, V##_fill('/'))) << k;                                            \
        }                                                                                                            \
        return s;                                                                                                    \
    }                                                                                                                \
    target static inline links read_links_##name(const char *text, size_t len, size_t at) {                          \
        char room[64];                                                                                               \
        const char *p = bytes_at(text, len, at, room);                                                               \
        links l = {0, 0, 0};                                                                                         \
        for (uint32_t k = 0; k < 64; k += (width)) {                                                                 \
            V v = V##_load(p + k), ascii = V##_range(v, '(', '9');                                                   \
            l.digit |= (uint64_t)V##_mask(DIGITS(V, v)) << k;                                                        \
            l.letter |= (uint64_t)V##_mask(V##_range(V##_or(v, V##_fill(0x20)), 'a', 'z')) << k;                     \
            l.link |= (uint64_t)V##_mask(V##_or(V##_or(ascii, v), V##_eq(v, V##_fill(' ')))) << k;                   \
        }                                                                                                            \
        return l;                                                                                                    \
    }

READERS(plain, , sl_v16, 16)
#if defined(SL_WIDE)
READERS(avx2, SL_AVX2, sl_v32, 32)

SL_VBMI2 static inline __m512i load_512(const char *text, size_t len, size_t at) {
    return SL_LIKELY(len - at >= 64) ? _mm512_loadu_si512(text + at) : sl_v64_load(text + at, sl_v64_valid(len - at));
}
SL_VBMI2 static inline uint64_t read_digits_512(const char *text, size_t len, size_t at) {
    return sl_v64_range(load_512(text, len, at), '0', '9');
}
SL_VBMI2 static inline int has_trigger_512(const char *text, size_t len, size_t at) {
    __m512i v = load_512(text, len, at);
    return (sl_v64_range(v, '0', '9') | sl_v64_eq(v, '@')) != 0;
}
SL_VBMI2 static inline glance read_glance_512(const char *text, size_t len, size_t at) {
    __m512i v = load_512(text, len, at);
    return (glance){sl_v64_range(v, '0', '9'), sl_v64_eq(v, '@'), _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8(' ')),
                    sl_v64_range(v, '.', ':')};
}
SL_VBMI2 static inline signs read_signs_512(const char *text, size_t len, size_t at) {
    __m512i v = load_512(text, len, at);
    uint64_t digit = sl_v64_range(v, '0', '9');
    uint64_t letter = sl_v64_range(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), 'a', 'z');
    return (signs){digit, digit | letter, sl_v64_eq(v, '.'), sl_v64_eq(v, ':'), sl_v64_eq(v, '/')};
}
SL_VBMI2 static inline links read_links_512(const char *text, size_t len, size_t at) {
    __m512i v = load_512(text, len, at);
    return (links){sl_v64_range(v, '0', '9'), sl_v64_range(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), 'a', 'z'),
                   sl_v64_range(v, '(', '9') | sl_v64_eq(v, ' ') | _mm512_movepi8_mask(v)};
}
#endif

/* ---- what the masks say ------------------------------------------------------------------------------------------ */

static int is_digit(char c) { return (unsigned)(c - '0') < 10; }
static int is_letter(char c) { return (unsigned)((c | 0x20) - 'a') < 26; }

/* An '@' of the 64 at `at` that stands behind what can end a local part or a password. */
static int has_name_before(const char *text, size_t at, uint64_t places) {
    for (; places; places &= places - 1) {
        size_t place = at + sl_first_bit(places);
        if (place && (unsigned char)text[place - 1] > ' ') return 1;
    }
    return 0;
}

/* 1 if one of `bits` lies in a run of `all` that touches the upper border, or the lower one where `below` says so. */
static inline int touch_border(uint64_t bits, uint64_t all, int below) {
    uint64_t unset = ~all; /* none of them in `bits` */
    return bits > unset || (below && bits & (unset - 1) & ~unset);
}

/* Whether the digits can belong to one of the findings that hold no space and may have few digits: a wallet, an address
 * of a machine, a CNPJ of letters. */
static inline int has_token(const glance *g, int below) {
    uint64_t point = g->point & ~g->digit, run = g->solid;
    run &= run >> 1;
    run &= run >> 2;
    run &= run >> 4;
    run &= run >> 8;
    run &= run >> 10; /* 26 in a row */
    return (run | (point & point << 1)) || sl_count_bits(point) >= 3 || touch_border(g->digit, g->solid, below);
}

/* Bit i: the bit `by` places before that of i, in the 64 before where there is none. */
static inline uint64_t moved(uint64_t bits, uint64_t before, int by) { return bits << by | before >> (64 - by); }

/* 13 in a row: of 26 in a row that many are on one side of a border between blocks. */
static inline uint64_t runs_of_13(uint64_t bits) {
    bits &= bits >> 1;
    bits &= bits >> 2;
    bits &= bits >> 4;
    return bits & bits >> 5;
}

/* 26 in a row, in a part or across a border. */
static uint64_t runs_of_26(uint64_t a, uint64_t b, uint64_t c) {
    static const int steps[] = {1, 2, 4, 8, 10};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        c &= moved(c, b, steps[i]);
        b &= moved(b, a, steps[i]);
        a &= a << steps[i];
    }
    return a | b | c;
}

/* The same question put to the signs of three blocks; the digits are in the second one. */
static inline uint32_t find_tokens(const signs *a, const signs *b, const signs *c) {
    uint32_t sees = 0;
    /* A wallet has 26 letters and digits or more. */
    if ((runs_of_13(a->word) | runs_of_13(b->word) | runs_of_13(c->word)) && runs_of_26(a->word, b->word, c->word))
        sees |= PII_SEES_DIGITS;
    /* Three octets of an IPv4 address have a dot behind them. */
    if (sl_count_bits(a->dot & a->digit << 1) + sl_count_bits(b->dot & moved(b->digit, a->digit, 1)) +
            sl_count_bits(c->dot & moved(c->digit, b->digit, 1)) >= 3)
        sees |= PII_SEES_DIGITS;
    /* An IPv6 address has two colons in a row, or seven, or six before an IPv4 address. */
    if ((a->colon & a->colon << 1) | (b->colon & moved(b->colon, a->colon, 1)) |
            (c->colon & moved(c->colon, b->colon, 1)) ||
        sl_count_bits(a->colon) + sl_count_bits(b->colon) + sl_count_bits(c->colon) >= 6)
        sees |= PII_SEES_COLONS;
    /* A CNPJ of letters has two dots before a '/', and digits behind it. */
    if ((a->slash & a->dot << 4 & a->dot << 8) | (b->slash & moved(b->dot, a->dot, 4) & moved(b->dot, a->dot, 8)) |
        (c->slash & moved(c->dot, b->dot, 4) & moved(c->dot, b->dot, 8)))
        sees |= PII_SEES_SLASHES;
    return sees;
}

/* 1 if an IBAN can begin two letters before one of the digits: with 15 letters and digits, or with four and a space. */
static int has_iban(const char *text, size_t len, size_t at, uint64_t digits) {
    for (; digits; digits &= digits - 1) {
        size_t place = at + sl_first_bit(digits), i = place + 2, stop = place + 13;
        if (place < 2 || stop > len || !is_digit(text[place + 1]) || !is_letter(text[place - 1]) ||
            !is_letter(text[place - 2]))
            continue;
        if (text[i] == ' ' || (unsigned char)text[i] >= 0x80) return 1;
        while (i < stop && (is_digit(text[i]) || is_letter(text[i]))) i++;
        if (i == stop) return 1;
    }
    return 0;
}

/* Bytes that can stand between two digits of a number, or (2) right before a number of eight digits. */
static unsigned link_of(unsigned char c) {
    return c == '(' || c == '+' ? 2 : c == ' ' || c == '.' || c == '/' || c == '-' || c == ')' || c >= 0x80;
}

/* 1 if one of the digits of the 64 at `at` is among nine, or eight with a '+' or a parenthesis, that nothing parts but
 * what can stand in a number. Between two of them are at most 11 bytes: the first nine of a number lie in three blocks or
 * fewer, and the middle one of those sees them all. */
static int has_number(const char *text, size_t len, size_t at, uint64_t digits) {
    size_t first = at < 64 ? 0 : at - 64, last = len - at > 128 ? at + 128 : len;
    while (digits) {
        size_t start = at + sl_first_bit(digits), stop;
        unsigned count = 0, seen = 0, link = 0;
        while (start > first && (is_digit(text[start - 1]) || link_of((unsigned char)text[start - 1]))) start--;
        for (stop = start; stop < last && count < 9; stop++) {
            if (is_digit(text[stop]))
                count++;
            else if ((link = link_of((unsigned char)text[stop])) != 0)
                seen |= link;
            else
                break;
        }
        if (count >= 9 || (count == 8 && seen & 2)) return 1;
        digits = stop - at < 64 ? digits & ~UINT64_C(0) << (stop - at) : 0;
    }
    return 0;
}

/* Whether the digits can belong to a number or an IBAN; there are eight or more around. */
static inline int has_digits(const char *text, size_t len, size_t at, const links *l) {
    uint64_t run = l->link & l->link >> 1;
    run &= run >> 2;
    run &= run >> 4; /* eight in a row */
    if ((run || touch_border(l->digit, l->link, at > 0)) && has_number(text, len, at, l->digit)) return 1;
    uint64_t country = l->digit & (l->digit >> 1 | UINT64_C(1) << 63) & (l->letter << 1 | 1) & (l->letter << 2 | 3);
    return country && has_iban(text, len, at, country);
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

/* The next place from `at` on, a multiple of 64, of a digit or an '@' that can belong to a finding, and of which
 * streams; or the length. Streams that are known need not be named again. */
#define WALK(name, target)                                                                                           \
    target static size_t next_place_##name(const char *text, size_t len, size_t at, uint32_t known, uint32_t *sees) {\
        for (; at < len; at += 64) {                                                                                 \
            if (!has_trigger_##name(text, len, at)) continue;                                                        \
            glance g = read_glance_##name(text, len, at);                                                            \
            int below = at > 0, behind = len - at > 64;                                                              \
            uint32_t digits = sl_count_bits(g.digit), seen = 0;                                                      \
            if (below) digits += sl_count_bits(read_digits_##name(text, len, at - 64));                              \
            if (behind) digits += sl_count_bits(read_digits_##name(text, len, at + 64));                             \
            int token = g.digit && has_token(&g, below);                                                             \
            if (SL_LIKELY(!token && digits < 8 && !g.at)) continue;                                                  \
            if (token) {                                                                                             \
                signs a = {0, 0, 0, 0, 0}, b = read_signs_##name(text, len, at), c = a;                              \
                if (below) a = read_signs_##name(text, len, at - 64);                                                \
                if (behind) c = read_signs_##name(text, len, at + 64);                                               \
                seen = find_tokens(&a, &b, &c);                                                                      \
            }                                                                                                        \
            if (digits >= 8 && g.digit && !((seen | known) & PII_SEES_DIGITS)) {                                     \
                links l = read_links_##name(text, len, at);                                                          \
                if (has_digits(text, len, at, &l)) seen |= PII_SEES_DIGITS;                                          \
            }                                                                                                        \
            if (g.at && has_name_before(text, at, g.at)) seen |= PII_SEES_AT;                                        \
            if (!(seen & ~known)) continue;                                                                          \
            *sees = seen;                                                                                            \
            return at + sl_first_bit(g.digit | g.at);                                                                \
        }                                                                                                            \
        return len;                                                                                                  \
    }

WALK(plain, )
#if defined(SL_WIDE)
WALK(avx2, SL_AVX2)
WALK(512, SL_VBMI2)
#endif

static inline size_t next_place(const char *text, size_t len, size_t at, uint32_t known, uint32_t *sees) {
#if defined(SL_WIDE)
    if (sl_has_vbmi2()) return next_place_512(text, len, at, known, sees);
    if (sl_has_avx2()) return next_place_avx2(text, len, at, known, sees);
#endif
    return next_place_plain(text, len, at, known, sees);
}

uint32_t pii_look(sl_str text) {
    uint32_t all = 0, sees;
    for (size_t at = 0; (at = next_place(text.ptr, text.len, at, all, &sees)) < text.len; at = (at | 63) + 1)
        all |= sees;
    return all;
}

/* A MAC address may hold no digit, so where those are wanted every text has to be seen. */
size_t sl_scan_pii(const char *ptr, size_t len, const sl_options *options) {
    uint32_t sees;
    return options->word[0] >> PII_MAC & 1 ? 0 : next_place(ptr, len, 0, 0, &sees);
}
