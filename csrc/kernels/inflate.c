/* inflate.c - deflate data, unpacked, and CRC-32: so that the library needs no other one at run time.
 * Contract: what zlib refuses is refused, what it unpacks is unpacked alike; nothing is read or written out of bounds,
 * whatever the data. Source: RFC 1951; the CRC of RFC 1952, eight bytes at a time (Intel's "slicing by 8"). */
#include "inflate.h"

enum {
    LITERAL_BITS = 10, /* codes up to here are one look into a table */
    DISTANCE_BITS = 8,
    CODE_MAX = 15,
    LITERALS = 288,
    DISTANCES = 32,
    END_OF_BLOCK = 256,
    MATCH_MAX = 258
};

/* What a code stands for: its length in bits, how many more follow and what they are added to. Length 0: a longer code, or
 * none. */
typedef uint32_t entry;
enum { KIND_LITERAL = 0, KIND_BASE = 1 << 8, KIND_END = 2 << 8, KIND_INVALID = 3 << 8, KIND_FIELD = 3 << 8 };
#define ENTRY(kind, extra, base) ((entry)(kind) | (entry)(extra) << 4 | (entry)(base) << 16)
static inline uint32_t entry_bits(entry e) { return e & 15; }
static inline uint32_t entry_extra(entry e) { return e >> 4 & 15; }
static inline uint32_t entry_base(entry e) { return e >> 16; }

/* Codes in the order of their lengths, for those that are longer than the table. */
typedef struct codes {
    uint16_t count[CODE_MAX + 1], symbol[LITERALS];
} codes;

typedef struct trees {
    codes literal_codes, distance_codes;
    entry literals[1 << LITERAL_BITS], distances[1 << DISTANCE_BITS];
} trees;

typedef struct stream {
    const uint8_t *in, *in_end;
    uint64_t bits; /* those above `count` may be the next ones already */
    uint32_t count;
    uint8_t *start, *out, *end;
} stream;

/* ---- bits -------------------------------------------------------------------------------------------------------- */

static inline uint64_t load_64(const uint8_t *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* At least 56 bits, or all that are left. */
static inline void refill(stream *s) {
    if (SL_LIKELY(s->in_end - s->in >= 8)) {
        s->bits |= load_64(s->in) << s->count;
        s->in += (63 - s->count) >> 3;
        s->count |= 56;
        return;
    }
    while (s->count < 56 && s->in < s->in_end) {
        s->bits |= (uint64_t)*s->in++ << s->count;
        s->count += 8;
    }
}

static inline void skip(stream *s, uint32_t bits) {
    s->bits >>= bits;
    s->count -= bits;
}

/* The next few bits of a header; -1 if there are not so many. */
static int take(stream *s, uint32_t bits) {
    refill(s);
    if (s->count < bits) return -1;
    int value = (int)(s->bits & ((1u << bits) - 1));
    skip(s, bits);
    return value;
}

/* ---- codes ------------------------------------------------------------------------------------------------------- */

static entry literal_entry(uint32_t symbol) {
    static const uint16_t base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol < END_OF_BLOCK) return ENTRY(KIND_LITERAL, 0, symbol);
    if (symbol == END_OF_BLOCK) return ENTRY(KIND_END, 0, 0);
    symbol -= END_OF_BLOCK + 1;
    return symbol < sizeof(extra) ? ENTRY(KIND_BASE, extra[symbol], base[symbol]) : ENTRY(KIND_INVALID, 0, 0);
}

static entry distance_entry(uint32_t symbol) {
    static const uint16_t base[] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static const uint8_t extra[] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                    6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    return symbol < sizeof(extra) ? ENTRY(KIND_BASE, extra[symbol], base[symbol]) : ENTRY(KIND_INVALID, 0, 0);
}

static entry length_entry(uint32_t symbol) { return ENTRY(KIND_BASE, 0, symbol); }

static uint32_t reversed(uint32_t code, uint32_t bits) {
    uint32_t result = 0;
    for (; bits; bits--, code >>= 1) result = result << 1 | (code & 1);
    return result;
}

