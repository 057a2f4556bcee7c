/* normalize.c - Unicode normal forms, invisible characters, clean text.
 * Contract: a text that the function leaves as it is is only looked at; linear in the length, whatever the text.
 * Source: UAX #15, 9 (quick check) and 9.1 (stable code points), through the generated tables. */
#include "normalize.h"
#include "normalize_tables.h"
#include "simd.h"
#include "utf8.h"

enum { PLAN_NFC, PLAN_NFD, PLAN_NFKC, PLAN_NFKD, PLAN_HIDDEN, PLAN_CLEAN, PLAN_SPACES };

static const normalize_plan plans[] = {
    [PLAN_NFC] = {NORMALIZE_NFC, NORMALIZE_BACK, 0, 1, 0, NORMALIZE_LEADS_NFC},
    [PLAN_NFD] = {NORMALIZE_NFD, 0, 0, 0, 0, NORMALIZE_LEADS_NFD},
    [PLAN_NFKC] = {NORMALIZE_NFKC, NORMALIZE_BACK, 1, 1, 0, NORMALIZE_LEADS_NFKC},
    [PLAN_NFKD] = {NORMALIZE_NFKD, 0, 1, 0, 0, NORMALIZE_LEADS_NFKD},
    [PLAN_HIDDEN] = {NORMALIZE_HIDDEN, 0, 0, 0, 0, NORMALIZE_LEADS_HIDDEN},
    [PLAN_CLEAN] = {NORMALIZE_NFKC | NORMALIZE_HIDDEN | NORMALIZE_SPACE, NORMALIZE_BACK, 1, 1, 1,
                    NORMALIZE_LEADS_CLEAN},
    [PLAN_SPACES] = {NORMALIZE_SPACE, 0, 0, 0, 1, NORMALIZE_LEADS_SPACES},
};

/* Compiled anew for each plan: with its ranges known, a step of the scan takes half the instructions. */
#if defined(__GNUC__)
#define FOR_EACH_PLAN static inline __attribute__((always_inline))
#else
#define FOR_EACH_PLAN static inline
#endif

/* word[0]: which plan. */
sl_status sl_prepare_form(const sl_value *values, sl_options *options, sl_error *error) {
    static const char names[4][5] = {"NFC", "NFD", "NFKC", "NFKD"};
    sl_str form = values[0].text;
    for (uint64_t i = 0; i < 4; i++) {
        if (form.len == strlen(names[i]) && !memcmp(form.ptr, names[i], form.len)) {
            options->word[0] = i;
            return SL_OK;
        }
    }
    int shown = form.len < sizeof(error->text) ? (int)form.len : (int)sizeof(error->text);
    return sl_error_set(error, "expected form to be one of NFC, NFD, NFKC, NFKD, got '%.*s'", shown,
                        shown ? form.ptr : "");
}

/* How many bytes from the start on are ASCII: all, or else a multiple of 64 that leaves little out. The last bytes are
 * read once more in one piece, because each branch that depends on the length costs as much as 64 bytes. */
static inline size_t skip_ascii(const char *p, size_t len) {
#define AT(offset) sl_v16_load(p + (offset))
    size_t i = 0;
    sl_v16 any;
    if (len >= 64) {
        for (; i + 64 <= len; i += 64)
            if (sl_v16_mask(sl_v16_or(sl_v16_or(AT(i), AT(i + 16)), sl_v16_or(AT(i + 32), AT(i + 48))))) return i;
        any = sl_v16_or(sl_v16_or(AT(len - 64), AT(len - 48)), sl_v16_or(AT(len - 32), AT(len - 16)));
    } else if (len >= 16) {
        size_t half = len >= 32 ? 16 : 0;
        any = sl_v16_or(sl_v16_or(AT(0), AT(half)), sl_v16_or(AT(len - 16 - half), AT(len - 16)));
    } else {
        any = sl_v16_load_tail(p, len, 0);
    }
#undef AT
    return sl_v16_mask(any) ? i : len;
}

/* 1 if the four times sixteen bytes at `offsets`, which may overlap and leave none out, are ASCII without controls and
 * without two spaces in a row; *after_space is set for what follows `len` bytes. */
