/* md5.h - MD5 of many short messages at once. Not for secrets: it tells messages apart as DuckDB's md5() does.
 * Contract: messages come padded; the digest of each depends on nothing but its own bytes. Source: RFC 1321. */
#ifndef SL_MD5_H
#define SL_MD5_H

#include "../streamliner.h"

enum { SL_MD5_BLOCK = 64, SL_MD5_DIGEST = 16 };

/* Bytes of a message of `len` bytes with its padding, a multiple of a block. */
static inline size_t sl_md5_padded(size_t len) { return (len + 8 + SL_MD5_BLOCK) & ~(size_t)(SL_MD5_BLOCK - 1); }
/* Writes the padding behind the message. */
void sl_md5_pad(uint8_t *message, size_t len);

typedef struct sl_md5_message {
    const uint8_t *ptr; /* padded */
    size_t blocks;      /* at least one */
} sl_md5_message;

void sl_md5_many(const sl_md5_message *messages, size_t count, uint8_t (*digests)[SL_MD5_DIGEST]);

#endif
