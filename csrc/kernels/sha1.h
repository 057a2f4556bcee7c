/* sha1.h - the SHA-1 compression function, for version 5 UUIDs.
 * Contract: no padding and no length here: callers hand over whole 64-byte blocks.
 * Source: FIPS 180-4 section 6.1.2. Not for anything that must resist an attacker. */
#ifndef SL_SHA1_H
#define SL_SHA1_H

#include "../streamliner.h"

enum { SL_SHA1_BLOCK = 64 };

/* Folds `count` blocks into `state`, five words in host order. `data` needs no alignment. */
typedef struct sl_sha1 {
    void (*blocks)(uint32_t state[5], const uint8_t *data, size_t count);
} sl_sha1;

/* The state before the first block. */
#define SL_SHA1_START {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}

/* Any machine. */
extern const sl_sha1 sl_sha1_plain;
/* The fastest that this machine runs. It asks the CPU, which is slow: call it once a query and keep the answer. */
const sl_sha1 *sl_sha1_best(void);

#endif
