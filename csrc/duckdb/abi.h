/* abi.h - the part of DuckDB's C API that we use, declared here so that one build serves every supported DuckDB.
 * Contract: slots 0 to 356 of the function struct are stable from C API v1.2.0 on; every handle is opaque.
 * Source: DuckDB's C extension API (duckdb_ext_api_v1); each row is proved by tests/duckdb_versions on 1.4, 1.5 and 2.0. */
#ifndef SL_DUCKDB_ABI_H
#define SL_DUCKDB_ABI_H

#include "../streamliner.h"

#include <stdbool.h>

/* What others find in the library by name. */
#if defined(_WIN32)
#define SL_EXPORT __declspec(dllexport)
#else
#define SL_EXPORT __attribute__((visibility("default")))
#endif

typedef void *sl_duckdb_handle;
typedef uint64_t sl_duckdb_index;

/* The vector layout of VARCHAR: texts up to 12 bytes inside, zero padded; longer ones behind a pointer. */
typedef union sl_duckdb_string {
    struct {
        uint32_t length;
        char bytes[12];
    } inlined;
    struct {
        uint32_t length;
        char prefix[4];
        const char *ptr;
    } pointer;
    uint64_t words[2];
} sl_duckdb_string;
enum { SL_DUCKDB_INLINE = 12 };
_Static_assert(sizeof(sl_duckdb_string) == 16, "DuckDB strings are 16 bytes");

typedef struct sl_duckdb_list_entry {
    uint64_t offset, length;
} sl_duckdb_list_entry;

typedef struct sl_duckdb_hugeint {
    uint64_t lower;
    int64_t upper;
} sl_duckdb_hugeint;

enum sl_duckdb_type {
    SL_DUCKDB_BOOLEAN = 1,
    SL_DUCKDB_BIGINT = 5,
    SL_DUCKDB_UBIGINT = 9,
    SL_DUCKDB_DOUBLE = 11,
    SL_DUCKDB_TIMESTAMP = 12,
    SL_DUCKDB_VARCHAR = 17,
    SL_DUCKDB_BLOB = 18,
    SL_DUCKDB_UUID = 27
};

typedef void (*sl_duckdb_scalar)(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output);
typedef void (*sl_duckdb_step)(sl_duckdb_handle info);
typedef void (*sl_duckdb_run)(sl_duckdb_handle info, sl_duckdb_handle chunk);
typedef void (*sl_duckdb_delete)(void *data);

/* SL_SLOT(index, return type, name without duckdb_, arguments) */
#define SL_SLOTS                                                                                                     \
    SL_SLOT(3, int, connect, (sl_duckdb_handle database, sl_duckdb_handle *connection))                              \
    SL_SLOT(6, void, disconnect, (sl_duckdb_handle * connection))                                                    \
    SL_SLOT(156, sl_duckdb_handle, create_logical_type, (int type))                                                  \
    SL_SLOT(159, sl_duckdb_handle, create_list_type, (sl_duckdb_handle type))                                        \
    SL_SLOT(163, sl_duckdb_handle, create_struct_type,                                                               \
            (sl_duckdb_handle * types, const char **names, sl_duckdb_index count))                                   \
    SL_SLOT(184, void, destroy_logical_type, (sl_duckdb_handle * type))                                              \
    SL_SLOT(190, sl_duckdb_handle, data_chunk_get_vector, (sl_duckdb_handle chunk, sl_duckdb_index column))          \
    SL_SLOT(191, sl_duckdb_index, data_chunk_get_size, (sl_duckdb_handle chunk))                                     \
    SL_SLOT(192, void, data_chunk_set_size, (sl_duckdb_handle chunk, sl_duckdb_index size))                          \
    SL_SLOT(194, void *, vector_get_data, (sl_duckdb_handle vector))                                                 \
    SL_SLOT(195, uint64_t *, vector_get_validity, (sl_duckdb_handle vector))                                         \
    SL_SLOT(196, void, vector_ensure_validity_writable, (sl_duckdb_handle vector))                                   \
    SL_SLOT(198, void, vector_assign_string_element_len,                                                             \
            (sl_duckdb_handle vector, sl_duckdb_index row, const char *ptr, sl_duckdb_index len))                    \
    SL_SLOT(199, sl_duckdb_handle, list_vector_get_child, (sl_duckdb_handle vector))                                 \
    SL_SLOT(201, int, list_vector_set_size, (sl_duckdb_handle vector, sl_duckdb_index size))                         \
    SL_SLOT(202, int, list_vector_reserve, (sl_duckdb_handle vector, sl_duckdb_index capacity))                      \
    SL_SLOT(203, sl_duckdb_handle, struct_vector_get_child, (sl_duckdb_handle vector, sl_duckdb_index field))        \
    SL_SLOT(209, sl_duckdb_handle, create_scalar_function, (void))                                                   \
    SL_SLOT(210, void, destroy_scalar_function, (sl_duckdb_handle * function))                                       \
    SL_SLOT(211, void, scalar_function_set_name, (sl_duckdb_handle function, const char *name))                      \
    SL_SLOT(215, void, scalar_function_add_parameter, (sl_duckdb_handle function, sl_duckdb_handle type))            \
    SL_SLOT(216, void, scalar_function_set_return_type, (sl_duckdb_handle function, sl_duckdb_handle type))          \
    SL_SLOT(217, void, scalar_function_set_extra_info,                                                               \
            (sl_duckdb_handle function, void *data, sl_duckdb_delete release))                                       \
    SL_SLOT(218, void, scalar_function_set_function, (sl_duckdb_handle function, sl_duckdb_scalar run))              \
    SL_SLOT(219, int, register_scalar_function, (sl_duckdb_handle connection, sl_duckdb_handle function))            \
    SL_SLOT(220, void *, scalar_function_get_extra_info, (sl_duckdb_handle info))                                    \
    SL_SLOT(221, void, scalar_function_set_error, (sl_duckdb_handle info, const char *message))                      \
    SL_SLOT(222, sl_duckdb_handle, create_scalar_function_set, (const char *name))                                   \
    SL_SLOT(223, void, destroy_scalar_function_set, (sl_duckdb_handle * set))                                        \
    SL_SLOT(224, int, add_scalar_function_to_set, (sl_duckdb_handle set, sl_duckdb_handle function))                 \
    SL_SLOT(225, int, register_scalar_function_set, (sl_duckdb_handle connection, sl_duckdb_handle set))             \
    SL_SLOT(242, sl_duckdb_handle, create_table_function, (void))                                                    \
    SL_SLOT(243, void, destroy_table_function, (sl_duckdb_handle * function))                                        \
    SL_SLOT(244, void, table_function_set_name, (sl_duckdb_handle function, const char *name))                       \
    SL_SLOT(248, void, table_function_set_bind, (sl_duckdb_handle function, sl_duckdb_step bind))                    \
    SL_SLOT(249, void, table_function_set_init, (sl_duckdb_handle function, sl_duckdb_step init))                    \
    SL_SLOT(251, void, table_function_set_function, (sl_duckdb_handle function, sl_duckdb_run run))                  \
    SL_SLOT(253, int, register_table_function, (sl_duckdb_handle connection, sl_duckdb_handle function))             \
    SL_SLOT(255, void, bind_add_result_column, (sl_duckdb_handle info, const char *name, sl_duckdb_handle type))     \
    SL_SLOT(264, void, init_set_init_data, (sl_duckdb_handle info, void *data, sl_duckdb_delete release))            \
    SL_SLOT(271, void *, function_get_init_data, (sl_duckdb_handle info))                                            \
    SL_SLOT(24, void *, malloc, (size_t size))                                                                       \
    SL_SLOT(25, void, free, (void *ptr))

