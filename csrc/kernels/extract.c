/* extract.c - things in a text: web addresses, e-mail addresses, mentions, hashtags.
 * Contract: results point into the input and begin and end at code points; linear in the length, whatever the text.
 * Source: RFC 3986; GitHub Flavored Markdown 6.9 for trailing punctuation and brackets; UAX #31 for hashtags. */
#include "letter_tables.h"
#include "pairs.h"
#include "pii.h"
#include "utf8.h"
#include "word_tables.h"

/* What a character is to a URL. TRAILING and SEPARATOR belong to it unless nothing but such follows. */
enum { BODY, TRAILING, OPEN_ROUND, OPEN_SQUARE, CLOSE_ROUND, CLOSE_SQUARE, SEPARATOR, END };

#define X16(c) c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c
static const uint8_t ascii_class[128] = {
    X16(END), X16(END), /* controls */
    ['!'] = TRAILING, ['"'] = END, ['\''] = TRAILING, ['('] = OPEN_ROUND, [')'] = CLOSE_ROUND, ['*'] = TRAILING,
    [','] = SEPARATOR, ['.'] = TRAILING, [' '] = END, [':'] = TRAILING, [';'] = SEPARATOR, ['<'] = END, ['>'] = END,
    ['?'] = TRAILING, ['['] = OPEN_SQUARE, ['\\'] = END, [']'] = CLOSE_SQUARE, ['^'] = END, ['_'] = TRAILING,
    ['`'] = END, ['{'] = END, ['|'] = END, ['}'] = END, ['~'] = TRAILING, [0x7F] = END,
};
#undef X16

/* Every other character above ASCII is BODY. The oracle says what each range is. */
static const struct {
    uint32_t first, last;
    uint8_t class;
} wide_ranges[] = {
    {0x0080, 0x00A0, END},      {0x00AB, 0x00AB, END},      {0x00BB, 0x00BB, END},      {0x037E, 0x037E, TRAILING},
    {0x0589, 0x0589, TRAILING}, {0x060C, 0x060C, TRAILING}, {0x061B, 0x061B, TRAILING}, {0x061C, 0x061C, END},
    {0x061F, 0x061F, TRAILING}, {0x06D4, 0x06D4, TRAILING}, {0x0964, 0x0965, TRAILING}, {0x1680, 0x1680, END},
    {0x180E, 0x180E, END},      {0x2000, 0x200B, END},      {0x200E, 0x200F, END},      {0x2010, 0x2013, TRAILING},
    {0x2014, 0x2017, END},      {0x2018, 0x201B, TRAILING}, {0x201C, 0x202F, END},      {0x2039, 0x203A, END},
    {0x203C, 0x203D, TRAILING}, {0x2047, 0x2049, TRAILING}, {0x205F, 0x206F, END},      {0x2190, 0x2BFF, END},
    {0x3000, 0x3004, END},      {0x3008, 0x3020, END},      {0x3030, 0x3030, END},      {0xFE10, 0xFE1F, END},
    {0xFE30, 0xFE6F, END},      {0xFEFF, 0xFEFF, END},      {0xFF01, 0xFF0F, END},      {0xFF1A, 0xFF20, END},
    {0xFF3B, 0xFF40, END},      {0xFF5B, 0xFF65, END},      {0xFFF9, 0xFFFC, END},      {0x1F000, 0x1FAFF, END},
};

