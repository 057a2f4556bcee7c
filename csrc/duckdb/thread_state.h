/* thread_state.h - memory that a thread keeps between calls: made when it first needs it, given back when it ends.
 * Contract: NULL where there is no memory. Not _Thread_local: the loader makes that on demand too, for a library that is
 * loaded late, and ends the process where it cannot. */
#ifndef SL_DUCKDB_THREAD_STATE_H
#define SL_DUCKDB_THREAD_STATE_H

#include <stdatomic.h>
#include <stdlib.h>

#if defined(_WIN32)
#include "win32.h"
typedef DWORD sl_key;
static void WINAPI sl_key_forget(void *state) { free(state); }
static inline int sl_key_make(sl_key *key) { return (*key = FlsAlloc(sl_key_forget)) == FLS_OUT_OF_INDEXES; }
#define sl_key_get(key) FlsGetValue(key)
#define sl_key_set(key, state) (!FlsSetValue(key, state))
#define sl_key_drop(key) ((void)FlsFree(key))
#else
#include <pthread.h>

#include "../old_glibc.h"

SL_OLD_GLIBC(pthread_key_create);
SL_OLD_GLIBC(pthread_key_delete);
SL_OLD_GLIBC(pthread_getspecific);
SL_OLD_GLIBC(pthread_setspecific);

typedef pthread_key_t sl_key;
static inline int sl_key_make(sl_key *key) { return pthread_key_create(key, free); }
#define sl_key_get(key) pthread_getspecific(key)
#define sl_key_set(key, state) pthread_setspecific(key, state)
#define sl_key_drop(key) ((void)pthread_key_delete(key))
#endif

/* The key plus one, or zero while there is none. */
static atomic_uintptr_t sl_key_plus_one;

static inline int sl_key_find(sl_key *key) {
    uintptr_t known = atomic_load_explicit(&sl_key_plus_one, memory_order_acquire);
    if (!known) {
        sl_key fresh;
        if (sl_key_make(&fresh) != 0) return 1;
        if (atomic_compare_exchange_strong(&sl_key_plus_one, &known, (uintptr_t)fresh + 1)) known = (uintptr_t)fresh + 1;
        else sl_key_drop(fresh); /* another thread was first */
    }
    *key = (sl_key)(known - 1);
    return 0;
}

/* Zeroed when it is made; of one size, so one kind of state a file that includes this. */
static inline void *sl_thread_state(size_t size) {
    sl_key key;
    if (sl_key_find(&key) != 0) return NULL;
    void *state = sl_key_get(key);
    if (state) return state;
    state = calloc(1, size);
    if (state && sl_key_set(key, state) != 0) {
        free(state);
        state = NULL;
    }
    return state;
}

#endif