typedef struct sl_duckdb_api {
#define SL_SLOT(index, type, name, arguments) type(*name) arguments;
    SL_SLOTS
#undef SL_SLOT
    /* vector_assign_string_element_len, or where DuckDB exports it the one that takes on trust that the bytes are UTF-8:
     * the doors only hand over zeros, and text that a kernel made. */
    void (*assign_trusted)(sl_duckdb_handle vector, sl_duckdb_index row, const char *ptr, sl_duckdb_index len);
} sl_duckdb_api;

/* What DuckDB hands to an extension's entry point. */
typedef struct sl_duckdb_access {
    void (*set_error)(sl_duckdb_handle info, const char *message);
    sl_duckdb_handle *(*get_database)(sl_duckdb_handle info);
    const void *(*get_api)(sl_duckdb_handle info, const char *version);
} sl_duckdb_access;

/* What a describe function fills in for duckdb_register_static_extension (layout 1). */
typedef struct sl_duckdb_descriptor {
    uint32_t version;
    void (*set_error)(struct sl_duckdb_descriptor *descriptor, const char *message);
    void *internal;
    const char *name;
    const char *extension_version;
    const char *api_version;
    void (*entry_cpp)(void);
    void (*entry_capi_v1)(void);
    void (*entry_capi_v2)(void);
} sl_duckdb_descriptor;

typedef int32_t (*sl_duckdb_describe)(sl_duckdb_descriptor *descriptor);

#define SL_DUCKDB_API_VERSION "v1.2.0"

/* Filled before anything is registered, from found names or from the struct that get_api returns. */
extern sl_duckdb_api sl_duckdb;
void sl_duckdb_fill(const sl_duckdb_api *api);
void sl_duckdb_fill_from_slots(const void *slots);

/* What DuckDB copies to make a heap segment: zeros are valid UTF-8. */
enum { SL_DUCKDB_ZEROS = 1 << 20 };
extern char sl_duckdb_zeros[SL_DUCKDB_ZEROS];

/* Both return how many registrations DuckDB refused. */
uint32_t sl_duckdb_register_scalars(sl_duckdb_handle connection);
uint32_t sl_duckdb_register_tables(sl_duckdb_handle connection);

/* SQL name of a type: of a result, or of a bare type where result is NULL. Always NUL-terminated. */
void sl_duckdb_type_name(const sl_result *result, sl_type type, char *out, size_t cap);
/* Bit i of a validity mask; NULL means that every row is valid. */
static inline int sl_duckdb_valid(const uint64_t *validity, sl_duckdb_index row) {
    return !validity || validity[row >> 6] >> (row & 63) & 1;
}

#endif
