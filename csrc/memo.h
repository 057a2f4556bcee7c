/* memo.h - results of texts that come again within one call, for shapes whose kernels cost more than a look-up. For doors.
 * Contract: lives within one call; remembers pointers into the call's input, so nothing is copied.
 * Columns of authors, phones or places hold few distinct values, and DuckDB 2.0 calls a function for every row of them. */
#ifndef SL_MEMO_H
#define SL_MEMO_H

#include "streamliner.h"

enum { SL_MEMO_SLOTS = 1024, SL_MEMO_TEXT_MAX = 64 };

typedef struct sl_memo {
    sl_str texts[SL_MEMO_SLOTS]; /* ptr == NULL: free */
    sl_uuid values[SL_MEMO_SLOTS];
} sl_memo;

static inline void sl_memo_clear(sl_memo *memo) { memset(memo->texts, 0, sizeof(memo->texts)); }

/* Length, first and last eight bytes: enough to spread names. A slot that holds another text is simply taken over. */
static inline uint32_t sl_memo_slot(sl_str text) {
    uint64_t head = 0, tail = 0;
    if (text.len >= 8) {
        memcpy(&head, text.ptr, 8);
        memcpy(&tail, text.ptr + text.len - 8, 8);
    } else {
        for (uint32_t i = 0; i < text.len; i++) head = head << 8 | (unsigned char)text.ptr[i];
    }
    uint64_t mixed = (head ^ (tail << 1 | tail >> 63) ^ text.len) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 54);
}

static inline sl_status sl_memo_uuid(sl_memo *memo, sl_kernel_UUID kernel, sl_str text, const sl_options *options,
                                     sl_uuid *out) {
    if (text.len > SL_MEMO_TEXT_MAX) return kernel(text, options, out);
    uint32_t slot = sl_memo_slot(text);
    sl_str known = memo->texts[slot];
    if (known.ptr && known.len == text.len && memcmp(known.ptr, text.ptr, text.len) == 0) {
        *out = memo->values[slot];
        return SL_OK;
    }
    SL_TRY(kernel(text, options, out));
    memo->texts[slot] = text;
    memo->values[slot] = *out;
    return SL_OK;
}

#endif
