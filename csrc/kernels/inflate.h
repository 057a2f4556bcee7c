/* inflate.h - raw deflate data, unpacked into a given amount of memory, and CRC-32.
 * Contract: reads only in[0, in_len), writes only out[0, room), and takes time in proportion to both. */
#ifndef SL_INFLATE_H
#define SL_INFLATE_H

#include "../streamliner.h"

typedef enum sl_inflated {
    SL_INFLATED,        /* to the end of the data */
    SL_INFLATED_FULL,   /* there is more than `room` bytes, and the first of them are in `out` */
    SL_INFLATED_CUT,    /* the data end before their end */
    SL_INFLATED_BROKEN, /* no such data can be */
} sl_inflated;

/* *made: how many bytes are in `out`, whatever is returned. What follows the end of the data is not looked at. */
sl_inflated sl_inflate(const uint8_t *in, size_t in_len, uint8_t *out, size_t room, size_t *made);

uint32_t sl_crc32(const uint8_t *bytes, size_t len);

#endif
