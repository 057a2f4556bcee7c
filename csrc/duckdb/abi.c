/* abi.c - the one copy of DuckDB's function pointers in this library.
 * Contract: filled once; databases may be opened by several threads at once, and all of them bring the same pointers. */
#include "abi.h"

#include <stdatomic.h>

sl_duckdb_api sl_duckdb;
/* Never written, so that all its pages are the one zero page. */
char sl_duckdb_zeros[SL_DUCKDB_ZEROS];

enum { EMPTY, FILLING, FILLED };
static atomic_int state;

void sl_duckdb_fill(const sl_duckdb_api *api) {
    int expected = EMPTY;
    if (atomic_compare_exchange_strong(&state, &expected, FILLING)) {
        sl_duckdb = *api;
        atomic_store(&state, FILLED);
    }
    while (atomic_load(&state) != FILLED) {
    }
}

void sl_duckdb_fill_from_slots(const void *slots) {
    typedef void (*any_function)(void);
    const any_function *functions = slots;
    sl_duckdb_api api;
#define SL_SLOT(index, type, name, arguments) api.name = (type(*) arguments)functions[index];
    SL_SLOTS
#undef SL_SLOT
    api.assign_trusted = api.vector_assign_string_element_len;
    sl_duckdb_fill(&api);
}
