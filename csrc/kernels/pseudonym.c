/* pseudonym.c - keyed one-way pseudonyms.
 * Contract: texts of any length and any bytes; no allocation but of the prepared key.
 * Source: RFC 2104 with SHA-256. */
#include "../streamliner.h"
#include "sha256.h"

#include <stdlib.h>

/* object: the key's states. The key itself is not kept. */
sl_status sl_prepare_key(const sl_value *values, sl_options *options, sl_error *error) {
    sl_str key = values[0].text;
    if (!key.len) return sl_error_set(error, "expected key of one character or more, got ''");
    sl_hmac *hmac = malloc(sizeof(*hmac));
    if (!hmac) return SL_ENOMEM;
    sl_hmac_start(hmac, sl_sha256_best(), key.ptr, key.len);
    options->object = hmac;
    options->release = free;
    return SL_OK;
}

sl_status sl_pseudonym(sl_str text, const sl_options *options, sl_buf *out) {
    enum { SHOWN = 16 };
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SL_SHA256_SIZE];
    sl_hmac_digest(options->object, text.ptr, text.len, digest);
    SL_TRY(sl_buf_reserve(out, 2 * SHOWN));
    char *p = out->ptr + out->len;
    for (int i = 0; i < SHOWN; i++) {
        p[2 * i] = digits[digest[i] >> 4];
        p[2 * i + 1] = digits[digest[i] & 15];
    }
    out->len += 2 * SHOWN;
    return SL_OK;
}
