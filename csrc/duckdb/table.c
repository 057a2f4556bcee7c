/* table.c - sl_functions(): the function table as a SQL table, because DuckDB's C API carries no documentation.
 * Contract: columns name, parameters, return_type, summary, example, since; one row a function. */
#include "abi.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const column_names[] = {"name", "parameters", "return_type", "summary", "example", "since"};
enum { COLUMN_COUNT = sizeof(column_names) / sizeof(column_names[0]), CELL_MAX = 512, BATCH = 256 };

void sl_duckdb_type_name(const sl_result *result, sl_type type, char *out, size_t cap) {
    static const char *const names[] = {
        [SL_TYPE_TEXT] = "VARCHAR",    [SL_TYPE_INTEGER] = "BIGINT",    [SL_TYPE_NATURAL] = "UBIGINT",
        [SL_TYPE_REAL] = "DOUBLE",     [SL_TYPE_BOOLEAN] = "BOOLEAN",   [SL_TYPE_UUID] = "UUID",
        [SL_TYPE_TEXTS] = "VARCHAR[]", [SL_TYPE_INTEGERS] = "BIGINT[]", [SL_TYPE_NATURALS] = "UBIGINT[]",
        [SL_TYPE_TIMESTAMP] = "TIMESTAMP"};
    if (!result || (result->type != SL_TYPE_LIST && result->type != SL_TYPE_STRUCT)) {
        snprintf(out, cap, "%s", names[result ? result->type : type]);
        return;
    }
    if (!result->fields[0].name) {
        snprintf(out, cap, "%s[]", names[result->fields[0].type]);
        return;
    }
    size_t len = (size_t)snprintf(out, cap, "STRUCT(");
    for (uint32_t f = 0; f < result->field_count && len < cap; f++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s %s", f ? ", " : "", result->fields[f].name,
                                names[result->fields[f].type]);
    if (len < cap) snprintf(out + len, cap - len, result->type == SL_TYPE_LIST ? ")[]" : ")");
}

static void write_parameters(const sl_function *function, char *out, size_t cap) {
    size_t len = 0;
    out[0] = 0;
    for (uint32_t p = 0; p < function->param_count && len < cap; p++) {
        const sl_param *param = &function->params[p];
        char type[32];
        sl_duckdb_type_name(NULL, param->fallback.type, type, sizeof(type));
        len += (size_t)snprintf(out + len, cap - len, "%s%s %s", p ? ", " : "", param->name, type);
        if (param->required || len >= cap) continue;
        const sl_value *value = &param->fallback;
        if (value->type == SL_TYPE_TEXT)
            len += (size_t)snprintf(out + len, cap - len, " = '%s'", value->text.ptr);
        else if (value->type == SL_TYPE_BOOLEAN)
            len += (size_t)snprintf(out + len, cap - len, " = %s", value->integer ? "true" : "false");
        else if (value->type == SL_TYPE_REAL)
            len += (size_t)snprintf(out + len, cap - len, " = %.1f", value->real);
        else
            len += (size_t)snprintf(out + len, cap - len, " = %lld", (long long)value->integer);
    }
}

static void write_cell(const sl_function *function, uint32_t column, char *out, size_t cap) {
    switch (column) {
        case 0:
            snprintf(out, cap, "sl_%s", function->name);
            break;
        case 1:
            write_parameters(function, out, cap);
            break;
        case 2:
            sl_duckdb_type_name(function->result, function->result->type, out, cap);
            break;
        case 3:
            snprintf(out, cap, "%s", function->summary);
            break;
        case 4:
            snprintf(out, cap, "sl_%s(%s)", function->name, function->example);
            break;
        default:
            snprintf(out, cap, "%s", function->since);
    }
}

static void bind(sl_duckdb_handle info) {
    sl_duckdb_handle type = sl_duckdb.create_logical_type(SL_DUCKDB_VARCHAR);
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) sl_duckdb.bind_add_result_column(info, column_names[c], type);
    sl_duckdb.destroy_logical_type(&type);
}

static void init(sl_duckdb_handle info) {
    atomic_uint *next = sl_duckdb.malloc(sizeof(*next));
    if (next) atomic_init(next, 0);
    sl_duckdb.init_set_init_data(info, next, sl_duckdb.free);
}

static void run(sl_duckdb_handle info, sl_duckdb_handle chunk) {
    atomic_uint *next = sl_duckdb.function_get_init_data(info);
    uint32_t from = next ? atomic_fetch_add(next, BATCH) : sl_function_count;
    uint32_t to = from + BATCH < sl_function_count ? from + BATCH : sl_function_count;
    uint32_t count = from < to ? to - from : 0;
    char cell[CELL_MAX];
    for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
        sl_duckdb_handle vector = sl_duckdb.data_chunk_get_vector(chunk, c);
        for (uint32_t i = 0; i < count; i++) {
            write_cell(&sl_functions[from + i], c, cell, sizeof(cell));
            sl_duckdb.vector_assign_string_element_len(vector, i, cell, strlen(cell));
        }
    }
    sl_duckdb.data_chunk_set_size(chunk, count);
}

uint32_t sl_duckdb_register_tables(sl_duckdb_handle connection) {
    sl_duckdb_handle function = sl_duckdb.create_table_function();
    sl_duckdb.table_function_set_name(function, "sl_functions");
    sl_duckdb.table_function_set_bind(function, bind);
    sl_duckdb.table_function_set_init(function, init);
    sl_duckdb.table_function_set_function(function, run);
    uint32_t refused = sl_duckdb.register_table_function(connection, function) != 0;
    sl_duckdb.destroy_table_function(&function);
    return refused;
}
