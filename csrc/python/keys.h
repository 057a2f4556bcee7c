/* keys.h - keys by which rows are told apart: MD5 of a prefix, a time, two texts, and how often the same was there before.
 * Contract: what md5(concat_ws(chr(31), prefix, epoch_us(time), author, text, occurrence)) is in DuckDB, with nothing for
 * NULL; streamliner_udf/ingest/load.py has the same in SQL. */
#ifndef SL_PYTHON_KEYS_H
#define SL_PYTHON_KEYS_H

#include "../kernels/md5.h"

typedef struct sl_row_key {
    sl_str prefix;
    uint32_t time, author, text; /* fields of a row */
} sl_row_key;

/* Memory that is used again; starts as zeros. */
typedef struct sl_key_room {
    uint8_t *bytes;
    size_t size;
} sl_key_room;

enum { SL_KEYS_MAX = 256 }; /* rows at a time */

/* Of `count` rows with `columns` cells each. */
sl_status sl_keys_make(const sl_row_key *key, const sl_cell *cells, uint32_t columns, uint32_t count, uint32_t occurrence,
                       sl_key_room *room, uint8_t (*keys)[SL_MD5_DIGEST]);

#endif