static inline int is_plain(const char *p, size_t len, const size_t *offsets, uint32_t *after_space) {
    sl_v16 visible = sl_v16_fill(0xFF);
    uint64_t blank = 0;
    for (int i = 0; i < 4; i++) {
        sl_v16 v = sl_v16_load(p + offsets[i]);
        visible = sl_v16_and(visible, sl_v16_range(v, ' ', 0x7F));
        blank |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill(' '))) << offsets[i];
    }
    if (sl_v16_mask(visible) != 0xFFFF || blank & (blank << 1 | *after_space)) return 0;
    *after_space = blank >> (len - 1) & 1;
    return 1;
}

/* As skip_ascii, for bytes that are clean; *after_space says what they end with. */
static inline size_t skip_plain(const char *p, size_t len, uint32_t *after_space) {
    static const size_t once[4] = {0, 0, 0, 0}, block[4] = {0, 16, 32, 48};
    *after_space = 1;
    if (len < 16) {
        char padded[16];
        sl_v16_store(padded, sl_v16_load_tail(p, len, '.'));
        return is_plain(padded, len, once, after_space) ? len : 0;
    }
    if (len < 64) {
        size_t half = len >= 32 ? 16 : 0;
        const size_t offsets[4] = {0, half, len - 16 - half, len - 16};
        return is_plain(p, len, offsets, after_space) ? len : 0;
    }
    size_t i = 0;
    for (; i + 64 <= len; i += 64)
        if (!is_plain(p + i, 64, block, after_space)) return i;
    if (i == len) return len;
    uint32_t before = 0; /* the last 64 bytes begin inside what has been looked at */
    if (!is_plain(p + len - 64, 64, block, &before)) return i;
    *after_space = before;
    return len;
}

/* A walk over a text, sixteen bytes a step: `look` has the bits of the bytes from `base` on that are still to be looked
 * at, `next` is where the following step begins, `after_space` whether a space or the text's beginning is before it. */
typedef struct scanner {
    sl_str text;
    const normalize_plan *plan;
    const char *base, *next;
    uint32_t look, after_space;
} scanner;

static inline int is_unstable(const char *p, const char *end, const normalize_plan *plan) {
    return normalize_record_of(sl_utf8_next(&p, end))->flags & plan->unstable;
}

/* Bytes are sifted by the ranges of first bytes whose code points all are stable; with `clean` white space that is not
 * one space between two characters is kept as well. */
FOR_EACH_PLAN void scan_step(scanner *s, int clean) {
    const normalize_leads *leads = &normalize_lead_ranges[s->plan->leads];
    const char *end = s->text.ptr + s->text.len;
    size_t left = (size_t)(end - s->next);
    uint32_t done = 0;
    sl_v16 v;
    s->base = s->next;
    if (SL_LIKELY(left >= 16)) {
        v = sl_v16_load(s->next);
        left = 16;
    } else if (s->text.len >= 16) { /* the last sixteen bytes once more */
        done = (uint32_t)(16 - left);
        s->base = end - 16;
        v = sl_v16_load(s->base);
    } else {
        v = sl_v16_load_tail(s->next, left, 0);
    }
    sl_v16 stable = sl_v16_or(
        sl_v16_or(sl_v16_range(v, leads->low[0], leads->high[0]), sl_v16_range(v, leads->low[1], leads->high[1])),
        sl_v16_or(sl_v16_range(v, leads->low[2], leads->high[2]), sl_v16_range(v, leads->low[3], leads->high[3])));
    s->look = sl_v16_mask(sl_v16_range(v, 0xC2, 0xF4)) & ~sl_v16_mask(stable);
    if (clean) {
        sl_v16 spaces = sl_v16_or(sl_v16_range(v, 0x1C, ' '), sl_v16_range(v, '\t', '\r'));
        uint32_t blank = sl_v16_mask(sl_v16_eq(v, sl_v16_fill(' ')));
        s->look |= (sl_v16_mask(spaces) ^ blank) | (blank & (blank << 1 | s->after_space << done));
        s->after_space = blank >> 15;
    }
    s->look &= 0xFFFFu & 0xFFFFu << done;
    s->next += left;
}