/* Codes of these lengths and the table of the short ones; 0 where they are no codes: too many for their lengths, or too few,
 * but for one of one bit, or none at all, where that is allowed. */
static int build(const uint8_t *lengths, uint32_t symbols, int may_lack, entry (*meaning)(uint32_t), codes *all,
                 entry *table, uint32_t table_bits) {
    uint16_t next[CODE_MAX + 1], code[CODE_MAX + 2];
    memset(all->count, 0, sizeof(all->count));
    for (uint32_t i = 0; i < symbols; i++) all->count[lengths[i]]++;
    int left = 1, used = (int)symbols - all->count[0];
    all->count[0] = 0;
    next[0] = code[0] = code[1] = 0;
    for (uint32_t bits = 1; bits <= CODE_MAX; bits++) {
        left = 2 * left - all->count[bits];
        if (left < 0) return 0;
        next[bits] = (uint16_t)(next[bits - 1] + all->count[bits - 1]);
        code[bits + 1] = (uint16_t)((code[bits] + all->count[bits]) << 1);
    }
    if (left > 0 && !(may_lack && (!used || (used == 1 && all->count[1] == 1)))) return 0;
    memset(table, 0, sizeof(entry) << table_bits);
    for (uint32_t i = 0; i < symbols; i++) {
        uint32_t bits = lengths[i];
        if (!bits) continue;
        all->symbol[next[bits]++] = (uint16_t)i;
        uint32_t own = code[bits]++;
        if (bits > table_bits) continue;
        entry e = meaning(i) | bits;
        for (uint32_t at = reversed(own, bits); at < 1u << table_bits; at += 1u << bits) table[at] = e;
    }
    return 1;
}

/* A code that the table has not: bit by bit. */
static entry find_long(const codes *all, entry (*meaning)(uint32_t), uint64_t bits) {
    uint32_t code = 0, first = 0, index = 0;
    for (uint32_t length = 1; length <= CODE_MAX; length++, bits >>= 1) {
        code = code << 1 | (uint32_t)(bits & 1);
        first <<= 1;
        if (code - first < all->count[length]) return meaning(all->symbol[index + code - first]) | length;
        index += all->count[length];
        first += all->count[length];
    }
    return ENTRY(KIND_INVALID, 0, 0) | 1;
}

static inline entry find_literal(const trees *t, uint64_t bits) {
    entry e = t->literals[bits & ((1u << LITERAL_BITS) - 1)];
    return SL_LIKELY(e) ? e : find_long(&t->literal_codes, literal_entry, bits);
}

static inline entry find_distance(const trees *t, uint64_t bits) {
    entry e = t->distances[bits & ((1u << DISTANCE_BITS) - 1)];
    return SL_LIKELY(e) ? e : find_long(&t->distance_codes, distance_entry, bits);
}

static int build_trees(trees *t, const uint8_t *lengths, uint32_t literals, uint32_t distances) {
    return build(lengths, literals, 1, literal_entry, &t->literal_codes, t->literals, LITERAL_BITS) &&
           build(lengths + literals, distances, 1, distance_entry, &t->distance_codes, t->distances, DISTANCE_BITS);
}

static void build_fixed(trees *t) {
    uint8_t lengths[LITERALS + DISTANCES];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    memset(lengths + LITERALS, 5, DISTANCES);
    (void)build_trees(t, lengths, LITERALS, DISTANCES);
}

