/* uuid.c - name-based UUIDs.
 * Contract: names of any length and any bytes; no allocation.
 * Source: RFC 9562 sections 5.5 and 6.6; FIPS 180-4 section 5.1.1 for the padding. */
#include "../streamliner.h"
#include "sha1.h"

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1 if the text starts with `word` (lower-case) in any case; the text then goes on behind it. */
static int skip_word(sl_str *text, const char *word) {
    uint32_t len = (uint32_t)strlen(word);
    if (text->len < len) return 0;
    for (uint32_t i = 0; i < len; i++) {
        char c = text->ptr[i];
        if (c >= 'A' && c <= 'Z') c |= 0x20;
        if (c != word[i]) return 0;
    }
    text->ptr += len;
    text->len -= len;
    return 1;
}

static sl_str strip_braces(sl_str text) {
    while (text.len && (text.ptr[0] == '{' || text.ptr[0] == '}')) text.ptr++, text.len--;
    while (text.len && (text.ptr[text.len - 1] == '{' || text.ptr[text.len - 1] == '}')) text.len--;
    return text;
}

/* What Python's uuid.UUID reads: braces, urn:uuid:, hyphens anywhere, 32 hexadecimal digits. */
static int parse_uuid(sl_str text, uint8_t out[16]) {
    text = strip_braces(text);
    skip_word(&text, "urn:");
    skip_word(&text, "uuid:");
    text = strip_braces(text);
    uint32_t digits = 0;
    memset(out, 0, 16);
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-') continue;
        int value = hex_value(text.ptr[i]);
        if (value < 0 || digits == 32) return 0;
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | value);
        digits++;
    }
    return digits == 32;
}

static int parse_namespace(sl_str text, uint8_t out[16]) {
    /* RFC 9562 section 6.6: the four names differ in one byte only. */
    static const uint8_t well_known[16] = {0x6B, 0xA7, 0xB8, 0x10, 0x9D, 0xAD, 0x11, 0xD1,
                                           0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30, 0xC8};
    static const char *const names[] = {"dns", "url", "oid", NULL, "x500"};
    for (uint8_t i = 0; i < 5; i++) {
        sl_str rest = text;
        if (names[i] && skip_word(&rest, names[i]) && rest.len == 0) {
            memcpy(out, well_known, 16);
            out[3] = (uint8_t)(0x10 + i);
            return 1;
        }
    }
    return parse_uuid(text, out);
}

/* word: the 16 bytes of the namespace. object: the way to compute SHA-1 here, static: nothing to release. */
sl_status sl_prepare_namespace(const sl_value *values, sl_options *options, sl_error *error) {
    uint8_t bytes[16];
    if (!parse_namespace(values[0].text, bytes)) {
        int shown = values[0].text.len < sizeof(error->text) ? (int)values[0].text.len : (int)sizeof(error->text);
        return sl_error_set(error, "expected namespace to be a UUID or one of dns, url, oid, x500, got '%.*s'", shown,
                            shown ? values[0].text.ptr : "");
    }
    memcpy(options->word, bytes, sizeof(bytes));
    options->object = (void *)(uintptr_t)sl_sha1_best();
    options->release = NULL;
    return SL_OK;
}

static inline void put_big_endian(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

/* Hashes the namespace's 16 bytes and the name. A name of up to 39 bytes (nearly every author's) fits one block with
 * its padding; of a long one all but the ends is hashed where it lies. */
sl_status sl_uuid5(sl_str text, const sl_options *options, sl_uuid *out) {
    enum { NAMESPACE = 16, FIRST = SL_SHA1_BLOCK - NAMESPACE };
    const sl_sha1 *sha1 = options->object;
    const uint8_t *name = (const uint8_t *)text.ptr;
    size_t left = text.len;
    uint32_t state[5] = SL_SHA1_START;
    uint8_t tail[2 * SL_SHA1_BLOCK] = {0};
    size_t used = NAMESPACE;
    memcpy(tail, options->word, NAMESPACE);
    if (left >= FIRST) {
        memcpy(tail + NAMESPACE, name, FIRST);
        sha1->blocks(state, tail, 1);
        name += FIRST;
        left -= FIRST;
        size_t whole = left / SL_SHA1_BLOCK;
        if (whole) sha1->blocks(state, name, whole);
        name += whole * SL_SHA1_BLOCK;
        left -= whole * SL_SHA1_BLOCK;
        memset(tail, 0, SL_SHA1_BLOCK);
        used = 0;
    }
    if (left) memcpy(tail + used, name, left);
    used += left;
    tail[used] = 0x80;
    size_t blocks = used + 9 > SL_SHA1_BLOCK ? 2 : 1; /* 0x80 and eight bytes of length must fit */
    uint64_t bits = ((uint64_t)text.len + NAMESPACE) * 8;
    put_big_endian(tail + blocks * SL_SHA1_BLOCK - 8, (uint32_t)(bits >> 32));
    put_big_endian(tail + blocks * SL_SHA1_BLOCK - 4, (uint32_t)bits);
    sha1->blocks(state, tail, blocks);
    for (int i = 0; i < 4; i++) put_big_endian(out->bytes + 4 * i, state[i]);
    out->bytes[6] = (uint8_t)((out->bytes[6] & 0x0F) | 0x50);
    out->bytes[8] = (uint8_t)((out->bytes[8] & 0x3F) | 0x80);
    return SL_OK;
}
