/* floors.c - functions that do as little as a function can do, for the benchmarks: what DuckDB itself costs.
 * Contract: a DuckDB extension of its own, through the same declarations and the same way of writing texts as ours;
 * nothing is checked and no kernel runs, so no function of the same shape can be faster.
 * Source: csrc/duckdb/abi.h and csrc/duckdb/heap.h. */
#include "../../csrc/duckdb/abi.h"
#include "../../csrc/duckdb/heap.h"
#include "../../csrc/kernels/simd.h"

#if defined(_WIN32)
#define FLOORS_EXPORT __declspec(dllexport)
#else
#define FLOORS_EXPORT __attribute__((visibility("default")))
#endif

typedef struct vectors {
    sl_duckdb_handle output;
    sl_duckdb_index row_count;
    const sl_duckdb_string *texts;
    const uint64_t *validity;
    void *out;
} vectors;

static vectors open_vectors(sl_duckdb_handle chunk, sl_duckdb_handle output) {
    vectors v = {.output = output, .row_count = sl_duckdb.data_chunk_get_size(chunk)};
    sl_duckdb_handle input = sl_duckdb.data_chunk_get_vector(chunk, 0);
    v.texts = sl_duckdb.vector_get_data(input);
    v.validity = sl_duckdb.vector_get_validity(input);
    v.out = sl_duckdb.vector_get_data(output);
    if (v.validity) {
        sl_duckdb.vector_ensure_validity_writable(output);
        memcpy(sl_duckdb.vector_get_validity(output), v.validity, (v.row_count + 63) / 64 * sizeof(uint64_t));
    }
    return v;
}

/* A NULL row holds undefined bytes: it is read as an empty text. */
static inline sl_str read_row(const vectors *v, sl_duckdb_index row) {
    if (SL_UNLIKELY(!sl_duckdb_valid(v->validity, row))) return SL_STR("");
    const sl_duckdb_string *s = &v->texts[row];
    uint32_t len = s->inlined.length;
    return (sl_str){len <= SL_DUCKDB_INLINE ? s->inlined.bytes : s->pointer.ptr, len};
}

/* Length in bytes: no byte of a long text is read. */
static void noop(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    (void)info;
    vectors v = open_vectors(chunk, output);
    int64_t *out = v.out;
    for (sl_duckdb_index row = 0; row < v.row_count; row++) out[row] = read_row(&v, row).len;
}

/* Reads every byte once, but for those that the last load shares with the one before it. */
static inline int has_top_bit(sl_str text) {
    const char *last = text.ptr + text.len;
    if (SL_LIKELY(text.len >= 16)) {
        sl_v16 seen = sl_v16_load(last - 16);
        for (uint32_t at = 0; at + 16 < text.len; at += 16) seen = sl_v16_or(seen, sl_v16_load(text.ptr + at));
        return sl_v16_mask(seen) != 0;
    }
    if (text.len >= 8) {
        uint64_t head, tail;
        memcpy(&head, text.ptr, 8);
        memcpy(&tail, last - 8, 8);
        return ((head | tail) & UINT64_C(0x8080808080808080)) != 0;
    }
    int seen = 0;
    for (const char *at = text.ptr; at < last; at++) seen |= (unsigned char)*at;
    return seen >> 7;
}

/* Length in bytes of a text that is all ASCII, else 0. */
static void touch(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    (void)info;
    vectors v = open_vectors(chunk, output);
    int64_t *out = v.out;
    for (sl_duckdb_index row = 0; row < v.row_count; row++) {
        sl_str text = read_row(&v, row);
        out[row] = has_top_bit(text) ? 0 : text.len;
    }
}

/* The text itself, copied in the way in which our functions write theirs. */
static void identity(sl_duckdb_handle info, sl_duckdb_handle chunk, sl_duckdb_handle output) {
    (void)info;
    vectors v = open_vectors(chunk, output);
    heap h = {.vector = output, .rows = v.out};
    for (sl_duckdb_index row = 0; row < v.row_count; row++) {
        uint32_t len = read_row(&v, row).len;
        if (len > SL_DUCKDB_INLINE) h.ahead += len;
    }
    for (sl_duckdb_index row = 0; row < v.row_count; row++) {
        sl_str text = read_row(&v, row);
        h.row = row;
        heap_copy(&h, text.ptr, text.len);
        h.ahead -= text.len < h.ahead ? text.len : h.ahead;
    }
    heap_free(&h);
}

static int add(sl_duckdb_handle connection, const char *name, int result, sl_duckdb_scalar run) {
    sl_duckdb_handle scalar = sl_duckdb.create_scalar_function();
    sl_duckdb_handle text = sl_duckdb.create_logical_type(SL_DUCKDB_VARCHAR);
    sl_duckdb_handle type = sl_duckdb.create_logical_type(result);
    sl_duckdb.scalar_function_set_name(scalar, name);
    sl_duckdb.scalar_function_add_parameter(scalar, text);
    sl_duckdb.scalar_function_set_return_type(scalar, type);
    sl_duckdb.scalar_function_set_function(scalar, run);
    int refused = sl_duckdb.register_scalar_function(connection, scalar) != 0;
    sl_duckdb.destroy_logical_type(&text);
    sl_duckdb.destroy_logical_type(&type);
    sl_duckdb.destroy_scalar_function(&scalar);
    return refused;
}

FLOORS_EXPORT bool streamliner_floors_init_c_api(sl_duckdb_handle info, const sl_duckdb_access *access);
bool streamliner_floors_init_c_api(sl_duckdb_handle info, const sl_duckdb_access *access) {
    const void *api = access->get_api(info, SL_DUCKDB_API_VERSION);
    sl_duckdb_handle *database = api ? access->get_database(info) : NULL;
    sl_duckdb_handle connection = NULL;
    if (!database) return false;
    sl_duckdb_fill_from_slots(api);
    if (sl_duckdb.connect(*database, &connection) != 0) return false;
    int refused = add(connection, "sl_floor_noop", SL_DUCKDB_BIGINT, noop) +
                  add(connection, "sl_floor_touch", SL_DUCKDB_BIGINT, touch) +
                  add(connection, "sl_floor_identity", SL_DUCKDB_VARCHAR, identity);
    sl_duckdb.disconnect(&connection);
    if (refused) access->set_error(info, "streamliner_floors: DuckDB refused to register a function");
    return !refused;
}
