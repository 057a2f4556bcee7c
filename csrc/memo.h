/* memo.h - results of short texts that come again, for shapes whose kernels cost more than a look-up. For doors.
 * Contract: bounded; a memo belongs to one thread, and copies what it remembers, so it may outlive the input. Results are
 * told apart by `key`, which names the function's prepared options and is never used twice.
 * Columns of authors, phones or places hold few distinct values, and DuckDB 2.0 calls a function for every row of them. */
#ifndef SL_MEMO_H
#define SL_MEMO_H

#include "streamliner.h"

enum { SL_MEMO_SLOTS = 1024, SL_MEMO_TEXT_MAX = 36 };

typedef struct sl_memo_entry {
    uint64_t key; /* 0: free */
    sl_uuid value;
    uint32_t len;
    char text[SL_MEMO_TEXT_MAX];
} sl_memo_entry;

typedef struct sl_memo {
    sl_memo_entry entries[SL_MEMO_SLOTS];
} sl_memo;

/* Key, length, first and last eight bytes: enough to spread names. An entry that holds another text is taken over. */
static inline uint32_t sl_memo_slot(uint64_t key, sl_str text) {
    uint64_t head = 0, tail = 0;
    if (text.len >= 8) {
        memcpy(&head, text.ptr, 8);
        memcpy(&tail, text.ptr + text.len - 8, 8);
    } else {
        for (uint32_t i = 0; i < text.len; i++) head = head << 8 | (unsigned char)text.ptr[i];
    }
    uint64_t mixed = (head ^ (tail << 1 | tail >> 63) ^ key << 8 ^ text.len) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 54);
}

static inline sl_status sl_memo_uuid(sl_memo *memo, uint64_t key, sl_kernel_UUID kernel, sl_str text,
                                     const sl_options *options, sl_uuid *out) {
    if (text.len > SL_MEMO_TEXT_MAX) return kernel(text, options, out);
    sl_memo_entry *entry = &memo->entries[sl_memo_slot(key, text)];
    if (entry->key == key && entry->len == text.len && memcmp(entry->text, text.ptr, text.len) == 0) {
        *out = entry->value;
        return SL_OK;
    }
    SL_TRY(kernel(text, options, out));
    entry->key = key;
    entry->value = *out;
    entry->len = text.len;
    if (text.len) memcpy(entry->text, text.ptr, text.len);
    return SL_OK;
}

#endif
