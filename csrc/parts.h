/* parts.h - functions whose elements can be made in parts, by several threads at once.
 * Contract: the parts together are what the kernel gives, element by element. */
#ifndef SL_PARTS_H
#define SL_PARTS_H

#include "streamliner.h"

typedef struct sl_parts {
    /* Reads the whole text: how many elements it has, and in `state` what it takes to make them; close() gives that back, and
     * is called only if this succeeds. */
    sl_status (*open)(sl_str text, const sl_options *options, uint32_t workers, void **state, size_t *count);
    /* Elements [from, to). Each of the workers, numbered from 0, makes one part at a time. */
    sl_status (*make)(void *state, uint32_t worker, size_t from, size_t to, sl_rows *out);
    void (*close)(void *state);
} sl_parts;

/* NULL where a function has none. */
const sl_parts *sl_parts_of(const sl_function *function);

#endif