/* The first character at or behind `from` that is not stable, or with `clean` the first white space to mend; or the
 * end. What is before `from` has been dealt with, up to a stable character. */
FOR_EACH_PLAN const char *scan(scanner *s, const char *from, int clean) {
    const char *end = s->text.ptr + s->text.len;
    for (;;) {
        while (s->look) {
            const char *at = s->base + sl_first_bit(s->look);
            s->look &= s->look - 1;
            if (at < from) continue;
            if ((clean && !((unsigned char)*at & 0x80)) || is_unstable(at, end, s->plan)) return at;
        }
        if (s->next < from) s->next = from;
        if (s->next == end) return end;
        scan_step(s, clean);
    }
}

#if defined(SL_WIDE)
/* Bits of the bytes that may begin an unstable character. */
SL_AVX2 static inline uint32_t sift(sl_v32 v, const normalize_leads *leads) {
    sl_v32 stable = sl_v32_or(
        sl_v32_or(sl_v32_range(v, leads->low[0], leads->high[0]), sl_v32_range(v, leads->low[1], leads->high[1])),
        sl_v32_or(sl_v32_range(v, leads->low[2], leads->high[2]), sl_v32_range(v, leads->low[3], leads->high[3])));
    return sl_v32_mask(sl_v32_range(v, 0xC2, 0xF4)) & ~sl_v32_mask(stable);
}

/* Over whole blocks of 64 bytes; gives the first unstable character, or the start of the rest. */
SL_AVX2 static const char *skip_blocks(sl_str text, const normalize_plan *plan) {
    const normalize_leads *leads = &normalize_lead_ranges[plan->leads];
    const char *p = text.ptr, *end = text.ptr + text.len;
    for (; end - p >= 64; p += 64) {
        sl_v32 a = sl_v32_load(p), b = sl_v32_load(p + 32);
        if (SL_LIKELY(!sl_v32_mask(sl_v32_or(a, b)))) continue;
        for (uint64_t look = sift(a, leads) | (uint64_t)sift(b, leads) << 32; look; look &= look - 1) {
            const char *at = p + sl_first_bit(look);
            if (is_unstable(at, end, plan)) return at;
        }
    }
    return p;
}
#endif

/* The bytes before the first unstable character. No text out of them changes: a character that changes only with what
 * stands before it is unstable as well. */
static size_t scan_stable(const char *ptr, size_t len, const normalize_plan *plan) {
    sl_str text = {ptr, (uint32_t)len};
    const char *at = ptr;
#if defined(SL_WIDE)
    if (len >= 128 && sl_has_avx2()) {
        at = skip_blocks(text, plan);
        if (ptr + len - at >= 64) return (size_t)(at - ptr);
    }
#endif
    at += skip_ascii(at, (size_t)(ptr + len - at));
    scanner s = {text, plan, at, at, 0, 0};
    return (size_t)(scan(&s, at, 0) - ptr);
}

#if defined(SL_WIDE)
/* The same for text that is also free of white space to mend, if it neither begins nor ends with a space. Controls stop
 * it, too: most are line ends. */
SL_AVX2 static const char *skip_clean_blocks(sl_str text, const normalize_plan *plan) {
    const normalize_leads *leads = &normalize_lead_ranges[plan->leads];
    const char *p = text.ptr, *end = text.ptr + text.len;
    const sl_v32 space = sl_v32_fill(' ');
    uint64_t before = 0;
    for (; end - p >= 64; p += 64) {
        sl_v32 a = sl_v32_load(p), b = sl_v32_load(p + 32);
        uint64_t blank = sl_v32_mask(sl_v32_eq(a, space)) | (uint64_t)sl_v32_mask(sl_v32_eq(b, space)) << 32;
        uint64_t look = blank & (blank << 1 | before);
        look |= sl_v32_mask(sl_v32_range(a, 0, ' ' - 1)) | (uint64_t)sl_v32_mask(sl_v32_range(b, 0, ' ' - 1)) << 32;
        before = blank >> 63;
        if (sl_v32_mask(sl_v32_or(a, b))) look |= sift(a, leads) | (uint64_t)sift(b, leads) << 32;
        for (; look; look &= look - 1) {
            const char *at = p + sl_first_bit(look);
            if (!((unsigned char)*at & 0x80) || is_unstable(at, end, plan)) return at;
        }
    }
    return p;
}
#endif

