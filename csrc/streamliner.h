/* streamliner.h - the kernel ABI: what every kernel takes, what it gives, and the function table.
 * Contract: kernels are pure C11, get (pointer, length), never read past the length, never abort, keep no
 * global mutable state, and use neither the locale nor anything of Python or DuckDB.
 * Text is UTF-8. The doors validate it; a kernel must still be memory-safe on any bytes. */
#ifndef STREAMLINER_H
#define STREAMLINER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SL_VERSION "0.1.0"

/* Positive codes are errors; SL_UNCHANGED is a success that says "the output equals the input". */
typedef enum sl_status {
    SL_UNCHANGED = -1,
    SL_OK = 0,
    SL_ENOMEM,
    SL_EUTF8,
    SL_EARG,
    SL_ERANGE,
    SL_STATUS_COUNT
} sl_status;

/* One static sentence a code; the door puts the function's name before it. */
const char *sl_status_text(sl_status status);

#define SL_TRY(expression)                     \
    do {                                       \
        sl_status sl_try_ = (expression);      \
        if (sl_try_ > SL_OK) return sl_try_;   \
    } while (0)

/* A borrowed run of bytes. ptr == NULL means SQL NULL where a NULL is allowed, and is never seen by a kernel's input. */
typedef struct sl_str {
    const char *ptr;
    uint32_t len;
} sl_str;

/* A borrowed list of 64-bit numbers; unsigned ones have their bits here. ptr == NULL means SQL NULL, and is never seen by a
 * kernel. */
typedef struct sl_numbers {
    const int64_t *ptr;
    uint32_t count;
} sl_numbers;

#define SL_STR(literal) ((sl_str){(literal), (uint32_t)(sizeof(literal) - 1)})
/* The longest text a kernel may be given or may produce. */
#define SL_TEXT_MAX UINT32_MAX

/* The sentence that explains SL_EARG or SL_ERANGE: what was expected and what came. */
typedef struct sl_error {
    char text[256];
} sl_error;

#if defined(__GNUC__)
#if defined(_WIN32) && !defined(__clang__) /* whose __printf__ is Microsoft's of before C99 */
#define SL_PRINTF(at, first) __attribute__((__format__(__gnu_printf__, at, first)))
#else
#define SL_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#endif
#define SL_LIKELY(x) __builtin_expect(!!(x), 1)
#define SL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define SL_PRINTF(at, first)
#define SL_LIKELY(x) (x)
#define SL_UNLIKELY(x) (x)
#endif

/* Fills `error` and returns SL_EARG, so that a caller can `return sl_error_set(...)`. Text is cut at a code point. */
sl_status sl_error_set(sl_error *error, const char *format, ...) SL_PRINTF(2, 3);

/* What the processor can do beyond the plain one of its family: each level includes those before it. */
enum { SL_CPU_PLAIN = 1, SL_CPU_SSSE3, SL_CPU_AVX2, SL_CPU_AVX512 };
int sl_cpu_level(void);
/* Whether it has instructions for SHA-1 and SHA-256; never at SL_CPU_PLAIN. */
int sl_cpu_has_sha(void);

/* ---- output of one text -------------------------------------------------------------------------------------- */

/* A growable buffer that the door owns. A kernel is handed one with len == 0, makes room with sl_buf_reserve and
 * appends; ptr may move whenever room is made. grow() gives at least `extra` free bytes after len or SL_ENOMEM. */
typedef struct sl_buf {
    char *ptr;
    size_t len;
    size_t cap;
    sl_status (*grow)(struct sl_buf *buf, size_t extra);
    void *owner;
} sl_buf;

static inline sl_status sl_buf_reserve(sl_buf *buf, size_t extra) {
    return SL_LIKELY(buf->cap - buf->len >= extra) ? SL_OK : buf->grow(buf, extra);
}

static inline sl_status sl_buf_append(sl_buf *buf, const char *ptr, size_t len) {
    SL_TRY(sl_buf_reserve(buf, len));
    if (len) memcpy(buf->ptr + buf->len, ptr, len);
    buf->len += len;
    return SL_OK;
}

/* A buffer on the C heap, for doors, scratch and tests: start from SL_BUF_HEAP, end with sl_buf_free. */
sl_status sl_buf_grow_heap(sl_buf *buf, size_t extra);
void sl_buf_free(sl_buf *buf);
#define SL_BUF_HEAP ((sl_buf){NULL, 0, 0, sl_buf_grow_heap, NULL})

