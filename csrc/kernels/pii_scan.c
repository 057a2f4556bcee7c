/* pii_scan.c - the scanner of the pii family: places that can hold a finding, the rules there, the longest of each.
 * Contract: linear time on any text. Heap memory only for texts of more than 1,024 code points that are not ASCII and
 * for chains of more than PII_CLUSTER overlapping findings. */
#include "pii.h"

#include "simd.h"
#include "utf8.h"
#include "word_tables.h"

#include <stdlib.h>

#define D (PII_IS_DIGIT | PII_IS_WORD | PII_IS_HEX | PII_IS_LOCAL | PII_IS_USER)
#define X (PII_IS_LETTER | PII_IS_WORD | PII_IS_HEX | PII_IS_LOCAL | PII_IS_USER)
#define L (PII_IS_LETTER | PII_IS_WORD | PII_IS_LOCAL | PII_IS_USER)
#define U PII_IS_USER
#define M (PII_IS_LOCAL | PII_IS_USER)
#define W (PII_IS_WORD | PII_IS_LOCAL | PII_IS_USER)
#define EIGHT(c) c, c, c, c, c, c, c, c
const unsigned char pii_class[256] = {
    EIGHT(0), EIGHT(0), EIGHT(0), EIGHT(0),
    0, U, 0, 0, U, M, U, M, U, U, U, M, U, M, M, 0,  /*  !"#$%&'()*+,-./ */
    EIGHT(D), D, D, U, U, 0, U, 0, 0,                /* 0-9:;<=>? */
    0, X, X, X, X, X, X, L, L, L, L, L, L, L, L, L,  /* @A-O */
    L, L, L, L, L, L, L, L, L, L, L, U, U, U, U, M,  /* P-Z[\]^_ */
    U, X, X, X, X, X, X, L, L, L, L, L, L, L, L, L,  /* `a-o */
    L, L, L, L, L, L, L, L, L, L, L, U, U, U, U, U,  /* p-z{|}~ and DEL */
    EIGHT(0), EIGHT(0), EIGHT(0), EIGHT(0), EIGHT(0), EIGHT(0),
    0, 0, 0, 0, 0, 0, 0, U, EIGHT(0),                /* PII_OTHER */
    EIGHT(0), EIGHT(0), EIGHT(0), EIGHT(0), EIGHT(0),
    U, W, 0, 0, 0, 0, 0, 0, EIGHT(0), EIGHT(0)};     /* PII_UNSPACED, PII_WORD */
#undef D
#undef X
#undef L
#undef U
#undef M
#undef W

/* ---- the simplified text ---------------------------------------------------------------------------------------- */

static unsigned char simplified(uint32_t point) {
    if (point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x202F ||
        point == 0x205F || point == 0x3000)
        return ' ';
    if ((point >= 0x2010 && point <= 0x2013) || point == 0x2212) return '-';
    if ((point >= 0xA2 && point <= 0xA5) || (point >= 0x20A0 && point <= 0x20CF)) return '$';
    if (sl_is_unspaced(point)) return PII_UNSPACED;
    return sl_is_word(point) ? PII_WORD : PII_OTHER;
}

static size_t simplify(sl_str text, size_t ascii, unsigned char *out) {
    const char *p = text.ptr + ascii, *end = text.ptr + text.len;
    unsigned char *at = out + ascii;
    memcpy(out, text.ptr, ascii);
    while (p < end) {
        if (!((unsigned char)*p & 0x80)) {
            if (end - p >= 16) { /* the output is no longer than the input: there is room for 16 bytes as well */
                sl_v16 v = sl_v16_load(p);
                uint32_t wide = sl_v16_mask(v), count = wide ? sl_first_bit(wide) : 16;
                sl_v16_store((char *)at, v);
                p += count;
                at += count;
            } else {
                *at++ = (unsigned char)*p++;
            }
            continue;
        }
        *at++ = simplified(sl_utf8_next(&p, end));
    }
    return (size_t)(at - out);
}

/* ---- streams: each gives its findings in order of start --------------------------------------------------------- */

static int wants(const pii_scanner *s, uint32_t kind) { return s->kinds >> kind & 1; }

static void add(pii_scanner *s, int stream, size_t start, size_t stop, uint32_t kind) {
    pii_stream *to = &s->streams[stream];
    to->ready[to->count++] = (pii_finding){start, stop, kind};
    s->next[kind] = stop;
}

