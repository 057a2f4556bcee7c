/* pii_phone.c - telephone numbers: groups of digits whose lengths and separators people dial.
 * Contract: reads at most PII_GROUPS groups from its start and 20 characters before it.
 * Source: the shapes and their examples are in streamliner_udf/reference/pii.py; ITU-T E.164 for + and 15 digits. */
#include "pii.h"

typedef struct number {
    const pii_view *view;
    int plus;
    pii_group groups[PII_GROUPS];
    int count; /* groups */
} number;

static unsigned first_of(const number *n, int group) { return pii_at(n->view, n->groups[group].start); }
static unsigned second_of(const number *n, int group) { return pii_at(n->view, n->groups[group].start + 1); }

static int between(unsigned c, char low, char high) { return c - (unsigned)low <= (unsigned)(high - low); }

/* The most digits that usually follow a calling code; those of two digits are found at 10 * first + second. */
static int usual_length(const char *digits, int *code_len) {
    static const unsigned char two[100] = {
        [20] = 10, [27] = 9, [30] = 10, [31] = 9, [32] = 9, [33] = 9, [34] = 9, [36] = 9, [39] = 11, [40] = 9,
        [41] = 9, [43] = 13, [44] = 10, [45] = 8, [46] = 10, [47] = 8, [48] = 9, [49] = 11, [51] = 9, [52] = 11,
        [53] = 8, [54] = 11, [55] = 11, [56] = 9, [57] = 10, [58] = 10, [60] = 10, [61] = 9, [62] = 12, [63] = 10,
        [64] = 10, [65] = 8, [66] = 9, [81] = 10, [82] = 10, [84] = 10, [86] = 11, [90] = 10, [91] = 10, [92] = 10,
        [94] = 9, [98] = 10};
    static const struct {
        char code[4];
        unsigned char len;
    } three[] = {{"212", 9}, {"234", 10}, {"254", 9}, {"351", 9}, {"353", 9}, {"358", 12}, {"380", 9},
                 {"420", 9}, {"421", 9},  {"966", 9}, {"971", 9}, {"972", 9}};
    *code_len = 1;
    if (digits[0] == '1' || digits[0] == '7') return 10;
    *code_len = 2;
    int length = two[(digits[0] - '0') * 10 + digits[1] - '0'];
    if (length) return length;
    *code_len = 3;
    for (size_t i = 0; i < sizeof three / sizeof *three; i++)
        if (!memcmp(digits, three[i].code, 3)) return three[i].len;
    *code_len = 0;
    return 13;
}

/* +44 (0)20 7946 0018 or 0044...: 8 to 15 digits, a (0) not counted; at most one group in parentheses, behind the code.
 * `*excess` is how many digits there are beyond the usual. */
static int is_international(const number *n, int count, int *excess) {
    const pii_view *view = n->view;
    int code = 0; /* the group that the calling code begins */
    unsigned skip = 0;
    if (n->groups[0].open) return 0;
    if (!n->plus) {
        if (first_of(n, 0) != '0' || n->groups[0].len < 2 || second_of(n, 0) != '0') return 0;
        skip = 2;
        if (n->groups[0].len == 2) {
            code = 1;
            skip = 0;
            if (count < 2 || n->groups[1].open || n->groups[1].gap == '/') return 0;
        }
    }
    if (!between(pii_at(view, n->groups[code].start + skip), '1', '9')) return 0;
    char digits[15];
    int total = 0;
    for (int i = code; i < count; i++) {
        const pii_group *group = &n->groups[i];
        if (group->open) {
            if (i != code + 1 || group->len > 5) return 0;
            if (group->len == 1 && first_of(n, i) == '0') continue;
        }
        size_t from = group->start + (i == code ? skip : 0), stop = group->start + group->len;
        for (size_t j = from; j < stop; j++) {
            if (total == 15) return 0;
            digits[total++] = (char)view->text[j];
        }
    }
    if (total < 8) return 0;
    int code_len, length = usual_length(digits, &code_len);
    *excess = total - code_len - length - (code_len && digits[code_len] == '0');
    return 1;
}