static size_t scan_clean(const char *ptr, size_t len, const normalize_plan *plan) {
    sl_str text = {ptr, (uint32_t)len};
    const char *at = ptr;
#if defined(SL_WIDE)
    if (len >= 64 && sl_has_avx2()) {
        at = skip_clean_blocks(text, plan);
        if (ptr + len - at >= 64) return (size_t)(at - ptr);
    }
#endif
    scanner s = {text, plan, at, at, 0, at > ptr && at[-1] == ' '};
    return (size_t)(scan(&s, at, 1) - ptr);
}

size_t sl_scan_spaces(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    return scan_clean(ptr, len, &plans[PLAN_SPACES]);
}

size_t sl_scan_clean(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    return scan_clean(ptr, len, &plans[PLAN_CLEAN]);
}

size_t sl_scan_form(const char *ptr, size_t len, const sl_options *options) {
    return scan_stable(ptr, len, &plans[options->word[0]]);
}

size_t sl_scan_hidden(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    return scan_stable(ptr, len, &plans[PLAN_HIDDEN]);
}

static inline int is_boundary(const char *p, const char *end, const normalize_plan *plan) {
    return p == end || !((unsigned char)*p & 0x80) || !is_unstable(p, end, plan);
}

/* Many marks change nothing: they stand in canonical order and never compose. Moves *at behind marks that do so up to
 * a stable character, and returns 1; or returns 0 where that takes more than a look. */
static int skip_quiet_marks(const char **at, const char *end, const normalize_plan *plan) {
    const char *p = *at;
    uint32_t class = 0;
    while (p < end) {
        const char *next = p;
        const normalize_record *record = normalize_record_of(sl_utf8_next(&next, end));
        if (!(record->flags & plan->unstable)) break;
        if (!record->combining_class || record->combining_class < class || record->flags & plan->undecided ||
            record->decomposed[plan->compatible])
            return 0;
        class = record->combining_class;
        p = next;
    }
    *at = p;
    return 1;
}

enum { SLACK = 16 };

static inline void put_due_space(normalizer *n) {
    if (n->space && n->out->len) n->out->ptr[n->out->len++] = ' ';
    n->space = 0;
}

/* Appends stable text, and makes room for what comes next; short stretches take one wide store. With `clean`, a space
 * at the end waits for what comes. */
static inline sl_status append(normalizer *n, const char *from, const char *to, const char *end) {
    sl_buf *out = n->out;
    size_t len = (size_t)(to - from);
    SL_TRY(sl_buf_reserve(out, (out->len ? len : (size_t)(end - from)) + 2 * SLACK));
    if (!len) return SL_OK;
    if (n->plan->clean) {
        uint32_t space = to[-1] == ' ';
        len -= space;
        if (len) put_due_space(n);
        n->space |= space;
    }
    if (len <= 16 && end - from >= 16)
        sl_v16_store(out->ptr + out->len, sl_v16_load(from));
    else
        memcpy(out->ptr + out->len, from, len);
    out->len += len;
    return SL_OK;
}

static sl_status append_entries(normalizer *n, uint32_t at) {
    for (;; at++) {
        SL_TRY(sl_buf_reserve(n->out, SLACK));
        n->out->len += sl_utf8_put(n->out->ptr + n->out->len, normalize_pool[at] & NORMALIZE_ENTRY_POINT);
        if (normalize_pool[at] & NORMALIZE_ENTRY_LAST) return SL_OK;
    }
}

