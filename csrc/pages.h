/* pages.h - large blocks of memory.
 * Contract: a block is given back with free(). */
#ifndef SL_PAGES_H
#define SL_PAGES_H

#include <stddef.h>

/* Memory of `size` bytes that holds the `used` first ones of `old`, which is given back; NULL leaves `old` as it was.
 * A large block is asked for in pages of two megabytes: touching it the first time costs more than filling it otherwise. */
void *sl_pages_grow(void *old, size_t used, size_t size);

#endif