/* ---- output of a list ---------------------------------------------------------------------------------------- */

/* A result, or one field of one list element. Only the text of a field can be NULL (ptr == NULL). Times are microseconds
 * since 1970-01-01. */
typedef union sl_cell {
    sl_str text;
    int64_t integer; /* of a BOOLEAN: 0 or 1 */
    uint64_t natural;
    double real;
} sl_cell;

typedef struct sl_block sl_block;

/* A sink for list elements. Elements gather in `cells` (`columns` cells each) and are handed to flush() a block at a
 * time, so a kernel that makes a million elements never holds them all. Order of calls for one element:
 *   1. sl_rows_add gives its cells (and may flush the elements before it);
 *   2. fill the cells; texts may point into the kernel's input, into constants, or into memory of sl_rows_text;
 *   3. nothing that an element points to may change before the kernel returns. */
typedef struct sl_rows {
    sl_cell *cells;
    uint32_t columns;
    uint32_t count;
    uint32_t capacity;
    size_t expected; /* elements that the kernel will add from here on, where it knows; a wish to make room at once */
    sl_status (*flush)(struct sl_rows *rows);
    /* Of lists of bare 64-bit numbers: gives the place of the next `count` elements, which the kernel then fills, instead of
     * as many cells. For lists whose length is known, and much the same in each row. NULL where the door has no such way. */
    sl_status (*place)(struct sl_rows *rows, size_t count, uint64_t **out);
    void *owner;
    sl_block *blocks;
} sl_rows;

static inline sl_status sl_rows_add(sl_rows *rows, sl_cell **cells) {
    if (SL_UNLIKELY(rows->count == rows->capacity)) SL_TRY(rows->flush(rows));
    *cells = rows->cells + (size_t)rows->count++ * rows->columns;
    return SL_OK;
}

/* Memory of `len` bytes that lives until the element last added has been flushed: call it after sl_rows_add. */
sl_status sl_rows_text(sl_rows *rows, size_t len, char **out);
/* For doors: forget all memory of sl_rows_text (the largest block is kept for the next use), or give it back. */
void sl_rows_reset(sl_rows *rows);
void sl_rows_free(sl_rows *rows);

/* ---- options -------------------------------------------------------------------------------------------------- */

typedef enum sl_type {
    SL_TYPE_TEXT,
    SL_TYPE_INTEGER,
    SL_TYPE_NATURAL,
    SL_TYPE_REAL,
    SL_TYPE_BOOLEAN,
    SL_TYPE_UUID,
    SL_TYPE_TIMESTAMP,
    SL_TYPE_TEXTS,    /* of parameters only: lists of the type in their name */
    SL_TYPE_INTEGERS,
    SL_TYPE_NATURALS,
    SL_TYPE_LIST,     /* of results only */
    SL_TYPE_STRUCT    /* of results only */
} sl_type;

/* A typed value: an option's argument or its default. BOOLEAN uses integer; TEXTS uses texts, none of them NULL. */
typedef struct sl_value {
    sl_type type;
    sl_str text;
    int64_t integer;
    double real;
    const sl_str *texts;
    uint32_t count;
} sl_value;

/* Options after preparation: immutable, shared by threads. Small ones live in `word`; larger ones behind `object`,
 * which release() gives back (release may be NULL). */
typedef struct sl_options {
    uint64_t word[2];
    void *object;
    void (*release)(void *object);
} sl_options;

/* Checks and compiles the option arguments of one function, in the order of its row, defaults filled in, none NULL.
 * Called once for each distinct set of values and not once a row. Texts of the values live as long as the options. */
typedef sl_status (*sl_prepare)(const sl_value *values, sl_options *options, sl_error *error);

/* ---- the table ------------------------------------------------------------------------------------------------ */

typedef struct sl_uuid {
    uint8_t bytes[16]; /* network order */
} sl_uuid;

/* A shape is what a kernel takes and gives; each door has one adapter a shape. */
typedef enum sl_shape {
    SL_SHAPE_TEXT,         /* text -> text */
    SL_SHAPE_ROWS,         /* text -> list of text, number or struct, or one struct */
    SL_SHAPE_UUID,         /* text -> UUID */
    SL_SHAPE_NUMBER,       /* text -> integer, natural, real or boolean */
    SL_SHAPE_PAIR,         /* text, text -> as NUMBER */
    SL_SHAPE_NUMBERS_ROWS, /* numbers -> as ROWS */
    SL_SHAPE_NUMBERS_PAIR, /* numbers, numbers -> as NUMBER */
    SL_SHAPE_COUNT
} sl_shape;

