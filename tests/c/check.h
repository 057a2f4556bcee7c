/* check.h - what the C tests share: CHECK, seeded random numbers, and memory with nothing readable behind it.
 * Contract: a failed CHECK names file, line and seed and ends the program with status 1, also under NDEBUG.
 * SL_TEST_SEED and SL_TEST_SCALE in the environment choose the random cases and multiply their number. */
#ifndef SL_CHECK_H
#define SL_CHECK_H

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if !defined(_WIN32)
#include <sys/mman.h>
#include <time.h>
#endif

static const char *check_context = ""; /* what is being tested, for the message */
static uint64_t check_seed, check_state;

#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: CHECK(%s) failed in %s; SL_TEST_SEED=%llu\n", __FILE__, __LINE__, #condition,    \
                    check_context, (unsigned long long)check_seed);                                                  \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

static inline uint64_t check_environment(const char *name, uint64_t fallback) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : fallback;
}

/* Start of every main: the seed is printed, so that any failure can be run again. */
static inline uint64_t check_start(const char *program) {
    check_seed = check_state = check_environment("SL_TEST_SEED", 20240305);
    uint64_t scale = check_environment("SL_TEST_SCALE", 1);
    printf("%s: SL_TEST_SEED=%llu SL_TEST_SCALE=%llu\n", program, (unsigned long long)check_seed,
           (unsigned long long)scale);
    return scale ? scale : 1;
}

/* SplitMix64: Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195. */
static inline uint64_t random_word(void) {
    uint64_t z = check_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline uint32_t random_below(uint32_t limit) { return (uint32_t)(random_word() % limit); }

/* A heap copy of exactly `len` bytes: the sanitizer sees a read before and behind it. */
static inline char *exact_copy(const void *bytes, size_t len) {
    char *copy = malloc(len);
    CHECK(copy != NULL || len == 0);
    if (len) memcpy(copy, bytes, len);
    return copy;
}

/* Memory between two pages that can't be read: what passes either end is seen also without a sanitizer. */
enum { GUARDED_ROOM = 1 << 21, GUARD_PAGE = 1 << 16 };

#if defined(_WIN32)
/* By hand, because <windows.h> takes names that kernels have: LONG, TEXT. */
enum { MEM_COMMIT_RESERVE = 0x3000, PAGE_NOACCESS = 1, PAGE_READWRITE = 4 };
__declspec(dllimport) void *__stdcall VirtualAlloc(void *address, size_t size, unsigned long kind, unsigned long access);
__declspec(dllimport) int __stdcall VirtualProtect(void *address, size_t size, unsigned long access, unsigned long *before);
__declspec(dllimport) void __stdcall Sleep(unsigned long milliseconds);

static inline char *new_pages(size_t size) { return VirtualAlloc(NULL, size, MEM_COMMIT_RESERVE, PAGE_READWRITE); }
static inline int forbid_page(char *page) {
    unsigned long before;
    return VirtualProtect(page, GUARD_PAGE, PAGE_NOACCESS, &before) != 0;
}
static inline void wait_a_millisecond(void) { Sleep(1); }
#else
static inline char *new_pages(size_t size) {
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}
static inline int forbid_page(char *page) { return mprotect(page, GUARD_PAGE, PROT_NONE) == 0; }
static inline void wait_a_millisecond(void) { nanosleep(&(struct timespec){0, 1000000}, NULL); }
#endif

static inline char *guarded_room(void) {
    char *room = new_pages(GUARDED_ROOM + 2 * GUARD_PAGE);
    CHECK(room != NULL);
    CHECK(forbid_page(room));
    CHECK(forbid_page(room + GUARD_PAGE + GUARDED_ROOM));
    return room + GUARD_PAGE;
}

/* A copy flush against the page behind it, or against the one before it. Valid until the next call. */
enum { FLUSH_END, FLUSH_START };

static inline char *guarded_in(char *room, int flush, const void *bytes, size_t len) {
    CHECK(len <= GUARDED_ROOM);
    char *copy = flush == FLUSH_END ? room + GUARDED_ROOM - len : room;
    if (len) memcpy(copy, bytes, len);
    return copy;
}

static inline char *guarded_copy(const void *bytes, size_t len) {
    static char *room;
    if (!room) room = guarded_room();
    return guarded_in(room, FLUSH_END, bytes, len);
}

#endif
