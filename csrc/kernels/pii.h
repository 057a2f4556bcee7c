/* pii.h - what the parts of the pii family share: the simplified text, findings, the rules of each kind, the scanner.
 * Contract: rules read only inside the view and look at a bounded number of characters around their place.
 * Source: the grammar is stated in streamliner_udf/reference/pii.py. */
#ifndef SL_PII_H
#define SL_PII_H

#include "../streamliner.h"
#include "utf8.h"

/* In the order that decides between findings of equal length. */
enum {
    PII_EMAIL,
    PII_PHONE,
    PII_CREDIT_CARD,
    PII_IBAN,
    PII_IP,
    PII_US_SSN,
    PII_BR_CPF,
    PII_BR_CNPJ,
    PII_MAC,
    PII_CRYPTO,
    PII_URL_CREDENTIALS,
    PII_KIND_COUNT
};

/* The simplified text, one byte a code point: ASCII as it is; ' ', '-' and '$' for their Unicode kin, PII_UNSPACED for a
 * letter or mark of a script that writes on without spaces, PII_WORD for any other letter, digit or mark, PII_OTHER for
 * the rest. An ASCII text is its own simplified text. */
typedef struct pii_view {
    const unsigned char *text;
    size_t len;
} pii_view;

enum { PII_WORD = 0xE9, PII_UNSPACED = 0xE8, PII_OTHER = 0xB7 };

typedef struct pii_finding {
    size_t start, stop; /* code points */
    uint32_t kind;
} pii_finding;

/* What a character can be. */
enum {
    PII_IS_DIGIT = 1,
    PII_IS_LETTER = 2, /* ASCII */
    PII_IS_WORD = 4,
    PII_IS_HEX = 8,
    PII_IS_LOCAL = 16, /* before the @ of an e-mail address */
    PII_IS_USER = 32   /* in the userinfo of a URL */
};
extern const unsigned char pii_class[256];

/* 0 outside of the text; a NUL inside it means as little to every rule. */
static inline unsigned pii_at(const pii_view *view, size_t i) { return i < view->len ? view->text[i] : 0; }
static inline int pii_is(const pii_view *view, size_t i, int classes) {
    return pii_class[pii_at(view, i)] & classes;
}
static inline unsigned pii_lower(unsigned c) { return c - 'A' < 26u ? c | 32 : c; }

/* No number starts (ends) here that goes on with a separator and a further digit. */
static inline int pii_number_before(const pii_view *view, size_t i) {
    unsigned c = pii_at(view, i - 1);
    if (pii_class[c] & PII_IS_WORD) return 0;
    if (c == '-') return !pii_is(view, i - 2, PII_IS_WORD);
    return !((c == '.' || c == ',' || c == ':' || c == '/' || c == '+') && pii_is(view, i - 2, PII_IS_DIGIT));
}
static inline int pii_number_after(const pii_view *view, size_t i) {
    unsigned c = pii_at(view, i);
    if (pii_class[c] & PII_IS_WORD) return 0;
    return !((c == '.' || c == ':' || c == '+' || c == '-') && pii_is(view, i + 1, PII_IS_DIGIT));
}

/* Groups of digits, each behind at most one separator, some in parentheses. */
enum { PII_GROUPS = 16, PII_RUN_MAX = 20, PII_WIDE_SPACE = '_', PII_WIDE_DASH = '=' };
typedef struct pii_group {
    size_t start;
    uint32_t len; /* more than PII_RUN_MAX: too long for any rule, and the last group */
    char gap;     /* the separator before it: one of " ./-", two spaces, " - ", or 0 */
    char open;    /* 1: in parentheses */
} pii_group;
/* Reads groups from `start` (a digit or an opening parenthesis) and returns how many. */
int pii_groups(const pii_view *view, size_t start, pii_group groups[PII_GROUPS]);

/* Each rule returns where the finding that starts at `start` ends, or 0. */
size_t pii_phone(const pii_view *view, size_t start);
size_t pii_card(const pii_view *view, const pii_group *groups, int count);
size_t pii_ssn(const pii_view *view, const pii_group *groups, int count);
size_t pii_cpf(const pii_view *view, const pii_group *groups, int count);
size_t pii_cnpj(const pii_view *view, const pii_group *groups, int count);
size_t pii_ipv4(const pii_view *view, const pii_group *groups, int count);
size_t pii_iban(const pii_view *view, size_t start);
size_t pii_wallet(const pii_view *view, size_t start);
size_t pii_mac(const pii_view *view, size_t start);
/* The run of hexadecimal digits, colons and dots around `place`, trimmed: 1 if it is an address. `*stop` is where the
 * run ends and never before `place`. */
int pii_ipv6(const pii_view *view, size_t place, size_t from, pii_finding *finding, size_t *stop);
int pii_cnpj_letters(const pii_view *view, size_t place, pii_finding *finding);
/* Around the '@' at `place`; nothing before `from` belongs to an e-mail address. */
int pii_credentials(const pii_view *view, size_t place, pii_finding *finding);
int pii_email(const pii_view *view, size_t place, size_t from, pii_finding *finding);
/* A number that has the form and the check digits: how many groups, or 0. */
int pii_cpf_groups(const pii_view *view, const pii_group *groups, int count);
int pii_cnpj_groups(const pii_view *view, const pii_group *groups, int count);

/* The scanner: findings in order, none overlapping. Start with pii_open, end with pii_close. */
typedef struct pii_stream {
    pii_finding ready[8]; /* found and not yet taken, in order of start */
    uint32_t first, count;
    size_t place;
    int done;
} pii_stream;

enum { PII_AT, PII_DIGITS, PII_COLONS, PII_SLASHES, PII_MACS, PII_STREAMS, PII_CLUSTER = 16 };

typedef struct pii_scanner {
    pii_view view;
    uint32_t kinds;
    size_t next[PII_KIND_COUNT]; /* a kind's next finding starts here or later */
    pii_stream streams[PII_STREAMS];
    uint64_t run_starts; /* of the 64 characters before streams[PII_DIGITS].place */
    uint32_t last_digit;
    /* Findings that overlap in a chain, and after it is resolved those that stay. */
    pii_finding *cluster;
    size_t cluster_count, cluster_cap, cluster_taken;
    pii_finding fixed[PII_CLUSTER];
    unsigned char *copy; /* of a long text that is not ASCII */
    unsigned char room[1024];
} pii_scanner;

/* What a glance at the text has seen; a stream without its sign is not read. Streams of kind mac are not looked for. */
enum { PII_SEES_AT = 1, PII_SEES_DIGITS = 2, PII_SEES_COLONS = 4, PII_SEES_SLASHES = 8 };
uint32_t pii_look(sl_str text);

sl_status pii_open(pii_scanner *scanner, sl_str text, uint32_t kinds, uint32_t sees);
void pii_close(pii_scanner *scanner);
/* SL_OK and a finding, or SL_UNCHANGED when there is none left. */
sl_status pii_next(pii_scanner *scanner, pii_finding *finding);

/* Moves on by `points` code points; in an ASCII text those are bytes. */
static inline const char *pii_advance(const char *p, const char *end, size_t points, int ascii) {
    if (ascii) return p + points;
    while (points && p < end) {
        sl_utf8_next(&p, end);
        points--;
    }
    return p;
}

#endif
