/* pages.c - large blocks of memory in large pages, and mapped files that leave memory again.
 * Contract: where the system has no such thing, it is just slower, or takes more memory. Source: madvise(2). */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "streamliner.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
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

void sl_pages_leave(const char *start, const char *stop) {
#if defined(__linux__)
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)start + page - 1) / page * page, to = (uintptr_t)stop / page * page;
    if (from < to) (void)madvise((void *)from, to - from, MADV_DONTNEED); /* a wish */
#else
    (void)start, (void)stop;
#endif
}