/* Groups from..count have two digits or more, and one separator out of " .-" between all of them. */
static int is_uniform(const number *n, int from, int count) {
    for (int i = from; i < count; i++) {
        if (n->groups[i].len < 2 || n->groups[i].open) return 0;
        if (i > from && (n->groups[i].gap == '/' || n->groups[i].gap != n->groups[from + 1].gap)) return 0;
    }
    return from < count;
}

/* (11) 9 1234-5678 and kin; `area` is the group in parentheses. */
static int is_bracketed(const number *n, int area, int count, int total) {
    if (area == 1 && (n->groups[0].len != 1 || n->groups[0].open || n->groups[1].gap == '/' ||
                      (first_of(n, 0) > '1' && first_of(n, 0) != '8')))
        return 0;
    uint32_t len = n->groups[area].len;
    int zero = first_of(n, area) == '0', most = 12;
    if (len == 1) {
        if (!zero || area == 1) return 0;
        most = 11;
    } else if (len > 5 || (len > 3 && !zero)) {
        return 0;
    }
    if (total < 8 || total > most) return 0;
    int body = area + 1;
    if (body >= count) return 0;
    if (is_uniform(n, body, count)) return 1;
    return len > 1 && n->groups[body].len == 1 && !n->groups[body].open && first_of(n, body) == '9' &&
           body + 1 < count && n->groups[body + 1].gap != '/' && is_uniform(n, body + 1, count);
}

static int is_bare(const unsigned char *d, uint32_t len) {
    if (((d[0] == '1' && d[1] == '9') || (d[0] == '2' && d[1] == '0')) &&
        ((d[4] == '0' && d[5] > '0') || (d[4] == '1' && d[5] <= '2')) &&
        ((d[6] == '0' && d[7] > '0') || d[6] == '1' || d[6] == '2' || (d[6] == '3' && d[7] <= '1')))
        return 0; /* a date, then an hour */
    if (len == 10)
        return (d[0] >= '2' && d[3] >= '2') || d[0] >= '6' || (d[0] == '3' && d[1] > '0') ||
               (d[0] == '0' && d[1] > '0') ||
               (((d[0] == '1' && (between(d[1], '1', '4') || d[1] == '9')) || (d[0] >= '2' && d[1] > '0')) &&
                between(d[2], '2', '5'));
    if (len == 11)
        return (d[0] == '1' && d[1] >= '2' && d[4] >= '2') || (d[0] > '0' && d[1] > '0' && d[2] == '9') ||
               (d[0] == '0' && d[1] > '0') || (d[0] == '1' && d[1] >= '3') ||
               (d[0] == '8' && (d[1] == '3' || d[1] == '4' || d[1] >= '7'));
    return 0;
}

static int gap_in(const number *n, int group, const char *gaps) {
    char gap = n->groups[group].gap;
    return gap && strchr(gaps, gap) != NULL;
}

/* 1900 to 2099. */
static int is_year(const number *n, int group) {
    unsigned a = first_of(n, group), b = second_of(n, group);
    return (a == '1' && b == '9') || (a == '2' && b == '0');
}

static int ends_in_00(const number *n, int group) {
    const pii_group *g = &n->groups[group];
    return pii_at(n->view, g->start + g->len - 1) == '0' && pii_at(n->view, g->start + g->len - 2) == '0';
}

/* All gaps of groups 1..count-1 are one of `gaps`. */
static int gaps_equal(const number *n, int count, const char *gaps) {
    for (int i = 1; i < count; i++)
        if (n->groups[i].gap != n->groups[1].gap) return 0;
    return gap_in(n, 1, gaps);
}

static int gaps_any(const number *n, int from, int count, const char *gaps) {
    for (int i = from; i < count; i++)
        if (!gap_in(n, i, gaps)) return 0;
    return 1;
}

