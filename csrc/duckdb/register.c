/* register.c - the function table as scalar functions of DuckDB: an overload for each number of arguments.
 * Contract: what DuckDB refuses is counted and never an error. */
#include "call.h"

static sl_duckdb_handle plain_type(sl_type type) {
    static const int ids[] = {
        [SL_TYPE_TEXT] = SL_DUCKDB_VARCHAR,     [SL_TYPE_INTEGER] = SL_DUCKDB_BIGINT,
        [SL_TYPE_NATURAL] = SL_DUCKDB_UBIGINT,  [SL_TYPE_REAL] = SL_DUCKDB_DOUBLE,
        [SL_TYPE_BOOLEAN] = SL_DUCKDB_BOOLEAN,  [SL_TYPE_UUID] = SL_DUCKDB_UUID,
        [SL_TYPE_TEXTS] = SL_DUCKDB_VARCHAR,    [SL_TYPE_INTEGERS] = SL_DUCKDB_BIGINT,
        [SL_TYPE_NATURALS] = SL_DUCKDB_UBIGINT, [SL_TYPE_TIMESTAMP] = SL_DUCKDB_TIMESTAMP};
    sl_duckdb_handle plain = sl_duckdb.create_logical_type(ids[type]);
    if (!is_list(type)) return plain;
    sl_duckdb_handle list = sl_duckdb.create_list_type(plain);
    sl_duckdb.destroy_logical_type(&plain);
    return list;
}

static sl_duckdb_handle result_type(const sl_result *result) {
    int is_struct = result->type == SL_TYPE_STRUCT;
    if (result->type != SL_TYPE_LIST && !is_struct) return plain_type(result->type);
    sl_duckdb_handle fields[FIELD_MAX];
    const char *names[FIELD_MAX];
    for (uint32_t f = 0; f < result->field_count; f++) {
        fields[f] = plain_type(result->fields[f].type);
        names[f] = result->fields[f].name;
    }
    sl_duckdb_handle element =
        names[0] ? sl_duckdb.create_struct_type(fields, names, result->field_count) : fields[0];
    if (names[0])
        for (uint32_t f = 0; f < result->field_count; f++) sl_duckdb.destroy_logical_type(&fields[f]);
    if (is_struct) return element;
    sl_duckdb_handle list = sl_duckdb.create_list_type(element);
    sl_duckdb.destroy_logical_type(&element);
    return list;
}

/* The overload that takes the first `argument_count` parameters. */
static sl_duckdb_handle make_overload(const sl_function *function, uint32_t argument_count, int other) {
    overload *extra = sl_duckdb.malloc(sizeof(overload));
    if (!extra) return NULL;
    *extra = (overload){function, argument_count, other};
    char name[64];
    snprintf(name, sizeof(name), "sl_%s", function->name);
    sl_duckdb_handle scalar = sl_duckdb.create_scalar_function();
    sl_duckdb.scalar_function_set_name(scalar, name);
    for (uint32_t p = 0; p < argument_count; p++) {
        const sl_param *param = &function->params[p];
        sl_duckdb_handle type = other && param->open ? sl_duckdb.create_logical_type(SL_DUCKDB_BLOB)
                                : is_uuid(extra, param) ? plain_type(SL_TYPE_UUID)
                                                        : plain_type(param->fallback.type);
        sl_duckdb.scalar_function_add_parameter(scalar, type);
        sl_duckdb.destroy_logical_type(&type);
    }
    sl_duckdb_handle type = result_type(function->result);
    sl_duckdb.scalar_function_set_return_type(scalar, type);
    sl_duckdb.destroy_logical_type(&type);
    sl_duckdb.scalar_function_set_extra_info(scalar, extra, sl_duckdb.free);
    sl_duckdb.scalar_function_set_function(scalar, sl_duckdb_scalar_run);
    return scalar;
}

static uint32_t register_function(sl_duckdb_handle connection, const sl_function *function) {
    char name[64];
    snprintf(name, sizeof(name), "sl_%s", function->name);
    uint32_t required = 0, refused = 0;
    int others = 0;
    while (required < function->param_count && function->params[required].required) required++;
    for (uint32_t p = 0; p < function->param_count; p++)
        others |= function->params[p].or_uuid || function->params[p].open;
    sl_duckdb_handle set = sl_duckdb.create_scalar_function_set(name);
    for (uint32_t count = required; count <= function->param_count; count++) {
        for (int other = 0; other <= others; other++) {
            sl_duckdb_handle scalar = make_overload(function, count, other);
            if (!scalar || sl_duckdb.add_scalar_function_to_set(set, scalar) != 0) refused = 1;
            if (scalar) sl_duckdb.destroy_scalar_function(&scalar);
        }
    }
    if (sl_duckdb.register_scalar_function_set(connection, set) != 0) refused = 1;
    sl_duckdb.destroy_scalar_function_set(&set);
    return refused;
}

static void version_callback(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    (void)info;
    sl_duckdb_string *out = sl_duckdb.vector_get_data(output);
    _Static_assert(sizeof(SL_VERSION) - 1 <= SL_DUCKDB_INLINE, "the version must fit inline");
    sl_duckdb_index count = sl_duckdb.data_chunk_get_size(chunk);
    for (sl_duckdb_index row = 0; row < count; row++) write_inlined(&out[row], SL_VERSION, sizeof(SL_VERSION) - 1);
}

static uint32_t register_version(sl_duckdb_handle connection) {
    sl_duckdb_handle scalar = sl_duckdb.create_scalar_function();
    sl_duckdb_handle type = plain_type(SL_TYPE_TEXT);
    sl_duckdb.scalar_function_set_name(scalar, "sl_version");
    sl_duckdb.scalar_function_set_return_type(scalar, type);
    sl_duckdb.scalar_function_set_function(scalar, version_callback);
    uint32_t refused = sl_duckdb.register_scalar_function(connection, scalar) != 0;
    sl_duckdb.destroy_logical_type(&type);
    sl_duckdb.destroy_scalar_function(&scalar);
    return refused;
}

uint32_t sl_duckdb_register_scalars(sl_duckdb_handle connection) {
    uint32_t refused = register_version(connection);
    for (uint32_t f = 0; f < sl_function_count; f++) refused += register_function(connection, &sl_functions[f]);
    return refused;
}