static sl_inflated read_trees(stream *s, trees *t) {
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    enum { LENGTH_BITS = 7, LITERALS_USED = 286, DISTANCES_USED = 30 };
    uint8_t lengths[LITERALS + DISTANCES] = {0};
    int literals = take(s, 5), distances = take(s, 5), some = take(s, 4);
    if (some < 0) return SL_INFLATED_CUT;
    uint32_t total = (uint32_t)(literals + 257 + distances + 1);
    if (literals + 257 > LITERALS_USED || distances + 1 > DISTANCES_USED) return SL_INFLATED_BROKEN;
    for (int i = 0; i < some + 4; i++) {
        int length = take(s, 3);
        if (length < 0) return SL_INFLATED_CUT;
        lengths[order[i]] = (uint8_t)length;
    }
    /* The codes of lengths stand where those of distances will. */
    if (!build(lengths, 19, 0, length_entry, &t->distance_codes, t->distances, LENGTH_BITS)) return SL_INFLATED_BROKEN;
    memset(lengths, 0, sizeof(lengths));
    for (uint32_t i = 0; i < total;) {
        refill(s);
        entry e = t->distances[s->bits & ((1u << LENGTH_BITS) - 1)];
        uint32_t symbol = entry_base(e);
        if (entry_bits(e) > s->count) return SL_INFLATED_CUT;
        skip(s, entry_bits(e));
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && !i) return SL_INFLATED_BROKEN;
        int more = symbol == 16 ? take(s, 2) : symbol == 17 ? take(s, 3) : take(s, 7);
        if (more < 0) return SL_INFLATED_CUT;
        uint32_t times = (uint32_t)more + (symbol == 18 ? 11 : 3);
        if (times > total - i) return SL_INFLATED_BROKEN;
        memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, times);
        i += times;
    }
    if (!lengths[END_OF_BLOCK]) return SL_INFLATED_BROKEN;
    return build_trees(t, lengths, (uint32_t)literals + 257, (uint32_t)distances + 1) ? SL_INFLATED : SL_INFLATED_BROKEN;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* A match far from the end of the room: eight bytes at a time, which may write up to seven too many. */
static inline void copy_match(uint8_t *out, size_t distance, size_t length) {
    const uint8_t *from = out - distance, *end = from + length;
    if (SL_LIKELY(distance >= 8)) {
        do {
            memcpy(out, from, 8);
            out += 8;
            from += 8;
        } while (from < end);
    } else if (distance == 1) {
        memset(out, *from, length);
    } else {
        while (from < end) *out++ = *from++;
    }
}

/* One symbol after another, every bit and byte counted: for the ends of the data and of the room. `limit`: go on to there,
 * or to the end of the block. */
static sl_inflated step(stream *s, const trees *t, int *ended) {
    refill(s);
    entry e = find_literal(t, s->bits);
    if (entry_bits(e) > s->count) return SL_INFLATED_CUT;
    uint32_t kind = e & KIND_FIELD;
    skip(s, entry_bits(e));
    if (kind == KIND_LITERAL) {
        if (s->out == s->end) return SL_INFLATED_FULL;
        *s->out++ = (uint8_t)entry_base(e);
        return SL_INFLATED;
    }
    if (kind != KIND_BASE) {
        *ended = 1;
        return kind == KIND_END ? SL_INFLATED : SL_INFLATED_BROKEN;
    }
    int more = take(s, entry_extra(e));
    if (more < 0) return SL_INFLATED_CUT;
    size_t length = entry_base(e) + (uint32_t)more;
    refill(s);
    e = find_distance(t, s->bits);
    if (entry_bits(e) > s->count) return SL_INFLATED_CUT;
    if ((e & KIND_FIELD) != KIND_BASE) return SL_INFLATED_BROKEN;
    skip(s, entry_bits(e));
    if ((more = take(s, entry_extra(e))) < 0) return SL_INFLATED_CUT;
    size_t distance = entry_base(e) + (uint32_t)more;
    if (distance > (size_t)(s->out - s->start)) return SL_INFLATED_BROKEN;
    size_t room = (size_t)(s->end - s->out), copied = length < room ? length : room;
    for (size_t i = 0; i < copied; i++, s->out++) *s->out = *(s->out - distance);
    return copied < length ? SL_INFLATED_FULL : SL_INFLATED;
}

