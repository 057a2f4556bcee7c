/* pii.c - personal data in a text, found and masked.
 * Contract: out is written only where something is found; offsets are code points, values are spans of the input.
 * Source: kinds, grammar and precedence are stated in streamliner_udf/reference/pii.py. */
#include "pii.h"

#include "simd.h"
#include "utf8.h"

static const char *const kind_names[PII_KIND_COUNT] = {"email",  "phone",   "credit_card", "iban",   "ip",
                                                       "us_ssn", "br_cpf",  "br_cnpj",     "mac",    "crypto",
                                                       "url_credentials"};
#define MARK(name) {"<" name "_REDACTED>", sizeof("<" name "_REDACTED>") - 1}
static const sl_str marks[PII_KIND_COUNT] = {MARK("EMAIL"),  MARK("PHONE"),  MARK("CREDIT_CARD"), MARK("IBAN"),
                                             MARK("IP"),     MARK("US_SSN"), MARK("BR_CPF"),      MARK("BR_CNPJ"),
                                             MARK("MAC"),    MARK("CRYPTO"), MARK("URL_CREDENTIALS")};

sl_status sl_prepare_kinds(const sl_value *values, sl_options *options, sl_error *error) {
    const uint64_t all = (1u << PII_KIND_COUNT) - 1;
    const char *p = values[0].text.ptr, *end = p ? p + values[0].text.len : p;
    uint64_t chosen = 0;
    for (int first = 1;; first = 0) {
        const char *start = p;
        while (p < end && *p != ',') p++;
        const char *stop = p;
        while (start < stop && (*start == ' ' || *start == '\t')) start++;
        while (start < stop && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
        size_t len = (size_t)(stop - start);
        if (first && !len && p == end) {
            chosen = all & ~(UINT64_C(1) << PII_MAC);
            break;
        }
        int kind = 0;
        while (kind < PII_KIND_COUNT &&
               !(strlen(kind_names[kind]) == len && !memcmp(kind_names[kind], start, len)))
            kind++;
        if (kind < PII_KIND_COUNT)
            chosen |= UINT64_C(1) << kind;
        else if (len == 3 && !memcmp(start, "all", 3))
            chosen = all;
        else
            return sl_error_set(error,
                                "expected kinds to be a comma-separated list of email, phone, credit_card, iban, ip, "
                                "us_ssn, br_cpf, br_cnpj, mac, crypto, url_credentials, all, got '%.*s'",
                                (int)(len > 200 ? 200 : len), start);
        if (p == end) break;
        p++;
    }
    options->word[0] = chosen;
    return SL_OK;
}

/* A digit or '@': no finding of any kind but mac is without. */
static inline sl_v16 triggers(const char *p) {
    sl_v16 v = sl_v16_load(p);
    return sl_v16_or(sl_v16_range(v, '0', '9'), sl_v16_eq(v, sl_v16_fill('@')));
}

/* The four places of 16 bytes that make up a block may overlap. */
static inline int has_trigger(const char *a, const char *b, const char *c, const char *d) {
    return sl_v16_mask(sl_v16_or(sl_v16_or(triggers(a), triggers(b)), sl_v16_or(triggers(c), triggers(d)))) != 0;
}

/* A place with no trigger before it and one in the 64 bytes behind; or the length. */
static inline size_t first_trigger(sl_str text) {
    const char *p = text.ptr, *end = p + text.len;
    if (SL_LIKELY(text.len > 64)) {
        for (; end - p > 64; p += 64)
            if (has_trigger(p, p + 16, p + 32, p + 48)) return (size_t)(p - text.ptr);
        p = end - 64;
        return has_trigger(p, p + 16, p + 32, p + 48) ? (size_t)(p - text.ptr) : text.len;
    }
    if (SL_LIKELY(text.len >= 16)) {
        uint32_t last = text.len - 16, second = last < 16 ? last : 16, third = last < 16 ? 0 : last - 16;
        return has_trigger(p, p + second, p + third, p + last) ? 0 : text.len;
    }
    char padded[16];
    sl_v16_store(padded, sl_v16_load_tail(p, text.len, 0));
    return sl_v16_mask(triggers(padded)) ? 0 : text.len;
}

#if defined(SL_WIDE)
SL_AVX2 static inline sl_v32 triggers_wide(const char *p) {
    sl_v32 v = sl_v32_load(p);
    return sl_v32_or(sl_v32_range(v, '0', '9'), sl_v32_eq(v, sl_v32_fill('@')));
}

/* The first trigger, 64 bytes a step, for len >= 64. */
SL_AVX2 static size_t find_trigger_wide(const char *p, size_t len) {
    size_t i = 0;
    for (;;) {
        sl_v32 a = triggers_wide(p + i), b = triggers_wide(p + i + 32);
        if (sl_v32_mask(sl_v32_or(a, b))) return i + sl_first_bit(sl_v32_mask(a) | (uint64_t)sl_v32_mask(b) << 32);
        if (i + 64 == len) return len;
        i = i + 128 <= len ? i + 64 : len - 64;
    }
}
#endif

/* A MAC address may hold no digit, so where those are wanted every text has to be seen. */
size_t sl_scan_pii(const char *ptr, size_t len, const sl_options *options) {
    if (options->word[0] >> PII_MAC & 1) return 0;
#if defined(SL_WIDE)
    if (len >= 64 && sl_has_avx2()) return find_trigger_wide(ptr, len);
#endif
    size_t i = first_trigger((sl_str){ptr, (uint32_t)len});
    while (i < len && ptr[i] != '@' && (ptr[i] < '0' || ptr[i] > '9')) i++;
    return i;
}

/* One bit a character of 64. */
typedef struct block {
    uint64_t digit, word, at, dot, colon, slash;
} block;

static inline block read_block(const char *p) {
    block b = {0, 0, 0, 0, 0, 0};
    for (uint32_t k = 0; k < 64; k += 16) {
        sl_v16 v = sl_v16_load(p + k), number = sl_v16_range(v, '0', '9');
        sl_v16 letter = sl_v16_range(sl_v16_or(v, sl_v16_fill(0x20)), 'a', 'z');
        b.digit |= (uint64_t)sl_v16_mask(number) << k;
        b.word |= (uint64_t)sl_v16_mask(sl_v16_or(number, letter)) << k;
        b.at |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill('@'))) << k;
        b.dot |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill('.'))) << k;
        b.colon |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill(':'))) << k;
        b.slash |= (uint64_t)sl_v16_mask(sl_v16_eq(v, sl_v16_fill('/'))) << k;
    }
    return b;
}

