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

/* The code point at p, which is not ASCII, and in *size its bytes. Of bytes that are no UTF-8 it gives any number. */
static inline uint32_t decode(const char *p, const char *end, size_t *size) {
    const unsigned char *s = (const unsigned char *)p;
    size_t left = (size_t)(end - p);
    if (s[0] < 0xE0 && left >= 2) {
        *size = 2;
        return (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu);
    }
    if (s[0] < 0xF0 && left >= 3) {
        *size = 3;
        return (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
    }
    const char *next = p;
    uint32_t point = sl_utf8_next(&next, end);
    *size = (size_t)(next - p);
    return point;
}

/* The characters from one that may change on: with single ASCII ones between them, up to two of those, or to one of a
 * range of stable ones. */
static inline sl_status fold_wide(key *k, const char **p, const char *end) {
    const char *from = *p;
    char *to = k->to;
    uint32_t changed = 0;
    for (;;) {
        size_t size;
        uint32_t number = fold_number(decode(from, end, &size));
        if (SL_LIKELY(number < FOLD_LONG)) {
            /* Without a branch on whether it stays, which nobody can guess. */
            const char *piece = number ? (const char *)&fold_pieces[number] : from;
            size_t len = number ? fold_pieces[number].len : size;
            if (SL_LIKELY(end - from >= 8))
                memcpy(to, piece, 8);
            else
                for (size_t i = 0; i < len; i++) to[i] = piece[i];
            to += len;
            changed |= number;
            if (SL_UNLIKELY(len > size)) {
                k->to = to;
                SL_TRY(make_room(k, (size_t)(end - from) - size));
                to = k->to;
            }
        } else {
            k->to = to;
            SL_TRY(put_span(k, number, from, from + size, (size_t)(end - from) - size));
            to = k->to;
        }
        from += size;
        if (end - from < 2) break;
        unsigned char next = (unsigned char)*from;
        if (!(next & 0x80)) {
            if (!(from[1] & 0x80)) break;
            uint32_t upper = next >= 'A' && next <= 'Z';
            *to++ = (char)(next | upper << 5);
            changed |= upper;
            next = (unsigned char)*++from;
        }
        if (fold_is_stable(next)) break;
    }
    k->to = to;
    k->changed |= changed;
    *p = from;
    return SL_OK;
}

/* Bits of the bytes that begin a character which may change. */
static inline uint32_t unstable_leads(sl_v16 v) {
    sl_v16 stable = sl_v16_or(sl_v16_range(v, FOLD_STABLE_LOW_0, FOLD_STABLE_HIGH_0),
                              sl_v16_range(v, FOLD_STABLE_LOW_1, FOLD_STABLE_HIGH_1));
    return sl_v16_mask(sl_v16_range(v, 0xC2, 0xFF)) & ~sl_v16_mask(stable);
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
        uint32_t wide = unstable_leads(v);
        sl_v16 upper = sl_v16_range(v, 'A', 'Z');
        sl_v16_store(k->to - back, sl_v16_or(v, sl_v16_and(upper, sl_v16_fill(0x20))));
        k->changed |= sl_v16_mask(upper) & (wide ^ (wide - 1));
        if (wide) left = sl_first_bit(wide);
        k->to += left;
        p += left;
        if (wide) SL_TRY(fold_wide(k, &p, end));
    }
    return SL_OK;
}

/* The first of the characters at the marked bytes from p on that does not stay as it is, or NULL. */
static inline const char *first_loud(const char *p, const char *end, uint64_t marked) {
    for (; marked; marked &= marked - 1) {
        const char *at = p + sl_first_bit(marked);
        size_t size;
        if (!((unsigned char)*at & 0x80) || fold_number(decode(at, end, &size))) return at;
    }
    return NULL;
}

/* The first character that does not stay as it is, or the end. */
static const char *find_loud(const char *p, const char *end) {
#define LOUD(v) (sl_v16_mask(sl_v16_range(v, 'A', 'Z')) | unstable_leads(v))
    const char *start = p, *found;
    for (; end - p >= 16; p += 16) {
        sl_v16 v = sl_v16_load(p);
        if ((found = first_loud(p, end, LOUD(v)))) return found;
    }
    size_t left = (size_t)(end - p);
    if (!left) return end;
    if (end - start >= 16) { /* the last sixteen bytes once more */
        sl_v16 v = sl_v16_load(end - 16);
        found = first_loud(end - 16, end, LOUD(v) & 0xFFFFu << (16 - left));
    } else {
        sl_v16 v = sl_v16_load_tail(p, left, 0);
        found = first_loud(p, end, LOUD(v));
    }
#undef LOUD
    return found ? found : end;
}