/* As long as nothing can end within a symbol. Gives up, without error, before a symbol that `step` should see. */
static void run(stream *to, const trees *t) {
    enum { ROOM = MATCH_MAX + 8 + 2, INPUT = 16 };
    stream s = *to;
    while (s.in_end - s.in >= INPUT && s.end - s.out >= ROOM) {
        refill(&s);
        entry e = find_literal(t, s.bits);
        if (!(e & KIND_FIELD)) {
            *s.out++ = (uint8_t)entry_base(e);
            skip(&s, entry_bits(e));
            e = find_literal(t, s.bits);
            if (!(e & KIND_FIELD)) {
                *s.out++ = (uint8_t)entry_base(e);
                skip(&s, entry_bits(e));
                continue;
            }
            refill(&s);
        }
        if ((e & KIND_FIELD) != KIND_BASE) break;
        stream before = s;
        skip(&s, entry_bits(e));
        size_t length = entry_base(e) + (s.bits & ((1u << entry_extra(e)) - 1));
        skip(&s, entry_extra(e));
        e = find_distance(t, s.bits);
        skip(&s, entry_bits(e));
        size_t distance = entry_base(e) + (s.bits & ((1u << entry_extra(e)) - 1));
        skip(&s, entry_extra(e));
        if (SL_UNLIKELY((e & KIND_FIELD) != KIND_BASE || distance > (size_t)(s.out - s.start))) {
            s = before;
            break;
        }
        copy_match(s.out, distance, length);
        s.out += length;
    }
    *to = s;
}

static sl_inflated unpack(stream *s, const trees *t) {
    for (int ended = 0; !ended;) {
        run(s, t);
        sl_inflated result = step(s, t, &ended);
        if (result != SL_INFLATED) return result;
    }
    return SL_INFLATED;
}

static sl_inflated copy_stored(stream *s) {
    /* Back to the first byte that is not begun. */
    skip(s, s->count & 7);
    s->in -= s->count >> 3;
    s->bits = s->count = 0;
    if (s->in_end - s->in < 4) return SL_INFLATED_CUT;
    size_t length = (size_t)(s->in[0] | s->in[1] << 8);
    if (length != (size_t)((s->in[2] | s->in[3] << 8) ^ 0xFFFF)) return SL_INFLATED_BROKEN;
    s->in += 4;
    size_t there = (size_t)(s->in_end - s->in), room = (size_t)(s->end - s->out), copied = length;
    if (copied > there) copied = there;
    if (copied > room) copied = room;
    if (copied) memcpy(s->out, s->in, copied);
    s->in += copied;
    s->out += copied;
    if (copied == length) return SL_INFLATED;
    return copied == room ? SL_INFLATED_FULL : SL_INFLATED_CUT;
}

sl_inflated sl_inflate(const uint8_t *in, size_t in_len, uint8_t *out, size_t room, size_t *made) {
    stream s = {in, in + in_len, 0, 0, out, out, out + room};
    trees fixed, dynamic;
    int last = 0, has_fixed = 0;
    sl_inflated result = SL_INFLATED;
    while (!last && result == SL_INFLATED) {
        int kind = -1;
        last = take(&s, 1);
        if (last >= 0) kind = take(&s, 2);
        switch (kind) {
            case 0:
                result = copy_stored(&s);
                break;
            case 1:
                /* Once only: a stream can be nothing but ends of blocks. */
                if (!has_fixed) build_fixed(&fixed);
                has_fixed = 1;
                result = unpack(&s, &fixed);
                break;
            case 2:
                result = read_trees(&s, &dynamic);
                if (result == SL_INFLATED) result = unpack(&s, &dynamic);
                break;
            case 3:
                result = SL_INFLATED_BROKEN;
                break;
            default:
                result = SL_INFLATED_CUT;
        }
    }
    *made = (size_t)(s.out - out);
    return result;
}

/* ---- CRC-32 ------------------------------------------------------------------------------------------------------ */

uint32_t sl_crc32(const uint8_t *bytes, size_t len) {
    uint32_t table[8][256]; /* made anew: it takes as long as some kilobytes do */
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++) table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
    uint32_t crc = UINT32_MAX;
    for (; len >= 8; bytes += 8, len -= 8) {
        uint64_t word = load_64(bytes) ^ crc;
        crc = 0;
        for (int t = 0; t < 8; t++) crc ^= table[7 - t][word >> 8 * t & 255];
    }
    for (; len; bytes++, len--) crc = crc >> 8 ^ table[0][(crc ^ *bytes) & 255];
    return ~crc;
}