/* What the text from `from` on can hold: nothing before it is a trigger. Except for those named below, every kind has
 * eight digits or more. */
static uint32_t look(sl_str text, size_t from) {
    uint32_t sees = 0, digits = 0, dots = 0, colons = 0;
    uint64_t dot_before = 0, colon_before = 0;
    char padded[64];
    /* An IPv6 address can begin up to 44 characters before its first digit. */
    for (size_t i = from > 44 ? from - 44 : 0; i < text.len; i += 64) {
        size_t left = text.len - i;
        const char *p = text.ptr + i;
        uint32_t past = 0;
        if (left < 64 && text.len >= 64) { /* the last 64 bytes; those seen before are shifted out */
            past = (uint32_t)(64 - left);
            p -= past;
        } else if (left < 64) {
            memset(padded, 0, sizeof padded);
            memcpy(padded, p, left);
            p = padded;
        }
        block b = read_block(p);
        b.digit >>= past;
        b.word >>= past;
        b.dot >>= past;
        b.colon >>= past;
        b.slash >>= past;
        if (b.digit) digits += sl_count_bits(b.digit);
        if (b.at) sees |= PII_SEES_AT;
        if (b.dot | dot_before) {
            /* Three octets of an IPv4 address have a dot before them. */
            dots += sl_count_bits(b.digit & (b.dot << 1 | dot_before >> 63));
            /* A CNPJ of letters: two dots before a '/'. */
            if (b.slash & (b.dot << 4 | dot_before >> 60) & (b.dot << 8 | dot_before >> 56)) sees |= PII_SEES_SLASHES;
        }
        if (b.colon) {
            colons += sl_count_bits(b.colon);
            if (b.colon & (b.colon << 1 | colon_before >> 63)) sees |= PII_SEES_COLONS;
        }
        /* A wallet has 26 letters and digits or more: 13 in a row on one side of a border between blocks. */
        uint64_t run = b.word & b.word >> 1;
        run &= run >> 2;
        run &= run >> 4;
        if (run & run >> 5) sees |= PII_SEES_DIGITS;
        dot_before = b.dot;
        colon_before = b.colon;
    }
    if (digits >= 8 || dots >= 3) sees |= PII_SEES_DIGITS;
    if (colons >= 6) sees |= PII_SEES_COLONS; /* without '::', six before an IPv4 address or seven */
    return sees;
}

