/* samples.h - seeded texts that kernels trip over: pieces of what they look for, odd code points, cuts, flipped bytes.
 * Contract: sample() fills at most SAMPLE_MAX bytes; two thirds of its texts are valid UTF-8. */
#ifndef SL_SAMPLES_H
#define SL_SAMPLES_H

#include "check.h"
#include "kernels/utf8.h"

enum { SAMPLE_MAX = 1 << 20 };

static const char *const sample_pieces[] = {
    "hello", "World", " ", "  \t", "\n", "\r\n", ".", ", ", "'", "\"", "&", "<", ">", "&amp;", "<b>", "-", "_", "@", "/", ":",
    "http://", "https://", "HTTPS://", "www.", "example.org", ".com/a?b=c#d", "(", ")", "[", "]", "{", "}", "//", "user:pass@",
    "ana@example.org", "a.b+c", "+1 (555) 010-9999", "+351 912 345 678", "0044 20 7946 0958", "4111 1111 1111 1111", "1",
    "42", "2024", "0123456789", "GB82 WEST 1234 5698 7654 32", "192.168.0.1", "::1", "2001:db8::ff00:42:8329", "123-45-6789",
    "529.982.247-25", "11.222.333/0001-81", "00:1B:44:11:3A:B7", "0x52908400098527886E0F7030069857D2E4169EE7",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "[05/03/2024, 09:15:20] Ana: ", "05/03/2024, 09:15 - ", "3/5/24, 9:15\u202fAM - ",
    "2024-03-05 09:15 - Bo: ", "<Media omitted>", "\u200eIMG-20240305-WA0001.jpg (file attached)", "\u200e<attached: x.mp4>",
    "é", "ß", "İ", "ǆ", "ﬁ", "①", "½", "語", "한", "ᄒ", "ᅡ", "ᆫ", "ｆｕｌｌ", "\u0301", "\u0327\u0301", "\u0345", "\u200b", "\u200d",
    "\u200e", "\u202e", "\u2060", "\ufeff", "\u00ad", "\u00a0", "\u3000", "\u2028", "😀", "👨\u200d👩\u200d👧", "🇧🇷", "👍🏽", "1\ufe0f\u20e3",
    "<p>", "</p>", "<pre>", "<br/>", "<td>", "<!--", "-->", "<script>", "</script>", "<a b=\"", "<a b='>' c=d>", "&#x41", "&notin;", "&nGt;",
    "\ufdfa", "\U0001d400", "\U000e0041", "\U0010ffff", "…", "“", "”", "。", "％",
};

static inline uint32_t sample_point(char *out) {
    static const uint32_t tops[] = {0x80, 0x800, 0x3100, 0x10000, 0x20000, 0x110000};
    uint32_t point;
    do point = random_below(tops[random_below(6)]);
    while (point >= 0xD800 && point <= 0xDFFF);
    return (uint32_t)sl_utf8_put(out, point);
}

static inline uint32_t sample(char *out, uint64_t round) {
    static const uint32_t edges[] = {0, 1, 2, 7, 8, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257};
    uint32_t want = round % 4 ? random_below(200) : edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    if (round % 500 == 7) want = 2046 + random_below(4);
    uint32_t len = 0, pieces = random_below(4);
    while (len < want) {
        char point[4];
        if (random_below(4) <= pieces) {
            const char *piece = sample_pieces[random_below(sizeof(sample_pieces) / sizeof(sample_pieces[0]))];
            uint32_t size = (uint32_t)strlen(piece);
            memcpy(out + len, piece, size);
            len += size;
        } else {
            uint32_t size = random_below(3) ? sample_point(point) : (point[0] = (char)random_below(0x80), 1);
            memcpy(out + len, point, size);
            len += size;
        }
    }
    /* Exactly the wanted length where an edge is meant, which may cut a code point in two. */
    if (round % 12 == 0) len = want;
    if (round % 3 == 2)
        for (uint32_t flips = len ? 1 + random_below(1 + len / 8) : 0; flips > 0; flips--)
            out[random_below(len)] = (char)random_word();
    return len;
}

/* One piece over and over, up to `limit` bytes: what makes a careless scan quadratic or deep. */
enum { FLOODS = sizeof(sample_pieces) / sizeof(sample_pieces[0]) };

static inline uint32_t sample_flood(char *out, uint32_t piece, uint32_t limit) {
    uint32_t size = (uint32_t)strlen(sample_pieces[piece]), len = 0;
    for (; len + size <= limit; len += size) memcpy(out + len, sample_pieces[piece], size);
    return len;
}

#endif
