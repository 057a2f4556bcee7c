/* buf.c - heap buffers, and the memory behind the texts of list elements.
 * Contract: a failed growth leaves the buffer as it was. */
#include "streamliner.h"

#include <stdlib.h>

sl_status sl_buf_grow_heap(sl_buf *buf, size_t extra) {
    if (extra > SIZE_MAX / 2 - buf->len) return SL_ENOMEM;
    size_t need = buf->len + extra;
    size_t cap = buf->cap + buf->cap / 2;
    if (cap < need) cap = need;
    if (cap < 256) cap = 256;
    char *ptr = realloc(buf->ptr, cap);
    if (!ptr) return SL_ENOMEM;
    buf->ptr = ptr;
    buf->cap = cap;
    return SL_OK;
}

void sl_buf_free(sl_buf *buf) {
    free(buf->ptr);
    buf->ptr = NULL;
    buf->len = buf->cap = 0;
}

/* Blocks never move, so that texts handed out stay where they are while later ones are made. */
struct sl_block {
    sl_block *next;
    size_t used, cap;
    char bytes[];
};

enum { SL_BLOCK_MIN = 32 * 1024 };

sl_status sl_rows_text(sl_rows *rows, size_t len, char **out) {
    sl_block *block = rows->blocks;
    if (!block || block->cap - block->used < len) {
        size_t cap = len > SL_BLOCK_MIN ? len : SL_BLOCK_MIN;
        if (cap > SIZE_MAX - sizeof(sl_block)) return SL_ENOMEM;
        sl_block *fresh = malloc(sizeof(sl_block) + cap);
        if (!fresh) return SL_ENOMEM;
        fresh->next = block;
        fresh->used = 0;
        fresh->cap = cap;
        rows->blocks = block = fresh;
    }
    *out = block->bytes + block->used;
    block->used += len;
    return SL_OK;
}

void sl_rows_reset(sl_rows *rows) {
    sl_block *keep = NULL;
    for (sl_block *block = rows->blocks; block;) {
        sl_block *next = block->next;
        if (!keep || block->cap > keep->cap) {
            free(keep);
            keep = block;
        } else {
            free(block);
        }
        block = next;
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    rows->blocks = keep;
}

void sl_rows_free(sl_rows *rows) {
    for (sl_block *block = rows->blocks; block;) {
        sl_block *next = block->next;
        free(block);
        block = next;
    }
    rows->blocks = NULL;
}