static size_t find_byte(const pii_view *view, size_t from, char byte) {
    if (from >= view->len) return view->len;
    const unsigned char *found = memchr(view->text + from, byte, view->len - from);
    return found ? (size_t)(found - view->text) : view->len;
}

static void fill_at(pii_scanner *s) {
    pii_stream *stream = &s->streams[PII_AT];
    pii_finding found;
    while (!stream->count) {
        size_t place = find_byte(&s->view, stream->place, '@');
        if (place == s->view.len) {
            stream->done = 1;
            return;
        }
        stream->place = place + 1;
        if (pii_credentials(&s->view, place, &found)) {
            if (wants(s, PII_URL_CREDENTIALS)) add(s, PII_AT, found.start, found.stop, PII_URL_CREDENTIALS);
        } else if (wants(s, PII_EMAIL) && pii_email(&s->view, place, s->next[PII_EMAIL], &found)) {
            add(s, PII_AT, found.start, found.stop, PII_EMAIL);
        }
    }
}

/* A rule's outcome becomes a finding if its kind is wanted and free from there on. */
static void take(pii_scanner *s, size_t start, size_t stop, uint32_t kind) {
    if (stop && start >= s->next[kind]) add(s, PII_DIGITS, start, stop, kind);
}

static void try_phone(pii_scanner *s, size_t start) {
    if (start >= s->next[PII_PHONE]) take(s, start, pii_phone(&s->view, start), PII_PHONE);
}

/* A run of digits begins at `place`. */
static void at_digits(pii_scanner *s, size_t place) {
    const pii_view *view = &s->view;
    unsigned before = pii_at(view, place - 1), c = view->text[place];
    if (pii_class[before] & PII_IS_LETTER) { /* two letters of a country or of a wallet */
        if (place < 2 || !pii_is(view, place - 2, PII_IS_LETTER) || pii_is(view, place - 3, PII_IS_WORD)) return;
        size_t start = place - 2;
        if (wants(s, PII_IBAN) && pii_is(view, place + 1, PII_IS_DIGIT) && start >= s->next[PII_IBAN])
            take(s, start, pii_iban(view, start), PII_IBAN);
        if (c == '1' && pii_lower(before) == 'c' && pii_lower(view->text[start]) == 'b' && wants(s, PII_CRYPTO))
            take(s, start, pii_wallet(view, start), PII_CRYPTO);
        return;
    }
    if (pii_class[before] & PII_IS_WORD) return;
    if (wants(s, PII_PHONE) && (before == '+' || before == '(')) try_phone(s, place - 1);
    pii_group groups[PII_GROUPS];
    int count = pii_groups(view, place, groups);
    if (count == 1 && groups[0].len < 10) { /* most numbers of a chat */
        if ((c == '0' || c == '1' || c == '3') && wants(s, PII_CRYPTO) &&
            pii_is(view, place + groups[0].len, PII_IS_LETTER))
            take(s, place, pii_wallet(view, place), PII_CRYPTO);
        return;
    }
    uint32_t total = 0;
    for (int i = 0; i < count; i++) total += groups[i].len;
    if (total >= 8 && wants(s, PII_PHONE)) try_phone(s, place);
    if (wants(s, PII_IP)) take(s, place, pii_ipv4(view, groups, count), PII_IP);
    if ((c == '1' || c == '3') && wants(s, PII_CRYPTO)) take(s, place, pii_wallet(view, place), PII_CRYPTO);
    if (total < 9 || !pii_number_before(view, place)) return;
    if (wants(s, PII_CREDIT_CARD)) take(s, place, pii_card(view, groups, count), PII_CREDIT_CARD);
    if (wants(s, PII_US_SSN)) take(s, place, pii_ssn(view, groups, count), PII_US_SSN);
    if (wants(s, PII_BR_CPF)) take(s, place, pii_cpf(view, groups, count), PII_BR_CPF);
    if (wants(s, PII_BR_CNPJ)) take(s, place, pii_cnpj(view, groups, count), PII_BR_CNPJ);
}

static void fill_digits(pii_scanner *s) {
    pii_stream *stream = &s->streams[PII_DIGITS];
    const char *text = (const char *)s->view.text;
    size_t len = s->view.len;
    for (;;) {
        while (s->run_starts) {
            uint32_t bit = sl_first_bit(s->run_starts);
            s->run_starts &= s->run_starts - 1;
            at_digits(s, stream->place - 64 + bit);
            if (stream->count) return;
        }
        if (stream->place >= len) {
            stream->done = 1;
            return;
        }
        uint64_t digits = 0;
        for (uint32_t k = 0; k < 64 && stream->place + k < len; k += 16) {
            size_t at = stream->place + k;
            sl_v16 v = len - at >= 16 ? sl_v16_load(text + at) : sl_v16_load_tail(text + at, len - at, 0);
            digits |= (uint64_t)sl_v16_mask(sl_v16_range(v, '0', '9')) << k;
        }
        s->run_starts = digits & ~(digits << 1 | s->last_digit);
        s->last_digit = (uint32_t)(digits >> 63);
        stream->place += 64;
    }
}