static int is_national(const number *n, int count) {
    if (n->plus) return 0;
    int total = 0;
    uint32_t shape = 0; /* the lengths as decimal digits */
    for (int i = 0; i < count; i++) {
        uint32_t len = n->groups[i].len;
        if (len > 12) return 0;
        if (n->groups[i].open && i > 1) return 0;
        total += (int)len;
        shape = i < 6 ? shape * 10 + (len > 9 ? 0 : len) : 0;
    }
    if (total < 8 || total > 12) return 0;
    if (n->groups[0].open) return is_bracketed(n, 0, count, total);
    if (count > 1 && n->groups[1].open) return is_bracketed(n, 1, count, total);
    unsigned a = first_of(n, 0), b = second_of(n, 0);
    if (count == 1) return is_bare(n->view->text + n->groups[0].start, n->groups[0].len);
    if (a == '0' && n->groups[0].len >= 2 && n->groups[0].len <= 5 && b > '0' && total >= 9 && total <= 12 &&
        is_uniform(n, 1, count)) {
        int decimal = count == 2 && n->groups[1].gap == '.';
        int date = count >= 3 && n->groups[0].len == 2 && n->groups[1].len == 2 && n->groups[2].len == 4;
        if (!decimal && !date && shape != 222222 && !(shape == 324 && gaps_any(n, 1, 3, " -"))) return 1;
    }
    switch (shape) {
    case 334: return gaps_any(n, 1, 3, " .-");
    case 144: return a == '0' && between(first_of(n, 1), '2', '9') && gaps_equal(n, 3, "-");
    case 1333: return a == '0' && first_of(n, 1) > '0' && gaps_equal(n, 4, " -");
    case 1334:
        return ((a == '1' || a == '8') && gaps_any(n, 1, 4, " .-")) ||
               (a == '0' && first_of(n, 1) > '0' && gaps_equal(n, 4, " -"));
    case 244: return a > '0' && gaps_any(n, 1, 3, " .-") && !(is_year(n, 1) && is_year(n, 2));
    case 254: return a > '0' && first_of(n, 1) == '9' && gaps_any(n, 1, 3, " .-");
    case 2144:
        return a > '0' && first_of(n, 1) == '9' && n->groups[2].gap == ' ' && gap_in(n, 1, " .-") &&
               gap_in(n, 3, " .-");
    case 333: return (a == '2' || a >= '5') && gaps_equal(n, 3, " -");
    case 3222: return a >= '5' && gaps_equal(n, 4, " .-");
    case 2322: return a > '0' && gaps_equal(n, 4, " -");
    case 54: return a == '9' && b >= '6' && gap_in(n, 1, "-");
    case 55: return a >= '6' && gap_in(n, 1, " -") && !(ends_in_00(n, 0) && ends_in_00(n, 1));
    case 36:
    case 37: return a == '3' && b >= '2' && gap_in(n, 1, " -");
    case 344: return a == '1' && b >= '3' && gaps_equal(n, 3, " -");
    case 433:
        return a == '1' && (b == '3' || b >= '8') && pii_at(n->view, n->groups[0].start + 2) == '0' &&
               pii_at(n->view, n->groups[0].start + 3) == '0' && gaps_equal(n, 3, " -");
    case 13322:
        return (a == '8' || (a == '0' && first_of(n, 1) > '0')) && gaps_equal(n, 3, " -") &&
               gaps_any(n, 3, 5, " -");
    default: return 0;
    }
}

enum { WORD_MAX = 14 };

/* The letters right before `i`, in lower case and with a NUL behind them: how many, or 0 where they are no whole word or
 * too many. */
static size_t word_before(const pii_view *view, size_t i, char word[WORD_MAX + 1]) {
    size_t len = 0;
    while (len < WORD_MAX && pii_is(view, i - 1 - len, PII_IS_LETTER)) len++;
    if (pii_is(view, i - 1 - len, PII_IS_WORD)) return 0;
    for (size_t k = 0; k < len; k++) word[k] = (char)pii_lower(pii_at(view, i - len + k));
    word[len] = 0;
    return len;
}

