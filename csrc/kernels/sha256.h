/* sha256.h - SHA-256 and HMAC over it, for pseudonyms.
 * Contract: texts and keys of any length and any bytes; no allocation. The key's two blocks are hashed once, in
 * sl_hmac_start; what is prepared is immutable.
 * Source: FIPS 180-4 section 6.2, RFC 2104. */
#ifndef SL_SHA256_H
#define SL_SHA256_H

#include "../streamliner.h"

enum { SL_SHA256_BLOCK = 64, SL_SHA256_SIZE = 32 };

/* Folds `count` blocks of 64 bytes into `state`, eight words in host order. `data` needs no alignment. */
typedef struct sl_sha256 {
    void (*blocks)(uint32_t state[8], const uint8_t *data, size_t count);
} sl_sha256;

/* Any machine. */
extern const sl_sha256 sl_sha256_plain;
/* The fastest that this machine runs. It asks the CPU, which is slow: call it once a query and keep the answer. */
const sl_sha256 *sl_sha256_best(void);

/* The states behind the block of the inner and of the outer key. */
typedef struct sl_hmac {
    const sl_sha256 *sha256;
    uint32_t inner[8], outer[8];
} sl_hmac;

void sl_sha256_digest(const sl_sha256 *sha256, const char *ptr, size_t len, uint8_t digest[SL_SHA256_SIZE]);
void sl_hmac_start(sl_hmac *hmac, const sl_sha256 *sha256, const char *key, size_t len);
void sl_hmac_digest(const sl_hmac *hmac, const char *ptr, size_t len, uint8_t digest[SL_SHA256_SIZE]);

#endif