static void fill_colons(pii_scanner *s) {
    pii_stream *stream = &s->streams[PII_COLONS];
    pii_finding found;
    while (!stream->count) {
        size_t from = stream->place, place = find_byte(&s->view, from, ':');
        if (place == s->view.len) {
            stream->done = 1;
            return;
        }
        if (pii_ipv6(&s->view, place, from, &found, &stream->place)) {
            stream->ready[stream->count++] = found;
        }
    }
}

static void fill_slashes(pii_scanner *s) {
    pii_stream *stream = &s->streams[PII_SLASHES];
    pii_finding found;
    while (!stream->count) {
        size_t place = find_byte(&s->view, stream->place, '/');
        if (place == s->view.len) {
            stream->done = 1;
            return;
        }
        stream->place = place + 1;
        if (pii_cnpj_letters(&s->view, place, &found)) stream->ready[stream->count++] = found;
    }
}

/* The first separator of an address stands behind two characters, or four where it is a dot. */
static void fill_macs(pii_scanner *s) {
    pii_stream *stream = &s->streams[PII_MACS];
    const pii_view *view = &s->view;
    while (stream->place < view->len) {
        size_t at = stream->place, left = view->len - at;
        const char *text = (const char *)view->text + at;
        sl_v16 v = left >= 16 ? sl_v16_load(text) : sl_v16_load_tail(text, left, 0);
        sl_v16 wanted = sl_v16_or(sl_v16_eq(v, sl_v16_fill(':')), sl_v16_range(v, '-', '.'));
        for (uint32_t mask = sl_v16_mask(wanted); mask; mask &= mask - 1) {
            size_t place = at + sl_first_bit(mask), before = view->text[place] == '.' ? 4 : 2;
            if (place < s->next[PII_MAC] + before || !pii_is(view, place - 1, PII_IS_HEX)) continue;
            size_t stop = pii_mac(view, place - before);
            if (!stop) continue;
            add(s, PII_MACS, place - before, stop, PII_MAC);
            stream->place = place + 1;
            return;
        }
        stream->place = at + 16;
    }
    stream->done = 1;
}

/* The stream whose next finding starts first, or -1. */
static int first_stream(pii_scanner *s) {
    int best = -1;
    size_t best_start = SIZE_MAX;
    for (int i = 0; i < PII_STREAMS; i++) {
        pii_stream *stream = &s->streams[i];
        if (stream->first == stream->count && !stream->done) {
            stream->first = stream->count = 0;
            switch (i) {
            case PII_AT: fill_at(s); break;
            case PII_DIGITS: fill_digits(s); break;
            case PII_COLONS: fill_colons(s); break;
            case PII_SLASHES: fill_slashes(s); break;
            default: fill_macs(s); break;
            }
        }
        if (stream->first < stream->count && stream->ready[stream->first].start < best_start) {
            best = i;
            best_start = stream->ready[stream->first].start;
        }
    }
    return best;
}

/* ---- overlaps --------------------------------------------------------------------------------------------------- */

static sl_status cluster_add(pii_scanner *s, const pii_finding *finding) {
    if (s->cluster_count == s->cluster_cap) {
        size_t cap = s->cluster_cap * 2;
        pii_finding *fresh = malloc(cap * sizeof *fresh);
        if (!fresh) return SL_ENOMEM;
        memcpy(fresh, s->cluster, s->cluster_count * sizeof *fresh);
        if (s->cluster != s->fixed) free(s->cluster);
        s->cluster = fresh;
        s->cluster_cap = cap;
    }
    s->cluster[s->cluster_count++] = *finding;
    return SL_OK;
}

static int by_rank(const void *left, const void *right) {
    const pii_finding *a = left, *b = right;
    size_t a_len = a->stop - a->start, b_len = b->stop - b->start;
    if (a_len != b_len) return a_len > b_len ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return a->start < b->start ? -1 : a->start > b->start;
}