/* 1 if the decomposition at `at` in the pool is the form of its character wherever a stable character follows. */
static int is_final(uint32_t at, const normalize_plan *plan) {
    if (normalize_pool[at] >> NORMALIZE_CLASS_SHIFT & 0xFF) return 0;
    if (!plan->composed) return 1;
    for (;; at++) {
        uint32_t entry = normalize_pool[at], point = entry & NORMALIZE_ENTRY_POINT;
        if ((entry & ~NORMALIZE_ENTRY_LAST) != point || (plan->clean && point == ' ')) return 0;
        if (entry & NORMALIZE_ENTRY_LAST) return 1;
    }
}

/* The cases that most texts are made of, where one unstable character stands among stable ones: a decomposition that is
 * final, or a mark and what it may compose with. Appends what is before, moves *copied and *at behind it and returns
 * SL_OK; or SL_UNCHANGED after it did nothing at all. */
static inline sl_status fix_single(normalizer *n, const char **copied, const char **at, const char *end) {
    const normalize_plan *plan = n->plan;
    const char *next = *at, *from = *at;
    uint32_t point = sl_utf8_next(&next, end);
    const normalize_record *record = normalize_record_of(point);
    uint32_t decomposed = record->decomposed[plan->compatible];
    if (!is_boundary(next, end, plan)) return SL_UNCHANGED;
    if (decomposed) {
        if (!is_final(decomposed, plan)) return SL_UNCHANGED;
        SL_TRY(append(n, *copied, *at, end));
        put_due_space(n);
        SL_TRY(append_entries(n, decomposed));
    } else if (plan->composed && record->flags & NORMALIZE_BACK && *at > *copied) {
        uint32_t before = sl_utf8_previous(*copied, &from);
        if (normalize_record_of(before)->decomposed[plan->compatible]) return SL_UNCHANGED;
        uint32_t composed = sl_normalize_compose(before, point);
        if (!composed) {
            *at = next;
            return SL_OK;
        }
        SL_TRY(append(n, *copied, from, end));
        put_due_space(n);
        n->out->len += sl_utf8_put(n->out->ptr + n->out->len, composed);
    } else {
        return SL_UNCHANGED;
    }
    *copied = *at = next;
    return SL_OK;
}

/* Deals with the unstable character at *at. Elsewhere than in the simple cases the normaliser runs from the character
 * before, which may compose, to the next stable one. */
static sl_status fix(normalizer *n, sl_str text, const char **copied, const char **at) {
    const char *end = text.ptr + text.len;
    sl_status status = fix_single(n, copied, at, end);
    if (status != SL_UNCHANGED) return status;
    if (skip_quiet_marks(at, end, n->plan)) return SL_OK;
    const char *from = *at;
    if (from > *copied && !(n->plan->clean && from[-1] == ' ')) sl_utf8_previous(*copied, &from);
    SL_TRY(append(n, *copied, from, end));
    SL_TRY(sl_normalizer_run(n, text, &from, *at));
    *copied = *at = from;
    return SL_OK;
}

static sl_status finish(normalizer *n, sl_str text, const char *copied) {
    sl_buf *out = n->out;
    SL_TRY(append(n, copied, text.ptr + text.len, text.ptr + text.len));
    if (out->len > SL_TEXT_MAX) return SL_ERANGE;
    return out->len == text.len && !memcmp(out->ptr, text.ptr, text.len) ? SL_UNCHANGED : SL_OK;
}

FOR_EACH_PLAN sl_status normalize_by(const normalize_plan *plan, sl_str text, const char *at, sl_buf *out) {
    const char *end = text.ptr + text.len, *copied = text.ptr;
    scanner s = {text, plan, at, at, 0, 0};
    normalizer n;
    sl_normalizer_start(&n, plan, out);
    sl_status status = SL_OK;
    while (status <= SL_OK && (at = scan(&s, at, 0)) < end) status = fix(&n, text, &copied, &at);
    sl_normalizer_free(&n);
    if (status > SL_OK) return status;
    return copied == text.ptr ? SL_UNCHANGED : finish(&n, text, copied);
}

