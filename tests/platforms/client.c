/* client.c - a client of DuckDB in C, for platforms on which nothing else of ours runs: every golden case as SQL.
 * Contract: client LIBRARY EXTENSION CASES [static]. LIBRARY is DuckDB's, EXTENSION ours with its footer, which is LOADed, or
 * with `static` registered before a database is opened. CASES are pairs of texts that end with NUL: SQL of one value, and
 * what it gives as text, or of its error what follows a "!". */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <windows.h>
#include <shellapi.h>
#else
#include <dlfcn.h>
#endif

typedef void (*any_function)(void);
typedef void *handle;
/* duckdb_result: six words. */
typedef struct result {
    uint64_t words[6];
} result;

/* What is used of duckdb.h. */
#define FUNCTIONS                                                                              \
    FUNCTION(int, open_ext, (const char *path, handle *database, handle config, char **error)) \
    FUNCTION(int, create_config, (handle * config))                                            \
    FUNCTION(int, set_config, (handle config, const char *name, const char *value))            \
    FUNCTION(void, destroy_config, (handle * config))                                          \
    FUNCTION(int, connect, (handle database, handle *connection))                              \
    FUNCTION(int, query, (handle connection, const char *sql, result *out))                    \
    FUNCTION(const char *, result_error, (result * result))                                    \
    FUNCTION(char *, value_varchar, (result * result, uint64_t column, uint64_t row))          \
    FUNCTION(void, free, (void *ptr))                                                          \
    FUNCTION(void, destroy_result, (result * result))                                          \
    FUNCTION(void, disconnect, (handle * connection))                                          \
    FUNCTION(void, close, (handle * database))                                                 \
    FUNCTION(const char *, library_version, (void))

#define FUNCTION(type, name, arguments) static type(*duckdb_##name) arguments;
FUNCTIONS
#undef FUNCTION

static void fail(const char *what, const char *why) {
    fprintf(stderr, "client: %s: %s\n", what, why ? why : "?");
    exit(1);
}

/* Paths are UTF-8 everywhere, as DuckDB takes them. */
#if defined(_WIN32)
static void *open_library(const char *path) {
    WCHAR wide[1024];
    return MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, 1024) ? (void *)LoadLibraryW(wide) : NULL;
}
static any_function find(void *library, const char *name) { return (any_function)GetProcAddress(library, name); }
static char *as_utf8(int number, char *argument) {
    int count, len;
    WCHAR *wide = CommandLineToArgvW(GetCommandLineW(), &count)[number];
    char *utf8 = calloc(1, (size_t)(len = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL)));
    return utf8 && WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, len, NULL, NULL) ? utf8 : argument;
}
#else
static void *open_library(const char *path) { return dlopen(path, RTLD_LAZY); }
static any_function find(void *library, const char *name) { return (any_function)dlsym(library, name); }
static char *as_utf8(int number, char *argument) { return (void)number, argument; }
#endif

static char *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) fail(path, "expected a file");
    *len = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*len + 1);
    if (!bytes || fread(bytes, 1, *len, file) != *len) fail(path, "expected to read all of it");
    bytes[*len] = 0;
    fclose(file);
    return bytes;
}

static void load_duckdb(const char *path) {
    void *library = open_library(path);
    if (!library) fail(path, "expected a library that this system loads");
#define FUNCTION(type, name, arguments)                                   \
    duckdb_##name = (type(*) arguments)find(library, "duckdb_" #name);    \
    if (!duckdb_##name) fail(path, "expected it to export duckdb_" #name);
    FUNCTIONS
#undef FUNCTION
}

/* What the package does when it is imported. Gives 0 where DuckDB is too old for it, and says so. */
static int register_static(const char *library, const char *extension) {
    char error[512] = "";
    void *ours = open_library(extension);
    if (!ours) fail(extension, "expected a library that this system loads");
    int32_t (*enlist)(const char *, char *, uint32_t) =
        (int32_t(*)(const char *, char *, uint32_t))find(ours, "streamliner_udf_register_static");
    if (!enlist) fail(extension, "expected it to export streamliner_udf_register_static");
    int refused = enlist(library, error, sizeof(error)) != 0;
    if (strncmp(duckdb_library_version(), "v1.", 3) == 0 && refused && strstr(error, "expected DuckDB 2.0 or newer")) return 0;
    if (refused) fail("streamliner_udf_register_static", error);
    return 1;
}

/* Whether the answer is the expected one. */
static int ask(handle connection, const char *sql, const char *expected) {
    result result;
    int failed = duckdb_query(connection, sql, &result) != 0, equal;
    if (failed) {
        const char *error = duckdb_result_error(&result);
        equal = expected[0] == '!' && strstr(error, expected + 1) != NULL;
        if (!equal) fprintf(stderr, "client: %.2000s\n  error: %s\n  want: %.500s\n", sql, error, expected);
    } else {
        char *got = duckdb_value_varchar(&result, 0, 0);
        equal = strcmp(got ? got : "", expected) == 0;
        if (!equal) fprintf(stderr, "client: %.2000s\n  got: %.500s\n  want: %.500s\n", sql, got ? got : "", expected);
        duckdb_free(got);
    }
    duckdb_destroy_result(&result);
    return equal;
}

int main(int count, char **arguments) {
    if (count < 4) fail("arguments", "expected LIBRARY EXTENSION CASES [static]");
    int is_static = count > 4 && strcmp(arguments[4], "static") == 0;
    for (int i = 1; i < count; i++) arguments[i] = as_utf8(i, arguments[i]);
    handle config, database = NULL, connection = NULL;
    char *error = NULL, load[1024];
    size_t len, asked = 0, wrong = 0;
    const char *cases = read_file(arguments[3], &len), *stop = cases + len;
    load_duckdb(arguments[1]);
    if (is_static && !register_static(arguments[1], arguments[2])) {
        printf("client: DuckDB %s, static: refused, as it has to be before 2.0\n", duckdb_library_version());
        return 0;
    }
    if (duckdb_create_config(&config) != 0 || duckdb_set_config(config, "allow_unsigned_extensions", "true") != 0)
        fail("allow_unsigned_extensions", "refused");
    if (duckdb_open_ext(NULL, &database, config, &error) != 0) fail("open", error);
    duckdb_destroy_config(&config);
    if (duckdb_connect(database, &connection) != 0) fail("connect", "refused");
    snprintf(load, sizeof(load), "LOAD '%s'", arguments[2]);
    result result;
    if (!is_static && duckdb_query(connection, load, &result) != 0) fail(load, duckdb_result_error(&result));
    if (!is_static) duckdb_destroy_result(&result);
    while (cases < stop) {
        const char *expected = cases + strlen(cases) + 1;
        wrong += !ask(connection, cases, expected);
        cases = expected + strlen(expected) + 1;
        asked++;
    }
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    printf("client: DuckDB %s, %s: %u statements, %u wrong\n", duckdb_library_version(), is_static ? "static" : "LOAD",
           (unsigned)asked, (unsigned)wrong);
    return wrong != 0 || asked == 0;
}