typedef sl_status (*sl_kernel_TEXT)(sl_str text, const sl_options *options, sl_buf *out);
typedef sl_status (*sl_kernel_ROWS)(sl_str text, const sl_options *options, sl_rows *out);
typedef sl_status (*sl_kernel_UUID)(sl_str text, const sl_options *options, sl_uuid *out);
typedef sl_status (*sl_kernel_NUMBER)(sl_str text, const sl_options *options, sl_cell *out);
typedef sl_status (*sl_kernel_PAIR)(sl_str a, sl_str b, const sl_options *options, sl_cell *out);
/* Numbers can be wrong where texts cannot: these may fill `error` and return SL_EARG. */
typedef sl_status (*sl_kernel_NUMBERS_ROWS)(sl_numbers numbers, const sl_options *options, sl_rows *out,
                                            sl_error *error);
typedef sl_status (*sl_kernel_NUMBERS_PAIR)(sl_numbers a, sl_numbers b, const sl_options *options, sl_cell *out,
                                            sl_error *error);

/* Arguments of the row are what the kernel reads for each row; options go through prepare first. */
/* Bytes of a file as the text that a kernel reads: valid UTF-8, in `bytes` or in `out`, which is empty and on the heap. */
typedef sl_status (*sl_opener)(sl_str bytes, sl_buf *out, sl_str *text, sl_error *error);

typedef enum sl_role { SL_ROLE_ROW, SL_ROLE_OPTION } sl_role;

typedef struct sl_param {
    const char *name;
    sl_role role;
    int required;
    sl_value fallback; /* its type is the parameter's type, also when required */
    int or_uuid;       /* a TEXT that can be given as a UUID too; prepare sees its 36 characters */
    sl_opener open;    /* of a text of the row that can be given as the bytes of a file too, or NULL */
} sl_param;

/* name == NULL: the list holds bare values and not structs. */
typedef struct sl_field {
    const char *name;
    sl_type type;
} sl_field;

/* Bytes from ptr on, at most len, in which the function finds nothing to do, however they are cut into texts: TEXT
 * kernels answer "unchanged" for every text out of them, ROWS kernels give nothing, NUMBER kernels give zero. Doors use it
 * to pass over many texts with one look; it may stop early. Of a function that trims that holds only for texts that neither
 * begin nor end with a space. */
typedef size_t (*sl_scan)(const char *ptr, size_t len, const sl_options *options);

typedef struct sl_result {
    sl_type type; /* SL_TYPE_LIST and SL_TYPE_STRUCT: `fields` say of what */
    const sl_field *fields;
    uint32_t field_count;
} sl_result;

typedef struct sl_function {
    const char *name;
    const char *family; /* stem of the kernel's file and of the oracle's */
    const char *since;
    const char *summary;
    const char *example; /* SQL of the arguments of a call */
    sl_shape shape;
    const sl_result *result;
    sl_prepare prepare; /* sl_prepare_none where the row has no options */
    sl_scan scan;       /* NULL where every text has to be seen */
    int trims;          /* the scan says nothing of texts that begin or end with a space */
    const sl_param *params;
    uint32_t param_count;
    union {
        sl_kernel_TEXT TEXT;
        sl_kernel_ROWS ROWS;
        sl_kernel_UUID UUID;
        sl_kernel_NUMBER NUMBER;
        sl_kernel_PAIR PAIR;
        sl_kernel_NUMBERS_ROWS NUMBERS_ROWS;
        sl_kernel_NUMBERS_PAIR NUMBERS_PAIR;
    } kernel;
} sl_function;

/* Whether the function's result is a list, or one struct, for which its kernel adds exactly one element; and whether its
 * kernel reads two arguments of the row, or numbers. */
static inline int sl_gives_list(const sl_function *function) {
    return function->result->type == SL_TYPE_LIST;
}
static inline int sl_gives_struct(const sl_function *function) {
    return function->result->type == SL_TYPE_STRUCT;
}
/* Whether its list holds bare 64-bit numbers. */
static inline int sl_gives_numbers(const sl_function *function) {
    const sl_field *field = function->result->fields;
    return function->result->field_count == 1 && !field->name &&
           (field->type == SL_TYPE_INTEGER || field->type == SL_TYPE_NATURAL || field->type == SL_TYPE_REAL);
}
static inline int sl_takes_pair(const sl_function *function) {
    return function->shape == SL_SHAPE_PAIR || function->shape == SL_SHAPE_NUMBERS_PAIR;
}
static inline int sl_takes_numbers(const sl_function *function) {
    return function->shape == SL_SHAPE_NUMBERS_ROWS || function->shape == SL_SHAPE_NUMBERS_PAIR;
}

