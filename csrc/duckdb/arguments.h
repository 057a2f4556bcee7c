/* arguments.h - the options of a call, out of its columns. For the DuckDB door.
 * Contract: a run of rows whose options are surely equal is one set of options; what is read points into the columns, or
 * into memory of the call. */
#ifndef SL_DUCKDB_ARGUMENTS_H
#define SL_DUCKDB_ARGUMENTS_H

#include "call.h"

enum { OPTION_ROWS = 64 };

/* The 36 characters of a UUID, which DuckDB keeps with its top bit flipped. */
static inline sl_str format_uuid(const sl_duckdb_hugeint *uuid, char out[UUID_CHARACTERS + 1]) {
    uint64_t high = (uint64_t)uuid->upper ^ UINT64_C(1) << 63, low = uuid->lower;
    snprintf(out, UUID_CHARACTERS + 1, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFFF), (unsigned)(low >> 48),
             (unsigned long long)(low & UINT64_C(0xFFFFFFFFFFFF)));
    return (sl_str){out, UUID_CHARACTERS};
}

/* A list of texts, none of them NULL. */
static inline sl_status read_list(call *c, uint32_t index, sl_duckdb_index row, sl_value *value, sl_error *error) {
    const column *from = &c->columns[index];
    sl_duckdb_list_entry entry = ((const sl_duckdb_list_entry *)from->data)[row];
    if (entry.length > UINT32_MAX) return SL_ERANGE;
    sl_str *texts = realloc(c->lists[index], (entry.length + 1) * sizeof(sl_str));
    if (!texts) return SL_ENOMEM;
    c->lists[index] = texts;
    column elements = {from->elements, from->element_validity, NULL, NULL};
    for (uint64_t i = 0; i < entry.length; i++) {
        if (!sl_duckdb_valid(elements.validity, entry.offset + i))
            return sl_error_set(error, "expected %s without NULL, got one at position %llu",
                                c->overload->function->params[index].name, (unsigned long long)i + 1);
        texts[i] = read_text(&elements, entry.offset + i);
    }
    value->texts = texts;
    value->count = (uint32_t)entry.length;
    return SL_OK;
}

/* Reads option `index` of a row; *is_null when it is NULL. `room` holds the text of a UUID. */
static inline sl_status read_option(call *c, uint32_t index, sl_duckdb_index row, sl_value *value,
                             char room[UUID_CHARACTERS + 1], int *is_null, sl_error *error) {
    const sl_param *param = &c->overload->function->params[index];
    *value = param->fallback;
    if (index >= c->overload->argument_count) return SL_OK;
    const column *from = &c->columns[index];
    *is_null = !sl_duckdb_valid(from->validity, row);
    if (*is_null) return SL_OK;
    switch (param->fallback.type) {
        case SL_TYPE_TEXTS:
            return read_list(c, index, row, value, error);
        case SL_TYPE_TEXT:
            value->text = is_uuid(c->overload, param) ? format_uuid((const sl_duckdb_hugeint *)from->data + row, room)
                                                      : read_text(from, row);
            break;
        case SL_TYPE_BOOLEAN:
            value->integer = ((const uint8_t *)from->data)[row] != 0;
            break;
        case SL_TYPE_REAL:
            value->real = ((const double *)from->data)[row];
            break;
        default:
            value->integer = ((const int64_t *)from->data)[row];
    }
    return SL_OK;
}

/* 1 if the options of two rows are surely equal: constants arrive as the same bytes in every row. */
static inline int same_options(const call *c, sl_duckdb_index a, sl_duckdb_index b) {
    const sl_function *function = c->overload->function;
    for (uint32_t p = 0; p < c->overload->argument_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        const column *from = &c->columns[p];
        int valid = sl_duckdb_valid(from->validity, a);
        if (valid != sl_duckdb_valid(from->validity, b)) return 0;
        if (!valid) continue;
        size_t size = value_size(function->params[p].fallback.type);
        const char *data = from->data;
        if (memcmp(data + a * size, data + b * size, size) != 0) return 0;
    }
    return 1;
}

/* 1 if the options of rows [from, to) are all valid and surely equal: each column is compared with itself, one row on. */
static inline int same_run(const call *c, sl_duckdb_index from, sl_duckdb_index to) {
    const sl_function *function = c->overload->function;
    for (uint32_t p = 0; p < c->overload->argument_count; p++) {
        if (function->params[p].role != SL_ROLE_OPTION) continue;
        if (c->columns[p].validity) return 0;
        size_t size = value_size(function->params[p].fallback.type);
        const char *data = (const char *)c->columns[p].data + from * size;
        if (memcmp(data, data + size, (to - from - 1) * size) != 0) return 0;
    }
    return 1;
}

/* The end of the rows from `from` on that have equal options: constants are seen many rows at once. */
static inline sl_duckdb_index run_end(const call *c, sl_duckdb_index from) {
    sl_duckdb_index to = from + 1;
    /* No argument is an option. */
    if (c->overload->argument_count == 1u + sl_takes_pair(c->overload->function)) return c->row_count;
    while (to + OPTION_ROWS <= c->row_count && same_run(c, to - 1, to + OPTION_ROWS)) to += OPTION_ROWS;
    while (to < c->row_count && same_options(c, from, to)) to++;
    return to;
}

#endif
