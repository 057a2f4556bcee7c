/* extension.c - the two ways into DuckDB: LOAD of this library, and static registration with the running process.
 * Contract: a static registration that fails would break every later connect of the process, so the describe function
 * and its entry never fail; and no way keeps a database alive: each entry closes the connection that it opened.
 * Source: DuckDB's C extension API; duckdb_static_extension.h of DuckDB 2.0 (descriptor layout 1). */
#include "abi.h"

#include <stdio.h>

#if defined(_WIN32)
#include "win32.h"
#else
#include <dlfcn.h>

#include "../old_glibc.h"

SL_OLD_GLIBC(dlopen);
SL_OLD_GLIBC(dlsym);
#endif

typedef void (*sl_any_function)(void);

/* A library that the process has loaded already, or NULL; its path is UTF-8 everywhere. */
#if defined(_WIN32)
static void *find_library(const char *path) {
    WCHAR wide[1 << 15]; /* no path is longer */
    if (!MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, sizeof(wide) / sizeof(*wide))) return NULL;
    return GetModuleHandleW(wide);
}
static sl_any_function find_name(void *library, const char *name) {
    return (sl_any_function)GetProcAddress((HMODULE)library, name);
}
#else
static void *find_library(const char *path) { return dlopen(path, RTLD_NOW | RTLD_NOLOAD); }
static sl_any_function find_name(void *library, const char *name) { return (sl_any_function)dlsym(library, name); }
#endif

static uint32_t register_all(sl_duckdb_handle database) {
    sl_duckdb_handle connection = NULL;
    if (sl_duckdb.connect(database, &connection) != 0) return 1;
    uint32_t refused = sl_duckdb_register_scalars(connection) + sl_duckdb_register_tables(connection);
    sl_duckdb.disconnect(&connection);
    return refused;
}

/* LOAD 'streamliner_udf.duckdb_extension' calls this. */
SL_EXPORT bool streamliner_udf_init_c_api(sl_duckdb_handle info, const sl_duckdb_access *access);
bool streamliner_udf_init_c_api(sl_duckdb_handle info, const sl_duckdb_access *access) {
    const void *api = access->get_api(info, SL_DUCKDB_API_VERSION);
    if (!api) return false; /* DuckDB has recorded why */
    sl_duckdb_fill_from_slots(api);
    sl_duckdb_handle *database = access->get_database(info);
    if (!database) return false;
    if (register_all(*database) != 0) {
        access->set_error(info, "streamliner_udf: DuckDB refused to register a function whose name is already taken; "
                                "drop functions named sl_... and LOAD again");
        return false;
    }
    return true;
}

/* DuckDB >= 2.0 calls this for every database it opens after the registration. Here get_api is NULL: the functions
 * were found by name before. */
static bool static_entry(sl_duckdb_handle info, const sl_duckdb_access *access) {
    sl_duckdb_handle *database = access->get_database(info);
    if (database) (void)register_all(*database);
    return true;
}

SL_EXPORT int32_t duckdb_extension_streamliner_udf_describe(sl_duckdb_descriptor *descriptor);
int32_t duckdb_extension_streamliner_udf_describe(sl_duckdb_descriptor *descriptor) {
    descriptor->version = 1;
    descriptor->name = "streamliner_udf";
    descriptor->extension_version = SL_VERSION;
    descriptor->api_version = SL_DUCKDB_API_VERSION;
    descriptor->entry_capi_v1 = (sl_any_function)static_entry;
    return 0;
}

/* Registers this library with the DuckDB that lives in the loaded file `path`. 0: done; otherwise `error` says why and
 * nothing has been changed, except for code 2: DuckDB itself refused. */
SL_EXPORT int32_t streamliner_udf_register_static(const char *path, char *error, uint32_t cap);
int32_t streamliner_udf_register_static(const char *path, char *error, uint32_t cap) {
    void *library = find_library(path);
    if (!library) {
        snprintf(error, cap, "expected DuckDB to be loaded from %s, but the process has no such library", path);
        return 1;
    }
    int32_t (*enlist)(sl_duckdb_describe) = (int32_t(*)(sl_duckdb_describe))find_name(library, "duckdb_register_static_extension");
    if (!enlist) {
        snprintf(error, cap, "expected DuckDB 2.0 or newer, but this one has no duckdb_register_static_extension");
        return 1;
    }
    sl_duckdb_api api;
    const char *missing = NULL;
#define SL_SLOT(index, type, name, arguments)                   \
    api.name = (type(*) arguments)find_name(library, "duckdb_" #name);     \
    if (!api.name) missing = "duckdb_" #name;
    SL_SLOTS
#undef SL_SLOT
    if (missing) {
        snprintf(error, cap, "expected DuckDB to export %s, but it does not", missing);
        return 1;
    }
    sl_any_function trusted = find_name(library, "duckdb_unsafe_vector_assign_string_element_len");
    api.assign_trusted = api.vector_assign_string_element_len;
    if (trusted) memcpy(&api.assign_trusted, &trusted, sizeof(trusted));
    sl_duckdb_fill(&api);
    if (enlist(duckdb_extension_streamliner_udf_describe) != 0) {
        snprintf(error, cap, "DuckDB refused the registration: another extension named streamliner_udf is registered");
        return 2;
    }
    return 0;
}