static int by_start(const void *left, const void *right) {
    const pii_finding *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* One byte a character says what is taken. Findings of one kind hardly overlap, so the sum of all lengths, and with it
 * the time, is a small multiple of the chain's length. */
static sl_status resolve_many(pii_scanner *s) {
    pii_finding *all = s->cluster;
    size_t origin = SIZE_MAX, stop = 0, kept = 0;
    for (size_t i = 0; i < s->cluster_count; i++) {
        if (all[i].start < origin) origin = all[i].start;
        if (all[i].stop > stop) stop = all[i].stop;
    }
    unsigned char *taken = calloc(stop - origin, 1);
    if (!taken) return SL_ENOMEM;
    for (size_t i = 0; i < s->cluster_count; i++) {
        unsigned char *from = taken + (all[i].start - origin);
        size_t len = all[i].stop - all[i].start;
        if (memchr(from, 1, len)) continue;
        memset(from, 1, len);
        all[kept++] = all[i];
    }
    free(taken);
    qsort(all, kept, sizeof *all, by_start);
    s->cluster_count = kept;
    return SL_OK;
}

/* Keeps the longest, then the longest of those that do not overlap it, and so on, in order of start. */
static sl_status resolve(pii_scanner *s) {
    pii_finding *all = s->cluster;
    size_t kept = 0;
    if (s->cluster_count == 1) return SL_OK;
    qsort(all, s->cluster_count, sizeof *all, by_rank);
    if (s->cluster_count > PII_CLUSTER) return resolve_many(s);
    for (size_t i = 0; i < s->cluster_count; i++) {
        pii_finding one = all[i];
        size_t at = 0; /* the first kept finding that does not end before this one starts */
        while (at < kept && all[at].stop <= one.start) at++;
        if (at < kept && all[at].start < one.stop) continue;
        memmove(all + at + 1, all + at, (kept - at) * sizeof *all);
        all[at] = one;
        kept++;
    }
    s->cluster_count = kept;
    return SL_OK;
}

/* ---- the door to the kernels ------------------------------------------------------------------------------------ */

sl_status pii_open(pii_scanner *s, sl_str text, uint32_t kinds, uint32_t sees) {
    size_t ascii = sl_ascii_prefix(text.ptr, text.len);
    s->copy = NULL;
    s->view = (pii_view){(const unsigned char *)text.ptr, text.len};
    if (ascii < text.len) {
        unsigned char *out = s->room;
        if (text.len > sizeof s->room) {
            out = s->copy = malloc(text.len);
            if (!out) return SL_ENOMEM;
        }
        s->view = (pii_view){out, simplify(text, ascii, out)};
    }
    s->kinds = kinds;
    memset(s->next, 0, sizeof s->next);
    for (int i = 0; i < PII_STREAMS; i++) {
        pii_stream *stream = &s->streams[i];
        stream->first = stream->count = 0;
        stream->place = 0;
        stream->done = 0;
    }
    s->streams[PII_AT].done = !(sees & PII_SEES_AT);
    s->streams[PII_DIGITS].done = !(sees & PII_SEES_DIGITS);
    s->streams[PII_COLONS].done = !(sees & PII_SEES_COLONS) || !wants(s, PII_IP);
    s->streams[PII_SLASHES].done = !(sees & PII_SEES_SLASHES) || !wants(s, PII_BR_CNPJ);
    s->streams[PII_MACS].done = !wants(s, PII_MAC);
    s->run_starts = 0;
    s->last_digit = 0;
    s->cluster = s->fixed;
    s->cluster_count = s->cluster_taken = 0;
    s->cluster_cap = PII_CLUSTER;
    return SL_OK;
}

void pii_close(pii_scanner *s) {
    free(s->copy);
    if (s->cluster != s->fixed) free(s->cluster);
}

sl_status pii_next(pii_scanner *s, pii_finding *finding) {
    if (s->cluster_taken == s->cluster_count) {
        s->cluster_taken = s->cluster_count = 0;
        size_t stop = 0;
        for (int i; (i = first_stream(s)) >= 0;) {
            pii_stream *stream = &s->streams[i];
            const pii_finding *next = &stream->ready[stream->first];
            if (s->cluster_count && next->start >= stop) break;
            SL_TRY(cluster_add(s, next));
            if (next->stop > stop) stop = next->stop;
            stream->first++;
        }
        if (!s->cluster_count) return SL_UNCHANGED;
        SL_TRY(resolve(s));
    }
    *finding = s->cluster[s->cluster_taken++];
    return SL_OK;
}