/* Four of five chat messages are ASCII, and most others hold only stable characters: one look at every byte decides. */
sl_status sl_normalize(sl_str text, const sl_options *options, sl_buf *out) {
    size_t ascii = skip_ascii(text.ptr, text.len);
    if (ascii == text.len) return SL_UNCHANGED;
    const char *at = text.ptr + ascii;
    switch (options->word[0]) {
        case PLAN_NFC:
            return normalize_by(&plans[PLAN_NFC], text, at, out);
        case PLAN_NFD:
            return normalize_by(&plans[PLAN_NFD], text, at, out);
        case PLAN_NFKC:
            return normalize_by(&plans[PLAN_NFKC], text, at, out);
        default:
            return normalize_by(&plans[PLAN_NFKD], text, at, out);
    }
}

/* The same look at every byte finds what is hidden; the rest is copied in stretches. */
sl_status sl_strip_invisible(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    const char *end = text.ptr + text.len, *at = text.ptr + skip_ascii(text.ptr, text.len), *copied = text.ptr;
    if (at == end) return SL_UNCHANGED;
    scanner s = {text, &plans[PLAN_HIDDEN], at, at, 0, 0};
    while ((at = scan(&s, at, 0)) < end) {
        const char *next = normalize_region_end(text, at);
        if (!next) {
            if (copied == text.ptr) SL_TRY(sl_buf_reserve(out, text.len));
            SL_TRY(sl_buf_append(out, copied, (size_t)(at - copied)));
            next = at;
            sl_utf8_next(&next, end);
            copied = next;
        }
        at = next;
    }
    return copied == text.ptr ? SL_UNCHANGED : sl_buf_append(out, copied, (size_t)(end - copied));
}

static inline int is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F); }

/* Deals with white space or an unstable character at *at, and with the spaces behind it of which the scanner does not
 * know that a space is due, or that nothing is before them. */
static sl_status fix_clean(normalizer *n, sl_str text, const char **copied, const char **at) {
    const char *end = text.ptr + text.len;
    if ((unsigned char)**at & 0x80) {
        SL_TRY(fix(n, text, copied, at));
    } else {
        SL_TRY(append(n, *copied, *at, end));
        n->space = 1;
        *copied = *at;
    }
    if (*copied == *at && (n->space || !n->out->len)) {
        while (*at < end && is_ascii_space(**at)) *at += 1;
        n->space |= *copied < *at;
        *copied = *at;
    }
    return SL_OK;
}

/* The same where every unstable character is white space. */
static sl_status fix_spaces(normalizer *n, sl_str text, const char **copied, const char **at) {
    const char *end = text.ptr + text.len, *next = *at;
    SL_TRY(append(n, *copied, *at, end));
    n->space = 1;
    do {
        *copied = *at = next;
        if (next == end) break;
    } while (normalize_record_of(sl_utf8_next(&next, end))->flags & NORMALIZE_SPACE);
    return SL_OK;
}

/* What is left to look for in a text that is clean already: an unstable character, white space other than single
 * spaces, and a space at either end. What is before `at` is clean. */
FOR_EACH_PLAN sl_status clean_from(const normalize_plan *plan, sl_str text, const char *at, uint32_t after_space,
                                   sl_buf *out) {
    const char *end = text.ptr + text.len, *copied = text.ptr;
    scanner s = {text, plan, at, at, 0, after_space};
    normalizer n;
    sl_normalizer_start(&n, plan, out);
    sl_status status = SL_OK;
    while (status <= SL_OK && (at = scan(&s, at, 1)) < end)
        status = plan->compatible ? fix_clean(&n, text, &copied, &at) : fix_spaces(&n, text, &copied, &at);
    sl_normalizer_free(&n);
    if (status > SL_OK) return status;
    return copied == text.ptr && end[-1] != ' ' ? SL_UNCHANGED : finish(&n, text, copied);
}

#if defined(SL_WIDE)
/* Of up to 64 bytes: which are white space of ASCII, which of those are spaces, and which begin other white space. */
typedef struct space_masks {
    uint64_t ascii, blank, wide;
} space_masks;

