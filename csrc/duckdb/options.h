/* options.h - prepared options, shared by all threads of the process.
 * Contract: what sl_prepared_get returned stays valid until sl_prepared_release, whatever other threads do. */
#ifndef SL_DUCKDB_OPTIONS_H
#define SL_DUCKDB_OPTIONS_H

#include "../streamliner.h"

typedef struct sl_prepared sl_prepared;

/* Finds the options that function->prepare made from equal values before, or makes them. Texts that are not UTF-8 are an
 * error. */
sl_status sl_prepared_get(const sl_function *function, const sl_value *values, uint32_t count, sl_prepared **out,
                          sl_error *error);
/* A number above 0 that no other prepared options of this process ever have. */
uint64_t sl_prepared_serial(const sl_prepared *prepared);
const sl_options *sl_prepared_options(const sl_prepared *prepared);
/* Takes the address of the pointer, so that it can serve as a cleanup handler; NULL inside is fine. */
void sl_prepared_release(sl_prepared **prepared);

#endif