/* An n with a raised o or a degree sign before `i`. */
static int is_numero(const pii_view *view, size_t i) {
    unsigned c = pii_at(view, i - 1);
    return (c == PII_WORD || c == PII_OTHER) && pii_lower(pii_at(view, i - 2)) == 'n' &&
           !pii_is(view, i - 3, PII_IS_WORD);
}

static int is_one_of(const char *word, const char *const *words) {
    while (*words && strcmp(*words, word)) words++;
    return *words != NULL;
}

/* "order no. 5551234567": words before a bare run of digits say that it is a number of something else. */
static int is_labelled(const pii_view *view, size_t start) {
    static const char *const things[] = {"order",     "pedido",   "commande", "bestellung", "bestellnummer", "ordine",
                                         "invoice",   "rechnung", "factura",  "fatura",     "facture",       "ticket",
                                         "protocolo", "tracking", "rastreio", "isbn",       "sku",           "ref",
                                         "id",        NULL};
    static const char *const numbers[] = {"number", "num", "no", "nr", "code", NULL};
    char word[WORD_MAX + 1];
    size_t i = start;
    i -= pii_at(view, i - 1) == ' ';
    unsigned mark = pii_at(view, i - 1);
    i -= mark == '.' || mark == ':' || mark == '#';
    int spaced = pii_at(view, i - 1) == ' ';
    i -= (size_t)spaced;
    if (is_numero(view, i)) return 1;
    size_t len = word_before(view, i, word);
    if (!len) return 0;
    if (is_one_of(word, things) || (mark == '.' && !spaced && !strcmp(word, "no"))) return 1;
    return is_one_of(word, numbers) && pii_at(view, i - len - 1) == ' ' && word_before(view, i - len - 1, word) &&
           is_one_of(word, things);
}

/* "x123", " ext. 123", " ramal 123" at `i`: where it ends, or 0. */
static size_t extension(const pii_view *view, size_t i) {
    unsigned spaced = pii_at(view, i) == ' ';
    i += spaced;
    unsigned c = pii_lower(pii_at(view, i));
    if (c == 'x') {
        i++;
    } else if (c == 'e' && pii_lower(pii_at(view, i + 1)) == 'x' && pii_lower(pii_at(view, i + 2)) == 't') {
        i += 3;
        i += pii_at(view, i) == '.';
        i += pii_at(view, i) == ' ';
    } else if (c == 'r') {
        for (const char *p = "ramal "; *p; p++, i++)
            if (pii_lower(pii_at(view, i)) != (unsigned)*p) return 0;
    } else {
        return 0;
    }
    size_t stop = i;
    while (stop < i + 6 && pii_is(view, stop, PII_IS_DIGIT)) stop++;
    return stop > i && !pii_is(view, stop, PII_IS_WORD) ? stop : 0;
}

/* 98101-1234 behind a state in the west of the United States; 0812 3456 7890 behind four digits more, which would be a
 * card but for its check digit. Separators count as they are written. */
static int is_part(const pii_view *view, size_t start, size_t stop) {
    static const char states[] = "AKCAGUHIORWA";
    if (pii_at(view, start - 1) != ' ') return 0;
    if (stop - start == 10 && pii_at(view, start) == '9' && pii_at(view, start + 5) == '-') {
        if (pii_is(view, start - 4, PII_IS_WORD)) return 0;
        for (const char *p = states; *p; p += 2)
            if (pii_at(view, start - 3) == (unsigned)p[0] && pii_at(view, start - 2) == (unsigned)p[1]) return 1;
        return 0;
    }
    if (stop - start != 14 || start < 5 || pii_at(view, start) != '0' || pii_at(view, start + 4) != ' ' ||
        pii_at(view, start + 9) != ' ')
        return 0;
    for (size_t i = start - 5; i < stop; i++)
        if (!pii_is(view, i, PII_IS_DIGIT) && i != start - 1 && i != start + 4 && i != start + 9) return 0;
    return !pii_is(view, start - 6, PII_IS_WORD);
}