/* White space outside ASCII begins with C2 85, C2 A0, E1 9A, E2 80, E2 81 or E3 80; behind the last byte may be any. */
SL_VBMI2 static inline uint64_t wide_spaces(__m512i v, const char *p, const char *end) {
    uint64_t firsts = sl_v64_eq(v, 0xC2) | sl_v64_range(v, 0xE1, 0xE3), found = 0;
    uint64_t seconds = sl_v64_range(v, 0x80, 0x81) | sl_v64_eq(v, 0x85) | sl_v64_eq(v, 0x9A) | sl_v64_eq(v, 0xA0);
    for (uint64_t look = firsts & (seconds >> 1 | UINT64_C(1) << 63); look; look &= look - 1)
        if (is_unstable(p + sl_first_bit(look), end, &plans[PLAN_SPACES])) found |= look & (0 - look);
    return found;
}

SL_VBMI2 static inline space_masks find_spaces(__m512i v, const char *p, const char *end) {
    space_masks m = {0, sl_v64_eq(v, ' '), 0};
    m.ascii = m.blank | sl_v64_range(v, '\t', '\r') | sl_v64_range(v, 0x1C, 0x1F);
    if (SL_UNLIKELY(_mm512_movepi8_mask(v))) m.wide = wide_spaces(v, p, end);
    return m;
}

/* 64 bytes a step: first those with nothing to mend, then white space becomes spaces, and the bytes that stay are moved
 * together. */
SL_VBMI2 static sl_status squash_vbmi2(sl_str text, sl_buf *out) {
    enum { STEP = 64 };
    const char *p = text.ptr, *end = text.ptr + text.len;
    char *to = NULL;
    uint64_t before = 1;
    while (p < end) {
        size_t count = (size_t)(end - p) < STEP ? (size_t)(end - p) : STEP;
        uint64_t valid = sl_v64_valid(count);
        __m512i v = sl_v64_load(p, valid);
        space_masks m = find_spaces(v, p, end);
        uint64_t surplus = m.ascii & (m.ascii << 1 | before);
        if (!to) {
            if (SL_LIKELY(!(surplus | (m.ascii ^ m.blank) | m.wide))) {
                before = m.blank >> (count - 1) & 1;
                p += count;
                continue;
            }
            SL_TRY(sl_buf_reserve(out, (size_t)text.len + STEP));
            to = out->ptr + (p - text.ptr);
            if (p > text.ptr) memcpy(out->ptr, text.ptr, (size_t)(p - text.ptr));
        }
        if (m.wide) {
            count = sl_first_bit(m.wide);
            valid &= sl_v64_valid(count);
        }
        uint64_t stay = valid & ~surplus;
        __m512i mended = _mm512_mask_mov_epi8(v, m.ascii, _mm512_set1_epi8(' '));
        _mm512_storeu_si512((void *)to, _mm512_maskz_compress_epi8(stay, mended));
        to += sl_count_bits(stay);
        if (count) before = m.ascii >> (count - 1) & 1;
        p += count;
        if (m.wide) {
            sl_utf8_next(&p, end);
            *to = ' ';
            to += !before;
            before = 1;
        }
    }
    if (!to) {
        if (!before) return SL_UNCHANGED;
        return sl_buf_append(out, text.ptr, text.len - 1);
    }
    out->len = (size_t)(to - out->ptr) - (before && to > out->ptr);
    return SL_OK;
}
#endif

sl_status sl_squash_spaces(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    if (!text.len) return SL_UNCHANGED;
#if defined(SL_WIDE)
    if (sl_has_vbmi2()) return squash_vbmi2(text, out);
#endif
    uint32_t after_space;
    size_t plain = skip_plain(text.ptr, text.len, &after_space);
    if (plain == text.len && !after_space) return SL_UNCHANGED;
    return clean_from(&plans[PLAN_SPACES], text, text.ptr + plain, after_space, out);
}

/* All three steps at once. */
sl_status sl_clean_text(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    if (!text.len) return SL_UNCHANGED;
    uint32_t after_space;
    size_t plain = skip_plain(text.ptr, text.len, &after_space);
    if (plain == text.len && !after_space) return SL_UNCHANGED;
    return clean_from(&plans[PLAN_CLEAN], text, text.ptr + plain, after_space, out);
}
