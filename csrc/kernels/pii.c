/* pii.c - personal data in a text, found and masked.
 * Contract: out is written only where something is found; offsets are code points, values are spans of the input.
 * Source: kinds, grammar and precedence are stated in streamliner_udf/reference/pii.py. */
#include "pii.h"

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
    uint32_t sees = pii_look(text);
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
    uint32_t sees = pii_look(text);
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
    uint32_t sees = pii_look(text);
    out->integer = 0;
    return sees | mac ? has(text, kinds, sees, out) : SL_OK;
}
