/* options.c - a bounded table of prepared options, keyed by content.
 * Contract: one look-up a vector (not a row) for constants; preparing happens outside the lock, so that a slow one
 * (thousands of patterns) stops nobody; an entry pushed out of the table lives until its last user lets go.
 * No bind callback: it would break calls whose argument holds a subquery. */
#include "options.h"

#include "../kernels/utf8.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(_WIN32)
#include "win32.h"
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

/* Of a long list the ends only, and its length: what is found is compared as a whole anyway. */
static uint64_t hash_texts(uint64_t hash, const sl_str *texts, uint32_t count) {
    enum { EACH_END = 4 };
    hash = hash_bytes(hash, &count, sizeof(count));
    for (uint32_t i = 0; i < count; i++) {
        if (i == EACH_END && count > 2 * EACH_END) i = count - EACH_END;
        hash = hash_bytes(hash_bytes(hash, &texts[i].len, sizeof(texts[i].len)), texts[i].ptr, texts[i].len);
    }
    return hash;
}

static uint64_t hash_values(const sl_value *values, uint32_t count) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].type == SL_TYPE_TEXT) {
            hash = hash_texts(hash, &values[i].text, 1);
        } else if (values[i].type == SL_TYPE_TEXTS) {
            hash = hash_texts(hash, values[i].texts, values[i].count);
        } else {
            hash = hash_bytes(hash, &values[i].integer, sizeof(values[i].integer));
            hash = hash_bytes(hash, &values[i].real, sizeof(values[i].real));
        }
    }
    return hash;
}

static int equal_texts(const sl_str *a, const sl_str *b, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].len != b[i].len) return 0;
        if (a[i].len && memcmp(a[i].ptr, b[i].ptr, a[i].len) != 0) return 0;
    }
    return 1;
}

static int equal_values(const sl_value *a, const sl_value *b, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].type == SL_TYPE_TEXT) {
            if (!equal_texts(&a[i].text, &b[i].text, 1)) return 0;
        } else if (a[i].type == SL_TYPE_TEXTS) {
            if (a[i].count != b[i].count || !equal_texts(a[i].texts, b[i].texts, a[i].count)) return 0;
        } else if (a[i].integer != b[i].integer || memcmp(&a[i].real, &b[i].real, sizeof(double)) != 0) {
            return 0;
        }
    }
    return 1;
}

/* The texts of a value: one, several, or none. */
static uint32_t texts_of(const sl_value *value, const sl_str **texts) {
    *texts = value->type == SL_TYPE_TEXTS ? value->texts : &value->text;
    return value->type == SL_TYPE_TEXTS ? value->count : value->type == SL_TYPE_TEXT;
}

static int are_utf8(const sl_value *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const sl_str *texts;
        uint32_t some = texts_of(&values[i], &texts);
        for (uint32_t t = 0; t < some; t++)
            if (!sl_utf8_valid(texts[t].ptr, texts[t].len)) return 0;
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

/* With a copy of the values and of all their texts: values, then lists, then bytes. */
static sl_prepared *make(const sl_function *function, uint64_t hash, const sl_value *values, uint32_t count) {
    size_t bytes = 0, listed = 0;
    for (uint32_t i = 0; i < count; i++) {
        const sl_str *texts;
        uint32_t some = texts_of(&values[i], &texts);
        for (uint32_t t = 0; t < some; t++) bytes += texts[t].len;
        if (values[i].type == SL_TYPE_TEXTS) listed += some;
    }
    sl_prepared *p = calloc(1, sizeof(*p) + count * sizeof(sl_value) + listed * sizeof(sl_str) + bytes);
    if (!p) return NULL;
    static atomic_uint_least64_t made;
    atomic_init(&p->users, 1);
    p->serial = 1 + atomic_fetch_add(&made, 1);
    p->function = function;
    p->hash = hash;
    p->count = count;
    sl_str *list = (sl_str *)(void *)(p->values + count);
    char *text = (char *)(list + listed);
    for (uint32_t i = 0; i < count; i++) {
        const sl_str *from;
        uint32_t some = texts_of(&values[i], &from);
        p->values[i] = values[i];
        sl_str *to = values[i].type == SL_TYPE_TEXTS ? list : &p->values[i].text;
        if (values[i].type == SL_TYPE_TEXTS) {
            p->values[i].texts = list;
            list += some;
        }
        for (uint32_t t = 0; t < some; t++) {
            to[t] = (sl_str){text, from[t].len};
            if (from[t].len) memcpy(text, from[t].ptr, from[t].len);
            text += from[t].len;
        }
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
    if (!are_utf8(values, count)) return SL_EUTF8;
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
