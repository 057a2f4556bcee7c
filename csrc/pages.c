/* pages.c - large blocks of memory in large pages.
 * Contract: where the system has none, a block is just slower. Source: madvise(2). */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

void *sl_pages_grow(void *old, size_t used, size_t size) {
#if defined(__linux__)
    const size_t page = (size_t)2 << 20;
    if (size >= 2 * page && size <= SIZE_MAX - page) {
        size = (size + page - 1) & ~(page - 1);
        void *fresh = aligned_alloc(page, size);
        if (!fresh) return NULL;
        (void)madvise(fresh, size, MADV_HUGEPAGE); /* a wish */
        if (used) memcpy(fresh, old, used);
        free(old);
        return fresh;
    }
#endif
    (void)used;
    return realloc(old, size);
}
