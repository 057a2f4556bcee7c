/* fold.c - search keys: compatibility forms, case and accents folded away.
 * Contract: a text that is its own key is only looked at; linear in the length, whatever the text.
 * Source: UAX #15 and the Unicode Standard, 3.13, through the generated table, which says why it is enough. */
#include "../streamliner.h"
#include "fold_tables.h"
#include "normalize.h"
#include "simd.h"
#include "utf8.h"

/* A key in the making. There is always room for the bytes of the text that are left, and SLACK more. */
typedef struct key {
    sl_buf *out;
    char *to; /* where the next byte goes */
    uint32_t changed;
} key;

enum { SLACK = 64 };

static sl_status make_room(key *k, size_t left) {
    sl_buf *out = k->out;
    out->len = (size_t)(k->to - out->ptr);
    if (SL_LIKELY(out->cap - out->len >= left + SLACK)) return SL_OK;
    if (out->len > SL_TEXT_MAX) return SL_ERANGE;
    SL_TRY(sl_buf_reserve(out, left + left / 2 + 2 * SLACK));
    k->to = out->ptr + out->len;
    return SL_OK;
}

/* Appends a character, unless it composes with the last one of the key so far. */
static int join(key *k, uint32_t point) {
    const char *start = k->out->ptr;
    if (k->to > start) {
        const char *last = k->to;
        uint32_t composed = sl_normalize_compose(sl_utf8_previous(start, &last), point);
        if (composed) {
            k->to = k->out->ptr + (last - start);
            k->to += sl_utf8_put(k->to, composed);
            return 1;
        }
    }
    k->to += sl_utf8_put(k->to, point);
    return 0;
}

/* Appends what the character [from, next) leaves, where that is long or may compose. */
static sl_status put_span(key *k, uint32_t number, const char *from, const char *next, size_t left) {
    const fold_span *span = &fold_spans[number - FOLD_LONG];
    const char *piece = (const char *)fold_pool + span->at, *end = piece + span->len;
    SL_TRY(make_room(k, left + span->len));
    if (number < FOLD_JOINING) {
        memcpy(k->to, piece, span->len);
        k->to += span->len;
        k->changed = 1;
        return make_room(k, left);
    }
    k->changed |= span->len != next - from || memcmp(piece, from, span->len) != 0;
    while (piece < end) k->changed |= (uint32_t)join(k, sl_utf8_next(&piece, end));
    return make_room(k, left);
}

/* The characters from a byte above 0x7F up to the next ASCII byte. */
static inline sl_status fold_wide(key *k, const char **p, const char *end) {
    const char *next = *p;
    do {
        const char *from = next;
        uint32_t number = fold_number(sl_utf8_next(&next, end));
        size_t size = (size_t)(next - from);
        if (!number) {
            if (SL_LIKELY(end - from >= 4))
                memcpy(k->to, from, 4);
            else
                memcpy(k->to, from, size);
            k->to += size;
        } else if (SL_LIKELY(number < FOLD_LONG)) {
            const fold_piece *piece = &fold_pieces[number];
            memcpy(k->to, piece->text, FOLD_SHORT_MAX);
            k->to += piece->len;
            k->changed = 1;
            if (SL_UNLIKELY(piece->len > size)) SL_TRY(make_room(k, (size_t)(end - next)));
        } else {
            SL_TRY(put_span(k, number, from, next, (size_t)(end - next)));
        }
    } while (next < end && (unsigned char)*next & 0x80);
    *p = next;
    return SL_OK;
}

/* Sixteen bytes a step. The last ones of a text that are ASCII throughout are written once more with those before. */
static sl_status fold_from(key *k, const char *p, sl_str text) {
    const char *end = text.ptr + text.len;
    while (p < end) {
        size_t left = (size_t)(end - p), back = 0;
        sl_v16 v;
        if (SL_LIKELY(left >= 16)) {
            v = sl_v16_load(p);
            left = 16;
        } else if (text.len >= 16 && !sl_v16_mask(sl_v16_load(end - 16))) {
            v = sl_v16_load(end - 16);
            back = 16 - left;
        } else {
            v = sl_v16_load_tail(p, left, 0);
        }
        uint32_t wide = sl_v16_mask(v);
        sl_v16 upper = sl_v16_range(v, 'A', 'Z');
        sl_v16_store(k->to - back, sl_v16_or(v, sl_v16_and(upper, sl_v16_fill(0x20))));
        k->changed |= sl_v16_mask(upper) & (wide ? (wide & (0u - wide)) - 1 : 0xFFFF);
        if (SL_LIKELY(!wide)) {
            k->to += left;
            p += left;
            continue;
        }
        k->to += sl_first_bit(wide);
        p += sl_first_bit(wide);
        SL_TRY(fold_wide(k, &p, end));
    }
    return SL_OK;
}

/* The first byte that is a capital or not ASCII, or the end. */
static inline const char *skip_low(const char *p, const char *end) {
#define AT(offset) sl_v16_load(p + (offset))
#define LOUD(v) sl_v16_or(v, sl_v16_range(v, 'A', 'Z'))
    const char *start = p;
    for (; end - p >= 16; p += 16) {
        uint32_t loud = sl_v16_mask(LOUD(AT(0)));
        if (loud) return p + sl_first_bit(loud);
    }
    size_t left = (size_t)(end - p), done = 0;
    if (!left) return end;
    sl_v16 v;
    if (end - start >= 16) {
        done = 16 - left;
        v = sl_v16_load(end - 16);
    } else {
        v = sl_v16_load_tail(p, left, 0);
    }
    uint32_t loud = sl_v16_mask(LOUD(v)) >> done;
#undef LOUD
#undef AT
    return loud ? p + sl_first_bit(loud) : end;
}

/* The first character that the key may not have as it is, or the end. */
static const char *find_folded(const char *p, const char *end) {
    while ((p = skip_low(p, end)) < end) {
        if (!((unsigned char)*p & 0x80)) return p;
        do {
            const char *from = p;
            if (fold_number(sl_utf8_next(&p, end))) return from;
        } while (p < end && (unsigned char)*p & 0x80);
    }
    return end;
}

size_t sl_scan_fold(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    return (size_t)(find_folded(ptr, ptr + len) - ptr);
}

sl_status sl_fold(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    const char *end = text.ptr + text.len, *at = find_folded(text.ptr, end);
    if (at == end) return SL_UNCHANGED;
    SL_TRY(sl_buf_reserve(out, (size_t)text.len + 2 * SLACK));
    memcpy(out->ptr, text.ptr, (size_t)(at - text.ptr));
    key k = {out, out->ptr + (at - text.ptr), 0};
    SL_TRY(fold_from(&k, at, text));
    out->len = (size_t)(k.to - out->ptr);
    if (out->len > SL_TEXT_MAX) return SL_ERANGE;
    return k.changed ? SL_OK : SL_UNCHANGED;
}