static int classify_wide(uint32_t point) {
    size_t low = 0, high = sizeof(wide_ranges) / sizeof(wide_ranges[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (point > wide_ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    int inside = low < sizeof(wide_ranges) / sizeof(wide_ranges[0]) && point >= wide_ranges[low].first;
    return inside ? wide_ranges[low].class : BODY;
}

/* The class of the character at *p (p < end), and p moves behind it. */
static inline int next_class(const char **p, const char *end) {
    unsigned char c = (unsigned char)**p;
    if (SL_LIKELY(c < 0x80)) {
        *p += 1;
        return ascii_class[c];
    }
    return classify_wide(sl_utf8_next(p, end));
}

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }
static inline int is_letter(char c) { return (char)(c | 0x20) >= 'a' && (char)(c | 0x20) <= 'z'; }
static inline int is_word(char c) { return is_digit(c) || is_letter(c); }

/* 1 if the text at p begins with `word`, whose letters are lower-case, in any case. */
static inline int begins(const char *p, const char *end, const char *word, size_t len) {
    if ((size_t)(end - p) < len) return 0;
    for (size_t i = 0; i < len; i++)
        if (p[i] != word[i] && !(is_letter(word[i]) && (p[i] | 0x20) == word[i])) return 0;
    return 1;
}

static inline int begins_scheme(const char *p, const char *end) {
    return begins(p, end, "http://", 7) || begins(p, end, "https://", 8);
}

/* A letter, a digit, or what is BODY above ASCII: what a host may begin with. */
static int is_host_start(const char *p, const char *end) {
    if (p == end) return 0;
    if ((unsigned char)*p & 0x80) return next_class(&p, end) == BODY;
    if (*p != '[') return is_word(*p);
    const char *start = ++p; /* [an IPv6 address] */
    while (p < end && p - start <= 45 &&
           (is_digit(*p) || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f') || *p == ':' || *p == '.'))
        p++;
    return p < end && *p == ']' && p - start >= 2 && p - start <= 45;
}

/* 1 if *p begins labels with a dot between them, the last of two characters or more and with no digit first; p moves to
 * where the labels end, and no search for a start needs to look at them again. */
static int skip_domain(const char **p, const char *end) {
    const char *at = *p;
    int labels = 0, characters = 0, is_name = 0, was_name = 0;
    /* labels, was_name: of the labels that a dot has ended; characters, is_name: of the one under way. */
    while (at < end) {
        const char *before = at;
        if (*at == '.') {
            if (!characters) break;
            was_name = is_name && characters >= 2;
            labels++;
            characters = 0;
            at++;
            continue;
        }
        if ((unsigned char)*at & 0x80) {
            if (next_class(&at, end) != BODY) {
                at = before;
                break;
            }
        } else if (*at == '-' || is_word(*at)) {
            at++;
        } else {
            break;
        }
        if (!characters) is_name = *before != '-' && !is_digit(*before);
        if (characters < 2) characters++;
    }
    *p = at;
    return characters ? labels >= 1 && is_name && characters >= 2 : labels >= 2 && was_name;
}

/* The end of the URL whose host begins at *p; p moves to the end of the run of its characters. Where brackets are left
 * open, the URL ends before the first one since all were closed: one pass, and no run is ever walked twice. */
static const char *skip_url(const char **p, const char *end) {
    const char *at = *p, *stop = at, *unpaired = at;
    size_t round = 0, square = 0;
    while (at < end) {
        const char *before = at;
        int class = next_class(&at, end);
        if (SL_LIKELY(class == BODY)) {
            stop = at;
            continue;
        }
        if (class == TRAILING) continue;
        int ends = class == END || (class == CLOSE_ROUND && !round) || (class == CLOSE_SQUARE && !square) ||
                   ((class == SEPARATOR || class == OPEN_ROUND || class == OPEN_SQUARE) && begins_scheme(at, end));
        if (ends) {
            at = before;
            break;
        }
        if (class == SEPARATOR) continue;
        if (class == OPEN_ROUND || class == OPEN_SQUARE) {
            if (!round && !square) unpaired = stop;
            round += class == OPEN_ROUND;
            square += class == OPEN_SQUARE;
        } else {
            round -= class == CLOSE_ROUND;
            square -= class == CLOSE_SQUARE;
        }
        stop = at;
    }
    *p = at;
    return round || square ? unpaired : stop;
}

/* ":/" and "ww". */
static inline sl_v16 url_pairs(sl_v16 v, sl_v16 next) {
    sl_v16 lower = sl_v16_fill(0x20), w = sl_v16_fill('w');
    sl_v16 slash = sl_v16_and(sl_v16_eq(v, sl_v16_fill(':')), sl_v16_eq(next, sl_v16_fill('/')));
    sl_v16 www = sl_v16_and(sl_v16_eq(sl_v16_or(v, lower), w), sl_v16_eq(sl_v16_or(next, lower), w));
    return sl_v16_or(slash, www);
}

/* '@' or the middle of a full-width one. */
static inline sl_v16 at_signs(sl_v16 v, sl_v16 next) {
    sl_v16 wide = sl_v16_and(sl_v16_eq(v, sl_v16_fill(0xBC)), sl_v16_eq(next, sl_v16_fill(0xA0)));
    return sl_v16_or(sl_v16_eq(v, sl_v16_fill('@')), wide);
}

/* '#' or the middle of a full-width one. */
static inline sl_v16 hash_signs(sl_v16 v, sl_v16 next) {
    sl_v16 wide = sl_v16_and(sl_v16_eq(v, sl_v16_fill(0xBC)), sl_v16_eq(next, sl_v16_fill(0x83)));
    return sl_v16_or(sl_v16_eq(v, sl_v16_fill('#')), wide);
}

#if defined(SL_WIDE)
SL_AVX2 static inline sl_v32 url_pairs_wide(sl_v32 v, sl_v32 next) {
    const sl_v32 lower = sl_v32_fill(0x20), w = sl_v32_fill('w');
    sl_v32 slash = sl_v32_and(sl_v32_eq(v, sl_v32_fill(':')), sl_v32_eq(next, sl_v32_fill('/')));
    return sl_v32_or(slash, sl_v32_and(sl_v32_eq(sl_v32_or(v, lower), w), sl_v32_eq(sl_v32_or(next, lower), w)));
}
SL_AVX2 static inline sl_v32 at_signs_wide(sl_v32 v, sl_v32 next) {
    sl_v32 wide = sl_v32_and(sl_v32_eq(v, sl_v32_fill(0xBC)), sl_v32_eq(next, sl_v32_fill(0xA0)));
    return sl_v32_or(sl_v32_eq(v, sl_v32_fill('@')), wide);
}
SL_AVX2 static inline sl_v32 hash_signs_wide(sl_v32 v, sl_v32 next) {
    sl_v32 wide = sl_v32_and(sl_v32_eq(v, sl_v32_fill(0xBC)), sl_v32_eq(next, sl_v32_fill(0x83)));
    return sl_v32_or(sl_v32_eq(v, sl_v32_fill('#')), wide);
}
SL_AVX2 static size_t scan_urls_wide(const char *p, size_t len) { return sl_find_pair_wide(p, len, url_pairs_wide); }
SL_AVX2 static size_t scan_at_wide(const char *p, size_t len) { return sl_find_pair_wide(p, len, at_signs_wide); }
SL_AVX2 static size_t scan_hash_wide(const char *p, size_t len) { return sl_find_pair_wide(p, len, hash_signs_wide); }
#define WIDE_SCAN(function) \
    if (len >= 65 && sl_has_avx2()) return function(ptr, len)
#else
#define WIDE_SCAN(function)
#endif

size_t sl_scan_urls(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    WIDE_SCAN(scan_urls_wide);
    return sl_find_pair(ptr, 0, len, url_pairs);
}

size_t sl_scan_at(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    WIDE_SCAN(scan_at_wide);
    return sl_find_pair(ptr, 0, len, at_signs);
}

size_t sl_scan_hash(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    WIDE_SCAN(scan_hash_wide);
    return sl_find_pair(ptr, 0, len, hash_signs);
}

/* The start of the URL that the pair at `at` belongs to, and its host; NULL if there is none from `from` on. */
static const char *find_start(sl_str text, const char *from, const char *at, const char **host) {
    const char *end = text.ptr + text.len;
    if (*at == ':') {
        if (end - at < 3 || at[2] != '/') return NULL;
        const char *start = NULL;
        if (at - from >= 4 && begins(at - 4, end, "http", 4))
            start = at - 4;
        else if (at - from >= 5 && begins(at - 5, end, "https", 5))
            start = at - 5;
        if (!start || (start > text.ptr && is_word(start[-1]))) return NULL;
        *host = at + 3;
        return start;
    }
    if (!begins(at, end, "www.", 4)) return NULL;
    *host = at + 4;
    if (at == text.ptr) return at;
    char before = at[-1];
    if (is_word(before) || before == '_' || before == '@' || before == '/' || before == '-') return NULL;
    return before == '.' && (at - text.ptr < 2 || at[-2] != '.') ? NULL : at;
}

/* Where the search for URLs has come to, and the URL found last. */
typedef struct url_search {
    size_t from, at;
    const char *start, *stop;
} url_search;

/* 1 and a URL, or 0 when there is none left. Nine of ten chat messages hold no URL, so the work is to look for two
 * neighbouring bytes, and to think only where they stand. After a URL the search goes on behind it. */
static inline int next_url(sl_str text, url_search *search) {
    const char *end = text.ptr + text.len;
    size_t i = search->at;
    while ((i = sl_find_pair(text.ptr, i, text.len, url_pairs)) < text.len) {
        const char *host = NULL, *start = find_start(text, text.ptr + search->from, text.ptr + i, &host);
        i++;
        if (!start) continue;
        const char *next = host;
        int is_bare = start[0] == 'w' || start[0] == 'W';
        int found = is_bare ? skip_domain(&next, end) : is_host_start(host, end);
        if (found) {
            next = host;
            search->start = start;
            search->stop = skip_url(&next, end);
        }
        search->from = i = (size_t)(next - text.ptr);
        if (!found) continue;
        search->at = i;
        return 1;
    }
    search->at = text.len;
    search->start = search->stop = end;
    return 0;
}

static inline sl_status add(sl_rows *out, const char *start, const char *stop) {
    sl_cell *cells;
    SL_TRY(sl_rows_add(out, &cells));
    cells[0].text = (sl_str){start, (uint32_t)(stop - start)};
    return SL_OK;
}

sl_status sl_extract_urls(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    url_search search = {0, 0, NULL, NULL};
    while (next_url(text, &search)) SL_TRY(add(out, search.start, search.stop));
    return SL_OK;
}

/* ---- e-mail addresses -------------------------------------------------------------------------------------------- */

/* The addresses that the pii family finds, as places in the text. */
typedef struct email_search {
    pii_scanner scanner;
    const char *start, *stop, *end;
    size_t place; /* code points before stop */
    int ascii;
} email_search;

static sl_status open_emails(email_search *search, sl_str text) {
    SL_TRY(pii_open(&search->scanner, text, 1u << PII_EMAIL, PII_SEES_AT));
    search->start = search->stop = text.ptr;
    search->end = text.ptr + text.len;
    search->place = 0;
    search->ascii = search->scanner.view.text == (const unsigned char *)text.ptr;
    return SL_OK;
}

/* SL_OK and an address, or SL_UNCHANGED when there is none left. */
static sl_status next_email(email_search *search) {
    pii_finding finding;
    sl_status status = pii_next(&search->scanner, &finding);
    if (status == SL_OK) {
        search->start = pii_advance(search->stop, search->end, finding.start - search->place, search->ascii);
        search->stop = pii_advance(search->start, search->end, finding.stop - finding.start, search->ascii);
        search->place = finding.stop;
    } else if (status == SL_UNCHANGED) {
        search->start = search->stop = search->end;
    }
    return status;
}

/* Apart from the kernel, so that the scanner's room on the stack costs nothing where there is nothing to scan. */
static sl_status find_emails(sl_str text, sl_rows *out) {
    email_search search;
    sl_status status;
    SL_TRY(open_emails(&search, text));
    while ((status = next_email(&search)) == SL_OK)
        if ((status = add(out, search.start, search.stop)) != SL_OK) break;
    pii_close(&search.scanner);
    return status > SL_OK ? status : SL_OK;
}

sl_status sl_extract_emails(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    return sl_find_pair(text.ptr, 0, text.len, at_signs) < text.len ? find_emails(text, out) : SL_OK;
}

/* ---- mentions and hashtags --------------------------------------------------------------------------------------- */

/* What a name is made of. */
enum { OTHER, LETTER, DIGIT, MARK };

static inline int name_class(uint32_t point) {
    if (point < 0x80) {
        if ((point | 0x20) - 'a' < 26) return LETTER;
        return point - '0' < 10 || point == '_' ? DIGIT : OTHER;
    }
    if (!sl_is_word(point)) return OTHER;
    return sl_is_letter(point) ? LETTER : sl_is_mark(point) ? MARK : DIGIT;
}

static inline int class_at(const char *p, const char *end) { return p < end ? name_class(sl_utf8_next(&p, end)) : OTHER; }

/* U+200C, U+200D and a dot each: what may stand between two characters of a name. */
static inline int is_tag_joiner(uint32_t point) { return (point | 1) == 0x200D || point == 0xB7 || point == 0x30FB; }
static inline int is_name_joiner(uint32_t point) { return (point | 1) == 0x200D || point == '.' || point == '-'; }

/* Where the name that begins at p ends. */
static inline const char *skip_name(const char *p, const char *end, int (*is_joiner)(uint32_t), int *has_letter) {
    int first = class_at(p, end);
    *has_letter = 0;
    if (first == OTHER || first == MARK) return p;
    while (p < end) {
        const char *next = p;
        uint32_t point = sl_utf8_next(&next, end);
        int class = name_class(point);
        if (class == OTHER && !(is_joiner(point) && class_at(next, end) != OTHER)) break;
        *has_letter |= class == LETTER;
        p = next;
    }
    return p;
}

/* The sign, one byte or the full-width one around `at`; NULL if that is another character. */
static inline const char *sign_start(sl_str text, size_t at) {
    if (!((unsigned char)text.ptr[at] & 0x80)) return text.ptr + at;
    return at && (unsigned char)text.ptr[at - 1] == 0xEF ? text.ptr + at - 1 : NULL;
}
static inline const char *sign_end(const char *sign) { return sign + (*sign & 0x80 ? 3 : 1); }

static inline uint32_t point_before(sl_str text, const char *at) {
    return at > text.ptr ? sl_utf8_previous(text.ptr, &at) : ' ';
}

/* 1 if `at` is inside a URL. Asked for places in order. */
static int is_in_url(sl_str text, url_search *search, const char *at) {
    while (search->stop <= at && search->at < text.len) next_url(text, search);
    return search->start <= at && at < search->stop;
}

/* 1 if `at` is inside an e-mail address. Asked for places in order; `search` is opened at the first. */
static sl_status is_in_email(sl_str text, email_search *search, int *open, const char *at, int *inside) {
    if (!*open) SL_TRY(open_emails(search, text));
    *open = 1;
    while (search->stop <= at && search->stop < search->end) SL_TRY(next_email(search));
    *inside = search->start <= at && at < search->stop;
    return SL_OK;
}

/* Where the mention whose sign ends at p ends; NULL if there is none. */
static const char *skip_mention(const char *p, const char *end) {
    if (end - p >= 3 && !memcmp(p, "\xE2\x81\xA8", 3)) { /* U+2068 name U+2069, from WhatsApp */
        const char *at = p + 3;
        for (; at < end && *at != '\n'; at++) {
            if (end - at < 3 || memcmp(at, "\xE2\x81", 2) || ((unsigned char)at[2] & 0xFE) != 0xA8) continue;
            if ((unsigned char)at[2] == 0xA9 && at > p + 3) return at + 3;
            break;
        }
        return NULL;
    }
    int has_letter, ignored;
    const char *stop = skip_name(p, end, is_name_joiner, &has_letter);
    if (!has_letter) {
        if (stop - p < 8) return NULL;
        for (const char *at = p; at < stop; at++)
            if (!is_digit(*at)) return NULL;
    }
    if (stop < end && *stop == '@') {
        const char *server = skip_name(stop + 1, end, is_name_joiner, &ignored);
        if (memchr(stop, '.', (size_t)(server - stop))) return server;
    }
    return stop;
}

/* Of what an address has before its @, these can stand before a mention too. */
static int may_end_local(uint32_t point) {
    return point == '%' || point == '+' || point == '\'' || point == '.' || point == '-' ||
           (point >= 0x2010 && point <= 0x2013) || point == 0x2212;
}

static sl_status find_mentions(sl_str text, size_t i, sl_rows *out) {
    url_search urls = {0, 0, text.ptr, text.ptr};
    email_search emails;
    int open = 0;
    sl_status status = SL_OK;
    for (; i < text.len; i = sl_find_pair(text.ptr, i, text.len, at_signs)) {
        const char *sign = sign_start(text, i++);
        if (!sign) continue;
        uint32_t before = point_before(text, sign);
        if (name_class(before) != OTHER || before == '@' || before == 0xFF20 || before == '/') continue;
        const char *stop = skip_mention(sign_end(sign), text.ptr + text.len);
        if (!stop || is_in_url(text, &urls, sign)) continue;
        if (may_end_local(before)) {
            int inside = 0;
            if ((status = is_in_email(text, &emails, &open, sign, &inside)) > SL_OK) break;
            if (inside) continue;
        }
        if ((status = add(out, sign, stop)) != SL_OK) break;
        i = (size_t)(stop - text.ptr);
    }
    if (open) pii_close(&emails.scanner);
    return status;
}

sl_status sl_extract_mentions(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    size_t i = sl_find_pair(text.ptr, 0, text.len, at_signs);
    return i < text.len ? find_mentions(text, i, out) : SL_OK;
}

static sl_status find_hashtags(sl_str text, size_t i, sl_rows *out) {
    url_search urls = {0, 0, text.ptr, text.ptr};
    const char *last = NULL; /* where the hashtag before ends */
    for (; i < text.len; i = sl_find_pair(text.ptr, i, text.len, hash_signs)) {
        const char *sign = sign_start(text, i++);
        if (!sign) continue;
        uint32_t before = point_before(text, sign);
        if (sign != last && (name_class(before) != OTHER || before == '&' || before == '/')) continue;
        int has_letter;
        const char *stop = skip_name(sign_end(sign), text.ptr + text.len, is_tag_joiner, &has_letter);
        if (!has_letter || is_in_url(text, &urls, sign)) continue;
        SL_TRY(add(out, sign, stop));
        last = stop;
        i = (size_t)(stop - text.ptr);
    }
    return SL_OK;
}

sl_status sl_extract_hashtags(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    size_t i = sl_find_pair(text.ptr, 0, text.len, hash_signs);
    return i < text.len ? find_hashtags(text, i, out) : SL_OK;
}