#if defined(SL_WIDE)
#define WITH_VBMI2 __attribute__((target("avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))

/* The next 64 bytes, or as many as there are; zeros behind them, and nothing read there. */
WITH_VBMI2 static inline __m512i load_512(const char *p, const char *end) {
    size_t left = (size_t)(end - p);
    return _mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), left < 64 ? (unsigned)left : 64u), p);
}

WITH_VBMI2 static inline uint64_t range_512(__m512i v, uint8_t low, uint8_t high) {
    return _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)low)), _mm512_set1_epi8((char)(high - low)));
}

WITH_VBMI2 static inline uint64_t unstable_leads_512(__m512i v) {
    if (SL_LIKELY(!_mm512_movepi8_mask(v))) return 0;
    uint64_t stable = range_512(v, FOLD_STABLE_LOW_0, FOLD_STABLE_HIGH_0) |
                      range_512(v, FOLD_STABLE_LOW_1, FOLD_STABLE_HIGH_1);
    return range_512(v, 0xC2, 0xFF) & ~stable;
}

/* As fold_from, and most texts are done in a step or two. Accented letters of Latin-1 become theirs by a look in a
 * register, and the bytes that stay are moved together. */
WITH_VBMI2 static sl_status fold_from_512(key *k, const char *p, sl_str text) {
    const char *end = text.ptr + text.len;
    const __m512i latin = _mm512_loadu_si512((const void *)fold_latin);
    while (p < end) {
        size_t count = (size_t)(end - p) < 64 ? (size_t)(end - p) : 64;
        uint64_t valid = _bzhi_u64(~UINT64_C(0), (unsigned)count), wide = 0, letters = 0;
        __m512i v = _mm512_maskz_loadu_epi8(valid, p);
        uint64_t upper = range_512(v, 'A', 'Z');
        __m512i folded = _mm512_mask_add_epi8(v, upper, v, _mm512_set1_epi8(0x20));
        if (_mm512_movepi8_mask(v)) {
            uint64_t lead = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC3));
            __m512i letter = _mm512_permutexvar_epi8(v, latin);
            letters = _mm512_test_epi8_mask(letter, letter) & lead << 1 & valid;
            folded = _mm512_mask_mov_epi8(folded, letters, letter);
            wide = unstable_leads_512(v) & ~(letters >> 1);
            if (wide) count = sl_first_bit(wide);
            valid = _bzhi_u64(valid, (unsigned)count);
        }
        uint64_t stay = valid & ~(letters >> 1);
        _mm512_storeu_si512((void *)k->to, _mm512_maskz_compress_epi8(stay, folded));
        k->to += sl_count_bits(stay);
        k->changed |= ((upper | letters) & valid) != 0;
        p += count;
        if (wide) SL_TRY(fold_wide(k, &p, end));
    }
    return SL_OK;
}

WITH_VBMI2 static const char *find_loud_512(const char *p, const char *end) {
    for (; p < end; p += 64) {
        __m512i v = load_512(p, end);
        uint64_t marked = range_512(v, 'A', 'Z') | unstable_leads_512(v);
        if (SL_LIKELY(!marked)) continue;
        const char *found = first_loud(p, end, marked);
        if (found) return found;
    }
    return end;
}
#endif

size_t sl_scan_fold(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
    const char *end = ptr + len;
#if defined(SL_WIDE)
    if (sl_has_vbmi2()) return (size_t)(find_loud_512(ptr, end) - ptr);
#endif
    return (size_t)(find_loud(ptr, end) - ptr);
}

sl_status sl_fold(sl_str text, const sl_options *options, sl_buf *out) {
    size_t same = sl_scan_fold(text.ptr, text.len, options);
    if (same == text.len) return SL_UNCHANGED;
    same -= same % 64; /* mostly nothing to copy; part of a character that stays does no harm */
    SL_TRY(sl_buf_reserve(out, (size_t)text.len + 2 * SLACK));
    memcpy(out->ptr, text.ptr, same);
    key k = {out, out->ptr + same, 0};
    sl_status (*fold_rest)(key *, const char *, sl_str) = fold_from;
#if defined(SL_WIDE)
    if (sl_has_vbmi2()) fold_rest = fold_from_512;
#endif
    SL_TRY(fold_rest(&k, text.ptr + same, text));
    out->len = (size_t)(k.to - out->ptr);
    if (out->len > SL_TEXT_MAX) return SL_ERANGE;
    return k.changed ? SL_OK : SL_UNCHANGED;
}