extern const sl_function sl_functions[];
extern const uint32_t sl_function_count;

/* Functions whose elements can be made in parts, by several threads at once: together the parts are what the kernel gives,
 * element by element. */
typedef struct sl_parts {
    /* The name of the function that look() is of. */
    const char *looks;
    /* 1 if the bytes of a file are `text` as they stand there, unless it turns out that they are no UTF-8. */
    int (*plain)(sl_str bytes, sl_str *text);
    /* Begins to read the text, and says how many scans that takes, which any threads make, each once; then join() says how
     * many more there are, and of none how many elements. close() gives `state` back, and is called only if open()
     * succeeds. SL_EUTF8 of a text that is `unchecked` and no UTF-8. */
    sl_status (*open)(sl_str text, const sl_options *options, uint32_t workers, int unchecked, void **state, uint32_t *scans);
    sl_status (*scan)(void *state, uint32_t scan);
    sl_status (*join)(void *state, size_t *count, uint32_t *scans);
    /* The one row of what looks at such a text without making its elements. */
    sl_status (*look)(void *state, sl_rows *out);
    /* Elements [from, to). Each of the workers, numbered from 0, makes one part at a time. */
    sl_status (*make)(void *state, uint32_t worker, size_t from, size_t to, sl_rows *out);
    void (*close)(void *state);
} sl_parts;

/* NULL where a function has none. */
const sl_parts *sl_parts_of(const sl_function *function);

/* Memory of `size` bytes that holds the `used` first ones of `old`, which is given back; NULL leaves `old` as it was.
 * A large block is asked for in pages of two megabytes: touching it the first time costs more than filling it otherwise. */
void *sl_pages_grow(void *old, size_t used, size_t size);
/* Lets the system take back the whole pages of [start, stop), which a file is mapped to and nobody has written to: whoever
 * reads them again has them read from the file again. */
void sl_pages_leave(const char *start, const char *stop);

/* Prototypes of every kernel and prepare function, from the table: a kernel that does not fit its row does not compile. */
#define SL_PROTOTYPE_TEXT(name) sl_status sl_##name(sl_str text, const sl_options *options, sl_buf *out)
#define SL_PROTOTYPE_ROWS(name) sl_status sl_##name(sl_str text, const sl_options *options, sl_rows *out)
#define SL_PROTOTYPE_UUID(name) sl_status sl_##name(sl_str text, const sl_options *options, sl_uuid *out)
#define SL_PROTOTYPE_NUMBER(name) sl_status sl_##name(sl_str text, const sl_options *options, sl_cell *out)
#define SL_PROTOTYPE_PAIR(name) sl_status sl_##name(sl_str a, sl_str b, const sl_options *options, sl_cell *out)
#define SL_PROTOTYPE_NUMBERS_ROWS(name) \
    sl_status sl_##name(sl_numbers numbers, const sl_options *options, sl_rows *out, sl_error *error)
#define SL_PROTOTYPE_NUMBERS_PAIR(name) \
    sl_status sl_##name(sl_numbers a, sl_numbers b, const sl_options *options, sl_cell *out, sl_error *error)

#define SL_RESULT(name, ...)
#define SL_STRUCT(name, ...)
#define SL_OPTIONS(name) sl_status sl_prepare_##name(const sl_value *values, sl_options *options, sl_error *error);
#define SL_SCAN(name) size_t sl_scan_##name(const char *ptr, size_t len, const sl_options *options);
#define SL_INNER_SCAN(name) SL_SCAN(name)
#define SL_FILE(name) sl_status sl_open_##name(sl_str bytes, sl_buf *out, sl_str *text, sl_error *error);
#define SL_FUNCTION(name, family, shape, result, prepare, scan, since, summary, example, ...) SL_PROTOTYPE_##shape(name);
#include "functions.def"
#undef SL_RESULT
#undef SL_STRUCT
#undef SL_OPTIONS
#undef SL_SCAN
#undef SL_INNER_SCAN
#undef SL_FILE
#undef SL_FUNCTION

#endif