/* Where the number of the first `count` groups ends, if it may stand where it stands. */
static size_t stop_of(const number *n, size_t start, int count) {
    const pii_view *view = n->view;
    const pii_group *last = &n->groups[count - 1];
    size_t stop = last->start + last->len;
    int bare = count == 1 && !n->plus, plain = !n->plus;
    for (int i = 0; i < count; i++) plain &= !n->groups[i].open && (n->groups[i].gap == ' ' || !n->groups[i].gap);
    if (!n->plus && pii_cpf_groups(view, n->groups, count) == count) return 0;
    if (bare && last->len == 14 && pii_cnpj_groups(view, n->groups, 1)) return 0;
    if (is_part(view, start, stop)) return 0;
    if (bare && (pii_at(view, start - 1) == '=' || is_labelled(view, start))) return 0;
    if (plain && pii_at(view, start - 1) == ' ' && pii_at(view, start - 2) == '$') return 0;
    size_t extended = extension(view, stop);
    if (extended) return extended;
    unsigned c = pii_at(view, stop), d = pii_at(view, stop + 1);
    if (c == '@' || c == '=' || c == '%') return 0;
    if (plain) {
        size_t mark = stop + (c == ' ');
        unsigned sign = pii_at(view, mark);
        if (sign == '%' || (sign == '$' && !pii_is(view, mark + 1, PII_IS_DIGIT))) return 0;
    }
    if (!bare) return pii_number_after(view, stop) ? stop : 0;
    if (pii_class[c] & PII_IS_WORD) return 0;
    return c && strchr(".,:/_+-", (int)c) && pii_class[d] & PII_IS_WORD ? 0 : stop;
}

size_t pii_phone(const pii_view *view, size_t start) {
    unsigned before = pii_at(view, start - 1), c = pii_at(view, start);
    if (pii_class[before] & PII_IS_WORD) return 0;
    switch (before) {
    case '.':
    case ',':
    case ':':
        if (pii_is(view, start - 2, PII_IS_DIGIT)) return 0;
        break;
    case '-':
        if (pii_is(view, start - 2, PII_IS_WORD)) return 0;
        break;
    case '/':
        if (c != '+' && c != '(') return 0;
        break;
    case ')': /* +02(0)9778819706 is no number, and no part of it is */
        if (pii_is(view, start - 2, PII_IS_DIGIT) && pii_at(view, start - 3) == '(' &&
            pii_is(view, start - 4, PII_IS_DIGIT))
            return 0;
        break;
    case '@':
        if (c != '+') return 0;
        break;
    case '#':
    case '$':
    case '&':
    case '%':
    case '+': return 0;
    default: break;
    }
    number n = {.view = view, .plus = c == '+'};
    if (n.plus && !pii_is(view, start + 1, PII_IS_DIGIT)) return 0;
    n.count = pii_groups(view, start + (size_t)n.plus, n.groups);
    while (n.count && n.groups[n.count - 1].open) n.count--;
    uint32_t total = 0;
    for (int i = 0; i < n.count; i++) {
        total += n.groups[i].len;
        if (n.groups[i].gap == PII_WIDE_DASH) n.groups[i].gap = '-';
        if (n.groups[i].gap == PII_WIDE_SPACE) n.groups[i].gap = ' ';
    }
    if (total < 8) return 0;
    for (int usual = 1; usual >= 0; usual--)
        for (int count = n.count; count; count--) {
            int excess;
            if (n.groups[count - 1].open || n.groups[count - 1].len > PII_RUN_MAX) continue;
            int fits = is_international(&n, count, &excess) &&
                       (!usual || (excess <= 0 && (count == n.count || excess >= -2)));
            if (!fits && !is_national(&n, count)) continue;
            size_t stop = stop_of(&n, start, count);
            if (stop) return stop;
        }
    return 0;
}
