/* keys.c - makes the keys of keys.h.
 * Contract: one buffer for the messages of all rows, which are hashed together. */
#include "keys.h"

#include <stdlib.h>

enum { NUMBER_MAX = 20, SEPARATOR = 0x1F };

static uint8_t *put_text(uint8_t *to, sl_str text) {
    if (text.ptr && text.len) memcpy(to, text.ptr, text.len);
    return to + (text.ptr ? text.len : 0);
}

static uint8_t *put_number(uint8_t *to, int64_t number) {
    uint8_t digits[NUMBER_MAX];
    int at = NUMBER_MAX;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do digits[--at] = (uint8_t)('0' + left % 10);
    while (left /= 10);
    if (number < 0) *to++ = '-';
    memcpy(to, digits + at, (size_t)(NUMBER_MAX - at));
    return to + (NUMBER_MAX - at);
}

sl_status sl_keys_make(const sl_row_key *key, const sl_cell *cells, uint32_t columns, uint32_t count, uint32_t occurrence,
                       sl_key_room *room, uint8_t (*keys)[SL_MD5_DIGEST]) {
    sl_md5_message messages[SL_KEYS_MAX];
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        const sl_cell *row = cells + (size_t)i * columns;
        size += sl_md5_padded((size_t)key->prefix.len + row[key->author].text.len + row[key->text].text.len + 2 * NUMBER_MAX + 4);
    }
    if (size > room->size) {
        uint8_t *bytes = realloc(room->bytes, size + size / 2);
        if (!bytes) return SL_ENOMEM;
        room->bytes = bytes;
        room->size = size + size / 2;
    }
    uint8_t *next = room->bytes;
    for (uint32_t i = 0; i < count; i++) {
        const sl_cell *row = cells + (size_t)i * columns;
        uint8_t *to = put_text(next, key->prefix);
        *to++ = SEPARATOR;
        to = put_number(to, row[key->time].integer);
        *to++ = SEPARATOR;
        to = put_text(to, row[key->author].text);
        *to++ = SEPARATOR;
        to = put_text(to, row[key->text].text);
        *to++ = SEPARATOR;
        to = put_number(to, occurrence);
        size_t len = (size_t)(to - next);
        sl_md5_pad(next, len);
        messages[i] = (sl_md5_message){next, sl_md5_padded(len) / SL_MD5_BLOCK};
        next += sl_md5_padded(len);
    }
    sl_md5_many(messages, count, keys);
    return SL_OK;
}
