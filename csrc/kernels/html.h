/* html.h - what the parts of the html families share: references, white space, the search for a byte.
 * Contract: nothing here reads at or past `end`. */
#ifndef SL_HTML_H
#define SL_HTML_H

#include "../streamliner.h"
#include "simd.h"

/* Replacing a reference makes a text longer by a fifth at most (&nGt; and &nLt;); `slack` is for wide stores behind it. */
static inline size_t html_room(size_t len, size_t slack) { return len + len / 5 + slack; }

/* What a reference stands for. The first `size` of the bytes count; none may: some numbers mean nothing. */
typedef struct html_value {
    char bytes[8];
    uint32_t size;
} html_value;

/* Length of the reference at p, where an ampersand stands, and its value; 0 if it is none. Looks at 33 bytes at most
 * beyond the digits of a number. */
size_t html_reference(const char *p, const char *end, html_value *value);

/* First place of the byte, or end. */
static inline const char *html_find(const char *p, const char *end, char byte) {
    for (sl_v16 wanted = sl_v16_fill((uint8_t)byte); end - p >= 16; p += 16) {
        uint32_t mask = sl_v16_mask(sl_v16_eq(sl_v16_load(p), wanted));
        if (mask) return p + sl_first_bit(mask);
    }
    while (p < end && *p != byte) p++;
    return p;
}

#endif
