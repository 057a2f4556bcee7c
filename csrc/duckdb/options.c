/* options.c - a bounded table of prepared options, keyed by content.
 * Contract: one look-up a vector (not a row) for constants; preparing happens outside the lock, so that a slow one
 * (thousands of patterns) stops nobody; an entry pushed out of the table lives until its last user lets go.
 * No bind callback: it would break calls whose argument holds a subquery. */
#include "options.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(_WIN32)
#include <windows.h>
static SRWLOCK table_lock = SRWLOCK_INIT;
#define LOCK() AcquireSRWLockExclusive(&table_lock)
#define UNLOCK() ReleaseSRWLockExclusive(&table_lock)
#else
#include <pthread.h>
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
#define LOCK() pthread_mutex_lock(&table_lock)
#define UNLOCK() pthread_mutex_unlock(&table_lock)
#endif

struct sl_prepared {
    atomic_uint users; /* the table counts as one */
    const sl_function *function;
    uint64_t hash, serial;
    uint32_t count;
    sl_options options;
    sl_value values[]; /* their texts follow the array */
};

enum { TABLE_SIZE = 64 };
static sl_prepared *table[TABLE_SIZE];
static uint32_t table_next;

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static uint64_t hash_values(const sl_value *values, uint32_t count) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].type == SL_TYPE_TEXT) {
            hash = hash_bytes(hash, &values[i].text.len, sizeof(values[i].text.len));
            hash = hash_bytes(hash, values[i].text.ptr, values[i].text.len);
        } else {
            hash = hash_bytes(hash, &values[i].integer, sizeof(values[i].integer));
            hash = hash_bytes(hash, &values[i].real, sizeof(values[i].real));
        }
    }
    return hash;
}

static int equal_values(const sl_value *a, const sl_value *b, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].type == SL_TYPE_TEXT) {
            if (a[i].text.len != b[i].text.len) return 0;
            if (a[i].text.len && memcmp(a[i].text.ptr, b[i].text.ptr, a[i].text.len) != 0) return 0;
        } else if (a[i].integer != b[i].integer || memcmp(&a[i].real, &b[i].real, sizeof(double)) != 0) {
            return 0;
        }
    }
    return 1;
}

static sl_prepared *find(const sl_function *function, uint64_t hash, const sl_value *values, uint32_t count) {
    for (uint32_t i = 0; i < TABLE_SIZE; i++) {
        sl_prepared *p = table[i];
        if (p && p->hash == hash && p->function == function && p->count == count &&
            equal_values(p->values, values, count))
            return p;
    }
    return NULL;
}

static sl_prepared *make(const sl_function *function, uint64_t hash, const sl_value *values, uint32_t count) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        if (values[i].type == SL_TYPE_TEXT) bytes += values[i].text.len;
    sl_prepared *p = calloc(1, sizeof(*p) + count * sizeof(sl_value) + bytes);
    if (!p) return NULL;
    static atomic_uint_least64_t made;
    atomic_init(&p->users, 1);
    p->serial = 1 + atomic_fetch_add(&made, 1);
    p->function = function;
    p->hash = hash;
    p->count = count;
    char *text = (char *)(p->values + count);
    for (uint32_t i = 0; i < count; i++) {
        p->values[i] = values[i];
        if (values[i].type != SL_TYPE_TEXT) continue;
        if (values[i].text.len) memcpy(text, values[i].text.ptr, values[i].text.len);
        p->values[i].text.ptr = text;
        text += values[i].text.len;
    }
    return p;
}

sl_status sl_prepared_get(const sl_function *function, const sl_value *values, uint32_t count, sl_prepared **out,
                          sl_error *error) {
    uint64_t hash = hash_values(values, count);
    LOCK();
    sl_prepared *found = find(function, hash, values, count);
    if (found) atomic_fetch_add(&found->users, 1);
    UNLOCK();
    if (found) {
        *out = found;
        return SL_OK;
    }
    sl_prepared *fresh = make(function, hash, values, count);
    if (!fresh) return SL_ENOMEM;
    sl_status status = function->prepare(fresh->values, &fresh->options, error);
    if (status > SL_OK) {
        free(fresh);
        return status;
    }
    LOCK();
    sl_prepared *pushed_out = table[table_next];
    atomic_fetch_add(&fresh->users, 1);
    table[table_next] = fresh;
    table_next = (table_next + 1) % TABLE_SIZE;
    UNLOCK();
    sl_prepared_release(&pushed_out);
    *out = fresh;
    return SL_OK;
}

uint64_t sl_prepared_serial(const sl_prepared *prepared) { return prepared->serial; }

const sl_options *sl_prepared_options(const sl_prepared *prepared) { return &prepared->options; }

void sl_prepared_release(sl_prepared **prepared) {
    sl_prepared *p = *prepared;
    if (!p || atomic_fetch_sub(&p->users, 1) != 1) return;
    if (p->options.release) p->options.release(p->options.object);
    free(p);
}