/* Apart from the kernel, so that the scanner's room on the stack costs nothing where there is nothing to scan. */
static sl_status scrub(sl_str text, uint32_t kinds, uint32_t sees, sl_buf *out) {
    pii_scanner scanner;
    pii_finding finding;
    SL_TRY(pii_open(&scanner, text, kinds, sees));
    int ascii = scanner.view.text == (const unsigned char *)text.ptr;
    const char *end = text.ptr + text.len, *p = text.ptr;
    size_t place = 0;
    sl_status status;
    while ((status = pii_next(&scanner, &finding)) == SL_OK) {
        const char *start = pii_advance(p, end, finding.start - place, ascii);
        sl_str mark = marks[finding.kind];
        if (!place) status = sl_buf_reserve(out, text.len + mark.len);
        if (status == SL_OK) status = sl_buf_append(out, p, (size_t)(start - p));
        if (status == SL_OK) status = sl_buf_append(out, mark.ptr, mark.len);
        if (status != SL_OK) break;
        p = pii_advance(start, end, finding.stop - finding.start, ascii);
        place = finding.stop;
    }
    pii_close(&scanner);
    if (status > SL_OK) return status;
    return place ? sl_buf_append(out, p, (size_t)(end - p)) : SL_UNCHANGED;
}

/* Most texts hold no '@' and no digit: they are read once, 64 bytes at a time, and never touched again. */
sl_status sl_scrub_pii(sl_str text, const sl_options *options, sl_buf *out) {
    uint32_t kinds = (uint32_t)options->word[0], mac = kinds >> PII_MAC & 1;
    size_t from = first_trigger(text);
    if (SL_LIKELY(from == text.len && !mac)) return SL_UNCHANGED;
    uint32_t sees = from < text.len ? look(text, from) : 0;
    return sees | mac ? scrub(text, kinds, sees, out) : SL_UNCHANGED;
}

static sl_status find(sl_str text, uint32_t kinds, uint32_t sees, sl_rows *out) {
    pii_scanner scanner;
    pii_finding finding;
    SL_TRY(pii_open(&scanner, text, kinds, sees));
    int ascii = scanner.view.text == (const unsigned char *)text.ptr;
    const char *end = text.ptr + text.len, *p = text.ptr;
    size_t place = 0;
    sl_status status;
    while ((status = pii_next(&scanner, &finding)) == SL_OK) {
        sl_cell *cells;
        status = sl_rows_add(out, &cells);
        if (status > SL_OK) break;
        const char *start = pii_advance(p, end, finding.start - place, ascii);
        p = pii_advance(start, end, finding.stop - finding.start, ascii);
        place = finding.stop;
        const char *name = kind_names[finding.kind];
        cells[0].text = (sl_str){name, (uint32_t)strlen(name)};
        cells[1].integer = (int64_t)finding.start;
        cells[2].integer = (int64_t)finding.stop;
        cells[3].text = (sl_str){start, (uint32_t)(p - start)};
    }
    pii_close(&scanner);
    return status > SL_OK ? status : SL_OK;
}

sl_status sl_find_pii(sl_str text, const sl_options *options, sl_rows *out) {
    uint32_t kinds = (uint32_t)options->word[0], mac = kinds >> PII_MAC & 1;
    size_t from = first_trigger(text);
    uint32_t sees = from < text.len ? look(text, from) : 0;
    return sees | mac ? find(text, kinds, sees, out) : SL_OK;
}

static sl_status has(sl_str text, uint32_t kinds, uint32_t sees, sl_cell *out) {
    pii_scanner scanner;
    pii_finding finding;
    SL_TRY(pii_open(&scanner, text, kinds, sees));
    sl_status status = pii_next(&scanner, &finding);
    pii_close(&scanner);
    out->integer = status == SL_OK;
    return status > SL_OK ? status : SL_OK;
}

sl_status sl_has_pii(sl_str text, const sl_options *options, sl_cell *out) {
    uint32_t kinds = (uint32_t)options->word[0], mac = kinds >> PII_MAC & 1;
    size_t from = first_trigger(text);
    uint32_t sees = from < text.len ? look(text, from) : 0;
    out->integer = 0;
    return sees | mac ? has(text, kinds, sees, out) : SL_OK;
}
