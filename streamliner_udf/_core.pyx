# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The Python doors: str, list, NumPy StringDType and Arrow over the C kernels. The lock is released around kernels."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.datetime cimport datetime_new, import_datetime
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.pycapsule cimport PyCapsule_Destructor, PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset
cimport cython

import os as _os
import sys as _sys
import uuid as _uuid

from streamliner_udf import errors as _errors

cdef extern from "Python.h":
    bint Py_IsInitialized() nogil
    int PyGILState_Check() nogil
    int Py_AddPendingCall(int (*call)(void *) noexcept, void *argument) nogil
    object PyUnicode_DecodeUTF8(const char *ptr, Py_ssize_t len, const char *errors)
    bint PyUnicode_CheckExact(object)

cdef extern from "streamliner.h":
    ctypedef enum sl_status:
        SL_UNCHANGED, SL_OK, SL_ENOMEM, SL_EUTF8, SL_EARG, SL_ERANGE, SL_STATUS_COUNT
    const char *sl_status_text(sl_status status) nogil
    const char *SL_VERSION
    int sl_cpu_level() nogil
    const size_t SL_TEXT_MAX
    ctypedef struct sl_str:
        const char *ptr
        uint32_t len
    ctypedef struct sl_error:
        char text[256]
    ctypedef struct sl_buf:
        char *ptr
        size_t len
        size_t cap
    sl_buf SL_BUF_HEAP
    sl_status sl_buf_append(sl_buf *buf, const char *ptr, size_t len) nogil
    sl_status sl_buf_reserve(sl_buf *buf, size_t extra) nogil
    void sl_buf_free(sl_buf *buf) nogil
    ctypedef enum sl_type:
        SL_TYPE_TEXT, SL_TYPE_INTEGER, SL_TYPE_NATURAL, SL_TYPE_REAL, SL_TYPE_BOOLEAN, SL_TYPE_UUID, SL_TYPE_TIMESTAMP,
        SL_TYPE_TEXTS, SL_TYPE_INTEGERS, SL_TYPE_NATURALS, SL_TYPE_LIST, SL_TYPE_STRUCT
    ctypedef union sl_cell:
        sl_str text
        int64_t integer
        uint64_t natural
        double real
    ctypedef struct sl_numbers:
        const int64_t *ptr
        uint32_t count
    ctypedef struct sl_value:
        sl_type type
        sl_str text
        int64_t integer
        double real
        const sl_str *texts
        uint32_t count
    ctypedef struct sl_options:
        void *object
        void (*release)(void *object) nogil
    ctypedef sl_status (*sl_prepare)(const sl_value *values, sl_options *options, sl_error *error) nogil
    ctypedef struct sl_uuid:
        uint8_t bytes[16]
    ctypedef enum sl_shape:
        SL_SHAPE_TEXT, SL_SHAPE_ROWS, SL_SHAPE_UUID, SL_SHAPE_NUMBER, SL_SHAPE_PAIR, SL_SHAPE_NUMBERS_ROWS,
        SL_SHAPE_NUMBERS_PAIR
    ctypedef enum sl_role:
        SL_ROLE_ROW, SL_ROLE_OPTION
    ctypedef sl_status (*sl_opener)(sl_str bytes, sl_buf *out, sl_str *text, sl_error *error) nogil
    ctypedef struct sl_param:
        const char *name
        sl_role role
        bint required
        bint or_uuid
        sl_opener open
        sl_value fallback
    ctypedef struct sl_field:
        const char *name
        sl_type type
    ctypedef struct sl_result:
        sl_type type
        const sl_field *fields
        uint32_t field_count
    ctypedef sl_status (*sl_kernel_TEXT)(sl_str text, const sl_options *options, sl_buf *out) nogil
    ctypedef sl_status (*sl_kernel_UUID)(sl_str text, const sl_options *options, sl_uuid *out) nogil
    ctypedef sl_status (*sl_kernel_NUMBER)(sl_str text, const sl_options *options, sl_cell *out) nogil
    ctypedef sl_status (*sl_kernel_PAIR)(sl_str a, sl_str b, const sl_options *options, sl_cell *out) nogil
    ctypedef union sl_kernel:
        sl_kernel_TEXT TEXT
        sl_kernel_UUID UUID
        sl_kernel_NUMBER NUMBER
        sl_kernel_PAIR PAIR
    ctypedef struct sl_function:
        const char *name
        const char *family
        const char *since
        const char *summary
        const char *example
        sl_shape shape
        const sl_result *result
        sl_prepare prepare
        const sl_param *params
        uint32_t param_count
        sl_kernel kernel
    bint sl_gives_list(const sl_function *function) nogil
    bint sl_gives_struct(const sl_function *function) nogil
    bint sl_takes_pair(const sl_function *function) nogil
    bint sl_takes_numbers(const sl_function *function) nogil
    const sl_function sl_functions[]
    const uint32_t sl_function_count

cdef extern from "kernels/utf8.h":
    bint sl_utf8_valid(const char *ptr, size_t len) nogil

cdef extern from "kernels/inflate.h":
    ctypedef enum sl_inflated:
        SL_INFLATED, SL_INFLATED_FULL, SL_INFLATED_CUT, SL_INFLATED_BROKEN
    sl_inflated sl_inflate(const uint8_t *packed, size_t packed_len, uint8_t *out, size_t room, size_t *made) nogil
    uint32_t sl_crc32(const uint8_t *bytes, size_t len) nogil

cdef extern from "python/unicode.h":
    size_t sl_unicode_room(object text)
    sl_status sl_unicode_read(object text, sl_buf *buf, sl_str *out)

cdef extern from "python/batch.h":
    enum: SL_BATCH_BLOCK
    enum: SL_FIELD_MAX
    ctypedef struct sl_column:
        sl_type type
        int64_t count
        int64_t *offsets
        uint8_t *values
    ctypedef struct sl_batch:
        sl_column *columns
        uint8_t *unchanged
    void sl_batch_init(sl_batch *batch, const sl_function *function) nogil
    void sl_batch_free(sl_batch *batch) nogil
    void sl_batch_reset(sl_batch *batch) nogil
    sl_status sl_batch_reserve(sl_batch *batch, int64_t rows, size_t bytes) nogil
    sl_status sl_batch_run(sl_batch *batch, const sl_options *options, const sl_str *texts, int64_t count, int checked,
                           int64_t *failed) nogil
    sl_status sl_batch_nulls(sl_batch *batch, int64_t count) nogil
    sl_status sl_batch_run_pairs(sl_batch *batch, const sl_options *options, const sl_str *a, const sl_str *b,
                                 int64_t count, int checked, int64_t *failed) nogil
    sl_status sl_batch_run_numbers(sl_batch *batch, const sl_options *options, const sl_numbers *a, const sl_numbers *b,
                                   int64_t count, int64_t *failed, sl_error *error) nogil
    bint sl_column_valid(const sl_column *column, int64_t i) nogil
    sl_str sl_column_text(const sl_column *column, int64_t i) nogil

cdef extern from "python/arrow.h":
    cdef struct ArrowSchema:
        const char *format
        int64_t n_children
        ArrowSchema **children
        ArrowSchema *dictionary
        void (*release)(ArrowSchema *) nogil
    cdef struct ArrowArray:
        int64_t length
        void (*release)(ArrowArray *) nogil
    cdef struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream *, ArrowSchema *) nogil
        int (*get_next)(ArrowArrayStream *, ArrowArray *) nogil
        const char *(*get_last_error)(ArrowArrayStream *) nogil
        void (*release)(ArrowArrayStream *) nogil
    ctypedef enum sl_arrow_kind:
        SL_ARROW_TEXT, SL_ARROW_LARGE_TEXT, SL_ARROW_TEXT_VIEW, SL_ARROW_NULL, SL_ARROW_OTHER
    sl_arrow_kind sl_arrow_kind_of(const ArrowSchema *schema, bint *in_struct) nogil
    sl_status sl_arrow_read(const ArrowArray *array, sl_arrow_kind kind, bint in_struct, int64_t start, int64_t count,
                            sl_str *out) nogil
    ctypedef enum sl_arrow_lists:
        SL_ARROW_LIST, SL_ARROW_LARGE_LIST, SL_ARROW_FIXED_LIST, SL_ARROW_NULL_LIST, SL_ARROW_NO_LIST
    sl_arrow_lists sl_arrow_lists_of(const ArrowSchema *schema, bint naturals, bint *in_struct, int64_t *width) nogil
    sl_status sl_arrow_read_lists(const ArrowArray *array, sl_arrow_lists kind, bint in_struct, int64_t width, int64_t start,
                                  int64_t count, sl_numbers *out) nogil
    size_t sl_arrow_bytes(const ArrowArray *array, sl_arrow_kind kind, bint in_struct) nogil
    ctypedef struct sl_shared:
        pass
    sl_shared *sl_shared_new(const sl_function *function) nogil
    sl_batch *sl_shared_add(sl_shared *shared) nogil
    sl_batch *sl_shared_batch(const sl_shared *shared, int64_t chunk) nogil
    int64_t sl_shared_count(const sl_shared *shared) nogil
    sl_status sl_shared_narrow(sl_shared *shared) nogil
    void sl_shared_pack(sl_shared *shared) nogil
    void sl_shared_release(sl_shared *shared) nogil
    int sl_arrow_export_schema(const sl_shared *shared, ArrowSchema *out) nogil
    int sl_arrow_export_chunk(sl_shared *shared, int64_t chunk, ArrowArray *out) nogil
    int sl_arrow_export_stream(sl_shared *shared, ArrowArrayStream *out) nogil

cdef extern from *:
    ctypedef struct sl_parts:
        const char *looks
        int (*plain)(sl_str bytes, sl_str *text) nogil
    const sl_parts *sl_parts_of(const sl_function *function) nogil

cdef extern from "python/rows.h":
    enum:
        SL_ROWS_BATCH, SL_ROWS_UNIT, SL_ROWS_BATCH_MAX
    ctypedef struct sl_made:
        pass
    ctypedef struct sl_row_key:
        sl_str prefix
        uint32_t time, author, text
    sl_status sl_made_start(const sl_function *function, const sl_options *options, sl_str text, const sl_row_key *key,
                            uint32_t rows, uint32_t threads, bint unchecked, void *hold, void (*drop)(void *) noexcept nogil,
                            sl_made **out) nogil
    const sl_cell *sl_made_look(const sl_made *made) nogil
    sl_status sl_made_wait(sl_made *made, int64_t batches, int64_t *count) nogil
    int64_t sl_made_rows(sl_made *made) nogil
    void sl_made_abandon(sl_made *made) nogil
    int sl_made_export_schema(const sl_made *made, ArrowSchema *out) nogil
    int sl_made_export_stream(sl_made *made, ArrowArrayStream *out) nogil

# NumPy's own declarations ask for Python's lock, which none of these needs.
cdef extern from "numpy/arrayobject.h" nogil:
    ctypedef struct npy_string_allocator:
        pass
    ctypedef struct npy_packed_static_string:
        pass
    ctypedef struct npy_static_string:
        size_t size
        const char *buf
    ctypedef struct PyArray_StringDTypeObject:
        pass
    ctypedef struct PyArrayObject:
        pass
    int PyArray_ImportNumPyAPI() except -1
    char *PyArray_BYTES(PyArrayObject *)
    void *PyArray_DESCR(PyArrayObject *)
    npy_string_allocator *NpyString_acquire_allocator(const PyArray_StringDTypeObject *descr)
    void NpyString_release_allocator(npy_string_allocator *allocator)
    int NpyString_load(
        npy_string_allocator *allocator, const npy_packed_static_string *packed, npy_static_string *unpacked)
    int NpyString_pack(npy_string_allocator *allocator, npy_packed_static_string *packed, const char *buf, size_t size)
    int NpyString_pack_null(npy_string_allocator *allocator, npy_packed_static_string *packed)

import_datetime()

# Bytes; below, letting go of the lock would cost more than the work.
cdef uint32_t SCALAR_RELEASE = 4096
# Rows of a record batch of elements: DuckDB gives one batch to one thread at a time.
cdef int64_t RECORD_ROWS = 2048


cdef uint32_t _batch_rows(str name, object rows) except? 0:
    """Rows of a record batch, as the kernels fill them."""
    if not isinstance(rows, int) or not 1 <= rows <= SL_ROWS_BATCH_MAX:
        raise ValueError(f"{name}: expected batch_rows from 1 to {SL_ROWS_BATCH_MAX}, got {rows!r}")
    return (<uint32_t>rows + SL_ROWS_UNIT - 1) // SL_ROWS_UNIT * SL_ROWS_UNIT

cdef size_t TEXT_MAX = SL_TEXT_MAX
cdef const char *EMPTY = ""

cdef dict TYPE_NAMES = {
    SL_TYPE_TEXT: "text", SL_TYPE_INTEGER: "integer", SL_TYPE_NATURAL: "natural", SL_TYPE_REAL: "real",
    SL_TYPE_BOOLEAN: "boolean", SL_TYPE_UUID: "uuid", SL_TYPE_TIMESTAMP: "timestamp", SL_TYPE_TEXTS: "texts",
    SL_TYPE_INTEGERS: "integers", SL_TYPE_NATURALS: "naturals", SL_TYPE_LIST: "list", SL_TYPE_STRUCT: "struct",
}
cdef dict NUMPY_TYPES = {
    SL_TYPE_INTEGER: "int64", SL_TYPE_NATURAL: "uint64", SL_TYPE_REAL: "float64", SL_TYPE_BOOLEAN: "bool",
}

# ---- NumPy, which takes longer to import than all of this ------------------------------------------------------------

cdef object numpy_module = None


cdef object _numpy():
    """The module; imported when there is first something to do with arrays."""
    global numpy_module
    if numpy_module is None:
        import numpy
        PyArray_ImportNumPyAPI()
        numpy_module = numpy
    return numpy_module


cdef bint _is_array(object value):
    """Nobody has an array before NumPy was imported."""
    return "numpy" in _sys.modules and isinstance(value, _numpy().ndarray)


cdef object _string_type():
    return _numpy().dtypes.StringDType

# ---- the table ------------------------------------------------------------------------------------------------------


def version():
    """Version of the compiled library."""
    return SL_VERSION.decode()


def cpu():
    """Which of the kernels' paths this processor takes, or STREAMLINER_UDF_CPU lets it take."""
    return ("plain", "ssse3", "avx2", "avx512")[sl_cpu_level() - 1]


def status_text(int status):
    """The sentence of a status code of the kernels, or None behind the last."""
    return sl_status_text(<sl_status>status).decode() if SL_OK < status < SL_STATUS_COUNT else None


def inflate(bytes packed, size_t room):
    """At most `room` bytes of raw deflate data, and whether that is the whole, or they are full, cut or broken."""
    cdef const uint8_t *source = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef size_t source_len = PyBytes_GET_SIZE(packed), made = 0
    cdef sl_inflated end
    cdef uint8_t *out = <uint8_t *>malloc(room + 1)
    if out is NULL:
        raise MemoryError()
    try:
        with nogil:
            end = sl_inflate(source, source_len, out, room, &made)
        return (<char *>out)[:made], ("whole", "full", "cut", "broken")[<int>end]
    finally:
        free(out)


def crc32(bytes content):
    """CRC-32 as in ZIP archives."""
    return sl_crc32(<const uint8_t *>PyBytes_AS_STRING(content), PyBytes_GET_SIZE(content))


cdef str _decode(const char *text):
    return text.decode() if text is not NULL else None


cdef object _default(const sl_param *param):
    if param.required:
        return None
    if param.fallback.type == SL_TYPE_TEXT:
        return _text(param.fallback.text)
    if param.fallback.type == SL_TYPE_REAL:
        return param.fallback.real
    return bool(param.fallback.integer) if param.fallback.type == SL_TYPE_BOOLEAN else param.fallback.integer


def table():
    """Rows of csrc/functions.def as dicts."""
    rows = []
    cdef const sl_function *row
    for f in range(sl_function_count):
        row = &sl_functions[f]
        rows.append({
            "name": _decode(row.name),
            "family": _decode(row.family),
            "since": _decode(row.since),
            "summary": _decode(row.summary),
            "example": _decode(row.example),
            "params": [
                {
                    "name": _decode(row.params[p].name),
                    "role": "row" if row.params[p].role == SL_ROLE_ROW else "option",
                    "type": TYPE_NAMES[row.params[p].fallback.type],
                    "required": bool(row.params[p].required),
                    "or_uuid": bool(row.params[p].or_uuid),
                    "or_file": row.params[p].open is not NULL,
                    "default": _default(&row.params[p]),
                }
                for p in range(row.param_count)
            ],
            "type": TYPE_NAMES[row.result.type],
            "fields": [
                (_decode(row.result.fields[i].name), TYPE_NAMES[row.result.fields[i].type])
                for i in range(row.result.field_count)
            ],
        })
    return rows


# ---- values ---------------------------------------------------------------------------------------------------------

cdef object _new_uuid = _uuid.UUID.__new__
cdef object _set_attribute = object.__setattr__
cdef object _unknown_safety = _uuid.SafeUUID.unknown
cdef type _UUID = _uuid.UUID


cdef inline str _text(sl_str text):
    return PyUnicode_DecodeUTF8(text.ptr, text.len, NULL)


cdef object _uuid_of(const uint8_t *value):
    # The class is immutable and its constructor slow; these are its two slots.
    result = _new_uuid(_UUID)
    _set_attribute(result, "int", int.from_bytes(value[:16], "big"))
    _set_attribute(result, "is_safe", _unknown_safety)
    return result


cdef object _timestamp(int64_t micros):
    """Micros since 1970-01-01 as a datetime without zone; days to dates as in Hinnant's chrono algorithms."""
    cdef int64_t day = micros // 86400000000
    cdef int64_t rest = micros - day * 86400000000
    if rest < 0:
        rest += 86400000000
        day -= 1
    cdef int64_t shifted = day + 719468
    cdef int64_t era = (shifted if shifted >= 0 else shifted - 146096) // 146097
    cdef int64_t of_era = shifted - era * 146097
    cdef int64_t year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    cdef int64_t of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    cdef int64_t month_index = (5 * of_year + 2) // 153
    cdef int64_t month = month_index + 3 if month_index < 10 else month_index - 9
    cdef int64_t year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    cdef int64_t seconds = rest // 1000000
    return datetime_new(
        <int>year, <int>month, <int>(of_year - (153 * month_index + 2) // 5 + 1), <int>(seconds // 3600),
        <int>(seconds // 60 % 60), <int>(seconds % 60), <int>(rest % 1000000), None,
    )


cdef object _field(const sl_column *column, int64_t i):
    if not sl_column_valid(column, i):
        return None
    if column.type == SL_TYPE_TEXT:
        return _text(sl_column_text(column, i))
    if column.type == SL_TYPE_TIMESTAMP:
        return _timestamp((<int64_t *>column.values)[i])
    if column.type == SL_TYPE_REAL:
        return (<double *>column.values)[i]
    if column.type == SL_TYPE_NATURAL:
        return (<uint64_t *>column.values)[i]
    if column.type == SL_TYPE_BOOLEAN:
        return column.values[i] != 0
    return (<int64_t *>column.values)[i]


cdef object _number(sl_type type, sl_cell cell):
    if type == SL_TYPE_REAL:
        return cell.real
    if type == SL_TYPE_NATURAL:
        return cell.natural
    return cell.integer != 0 if type == SL_TYPE_BOOLEAN else cell.integer


cdef object _fail(str name, sl_status status, str detail, int64_t row):
    cdef str sentence = detail or sl_status_text(status).decode()
    if row >= 0:
        sentence += f" in row {row}"
    return _errors.BY_STATUS[<int>status - 1](f"{name}: {sentence}")


cdef object _unreadable(str name, str text, sl_status status, int64_t row):
    """Why a str could not be read."""
    if status != SL_EUTF8:
        return _fail(name, status, None, row)
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        return _fail(name, status, f"expected valid UTF-8, got {ascii(text[problem.start])}, a lone surrogate", row)
    return _fail(name, status, None, row)


cdef bytes _encoded(str name, str param, str text):
    """The UTF-8 of an option."""
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise _errors.InvalidUTF8(f"{name}: {param}: {problem}") from None


cdef class _Options:
    """Prepared options of one call, or the reason to give nothing but NULL."""

    cdef sl_options prepared
    cdef bint is_null
    cdef list alive  # texts of the values, which a prepared object may point to

    def __dealloc__(self):
        if self.prepared.release is not NULL:
            self.prepared.release(self.prepared.object)


cdef class _Texts:
    """An option that is a list of texts, as the kernels take it."""

    cdef sl_str *ptr
    cdef list utf8

    def __cinit__(self, str name, str param, object value):
        cdef bytes item
        if isinstance(value, str) or not (isinstance(value, (list, tuple)) or _is_array(value)):
            raise TypeError(f"{name}: expected {param} to be a list of str, got {type(value).__name__}")
        self.utf8 = []
        for i, text in enumerate(value):
            if text is None:
                raise _errors.InvalidArgument(
                    f"{name}: expected {param} without NULL, got one at position {i + 1}"
                )
            if not isinstance(text, str):
                raise TypeError(f"{name}: expected {param} to be a list of str, got {type(text).__name__} in it")
            self.utf8.append(_encoded(name, param, text))
        self.ptr = <sl_str *>malloc((len(self.utf8) + 1) * sizeof(sl_str))
        if self.ptr is NULL:
            raise MemoryError()
        for i in range(len(self.utf8)):
            item = self.utf8[i]
            self.ptr[i] = sl_str(PyBytes_AS_STRING(item), <uint32_t>PyBytes_GET_SIZE(item))

    def __dealloc__(self):
        free(self.ptr)


cdef class _File:
    """The bytes of a file, and the text that was found in them."""

    cdef bytes content
    cdef sl_buf room
    cdef sl_str text

    def __cinit__(self):
        self.room = SL_BUF_HEAP

    def __dealloc__(self):
        sl_buf_free(&self.room)


# ---- one function ---------------------------------------------------------------------------------------------------

cdef class Function:
    """One row of the table, callable with the arguments of the public function."""

    cdef const sl_function *row
    cdef readonly str name
    cdef list params, field_names, rows_at
    cdef Py_ssize_t text_at, required
    cdef bint one_text  # the row is one text
    cdef sl_opener opener  # of bytes that the text can be given as, or NULL
    cdef _Options defaults

    def __init__(self, str name):
        for f in range(sl_function_count):
            if sl_functions[f].name.decode() == name:
                self.row = &sl_functions[f]
                break
        else:
            raise LookupError(f"expected the name of a function, as sl_functions() lists them, got {name!r}")
        self.name = name
        self.params = [self.row.params[p].name.decode() for p in range(self.row.param_count)]
        self.field_names = [_decode(self.row.result.fields[i].name) for i in range(self.row.result.field_count)]
        self.required = sum(1 for p in range(self.row.param_count) if self.row.params[p].required)
        self.rows_at = [p for p in range(self.row.param_count) if self.row.params[p].role == SL_ROLE_ROW]
        self.text_at = self.rows_at[0]
        self.one_text = not sl_takes_pair(self.row) and not sl_takes_numbers(self.row)
        self.opener = self.row.params[self.text_at].open
        if self.required == len(self.rows_at):
            self.defaults = self.prepare([None] * self.row.param_count, 0)

    def __call__(self, tuple args, dict kwargs):
        cdef Py_ssize_t given = len(args)
        if kwargs or given > len(self.params) or given < self.required:
            args = self.bind(args, kwargs)
            given = len(args)
        cdef object text = args[self.text_at]
        cdef _Options options = self.defaults
        if options is None or given > self.required:
            options = self.prepare(list(args), given)
        if not self.one_text:
            return self.several(args, options)
        if PyUnicode_CheckExact(text):
            return None if options.is_null else self.scalar(text, options)
        return self.other(text, options)

    cdef tuple bind(self, tuple args, dict kwargs):
        """Arguments by position, as Python itself would bind them."""
        cdef list values = list(args)
        if len(values) > len(self.params):
            raise TypeError(f"{self.name}: expected at most {len(self.params)} arguments, got {len(values)}")
        values += [NotImplemented] * (len(self.params) - len(values))
        for key, value in kwargs.items():
            if key not in self.params:
                raise TypeError(f"{self.name}: expected arguments out of {', '.join(self.params)}, got {key!r}")
            at = self.params.index(key)
            if at < len(args):
                raise TypeError(f"{self.name}: got two values for argument {key!r}")
            values[at] = value
        for at in range(len(values)):
            if values[at] is NotImplemented:
                if self.row.params[at].required:
                    raise TypeError(f"{self.name}: expected an argument {self.params[at]!r}, got none")
                values[at] = _default(&self.row.params[at])
        return tuple(values)

    cdef _Options prepare(self, list args, Py_ssize_t given):
        """Options from the arguments at their places; defaults from place `given` on."""
        cdef _Options options = _Options()
        cdef sl_value values[SL_FIELD_MAX]
        cdef sl_error error
        cdef uint32_t count = 0
        cdef list alive = []
        cdef bytes utf8
        cdef const sl_param *param
        cdef _Texts texts
        error.text[0] = 0
        for p in range(self.row.param_count):
            param = &self.row.params[p]
            if param.role == SL_ROLE_ROW:
                continue
            values[count] = param.fallback
            if p < given:
                value = args[p]
                if value is None:
                    options.is_null = True
                    return options
                if param.fallback.type == SL_TYPE_TEXT:
                    if param.or_uuid and isinstance(value, _UUID):
                        value = str(value)
                    if not isinstance(value, str):
                        raise self.wrong_option(p, "str or uuid.UUID" if param.or_uuid else "str", value)
                    utf8 = _encoded(self.name, self.params[p], value)
                    alive.append(utf8)
                    values[count].text = sl_str(PyBytes_AS_STRING(utf8), <uint32_t>PyBytes_GET_SIZE(utf8))
                elif param.fallback.type == SL_TYPE_TEXTS:
                    texts = _Texts(self.name, self.params[p], value)
                    alive.append(texts)
                    values[count].texts = texts.ptr
                    values[count].count = <uint32_t>len(texts.utf8)
                elif param.fallback.type == SL_TYPE_BOOLEAN:
                    if not isinstance(value, bool) and not ("numpy" in _sys.modules and isinstance(value, _numpy().bool)):
                        raise self.wrong_option(p, "bool", value)
                    values[count].integer = bool(value)
                elif param.fallback.type == SL_TYPE_REAL:
                    if isinstance(value, bool) or not isinstance(value, (int, float)):
                        raise self.wrong_option(p, "float", value)
                    values[count].real = value
                else:
                    if isinstance(value, bool) or not hasattr(value, "__index__"):
                        raise self.wrong_option(p, "int", value)
                    try:
                        values[count].integer = value.__index__()
                    except OverflowError:
                        raise _errors.InvalidArgument(
                            f"{self.name}: expected {self.params[p]} to fit 64 bits, got {value}"
                        ) from None
            count += 1
        options.alive = alive
        cdef sl_status status = self.row.prepare(values, &options.prepared, &error)
        if status > SL_OK:
            options.prepared.release = NULL
            raise _fail(self.name, status, error.text.decode("utf-8", "replace"), -1)
        return options

    cdef object wrong_option(self, Py_ssize_t p, str expected, object value):
        return TypeError(f"{self.name}: expected {self.params[p]} to be {expected}, got {type(value).__name__}")

    cdef _File opened(self, bytes content, int64_t row):
        cdef _File file = _File()
        cdef sl_str source = sl_str(PyBytes_AS_STRING(content), <uint32_t>PyBytes_GET_SIZE(content))
        cdef sl_error error
        cdef sl_status status
        if <size_t>len(content) > TEXT_MAX:
            raise _fail(self.name, SL_ERANGE, None, row)
        file.content = content
        error.text[0] = 0
        with nogil:
            status = self.opener(source, &file.room, &file.text, &error)
        if status > SL_OK:
            raise _fail(self.name, status, error.text.decode("utf-8", "replace"), row)
        return file

    def text_of(self, bytes content):
        """The text in the bytes of a file."""
        if self.opener is NULL:
            raise TypeError(f"{self.name}: expected {self.params[self.text_at]} to be str, got bytes")
        return _text(self.opened(content, -1).text)

    cdef object other(self, object text, _Options options):
        if text is None:
            return None
        if self.opener is not NULL:
            if isinstance(text, bytes):
                return None if options.is_null else self.scalar(_text(self.opened(text, -1).text), options)
            if isinstance(text, list):
                text = [
                    _text(self.opened(item, i).text) if isinstance(item, bytes) else item for i, item in enumerate(text)
                ]
        if isinstance(text, str):
            # Not str(text): a subclass may show itself in other words.
            return None if options.is_null else self.scalar(str.__str__(text), options)
        if isinstance(text, list):
            return self.strings(list(text), options)
        if _is_array(text):
            return self.numpy(text, options)
        if hasattr(text, "__arrow_c_array__"):
            return self.arrow_array(text, options)
        if hasattr(text, "__arrow_c_stream__"):
            return self.arrow_stream(text, options)
        raise TypeError(
            f"{self.name}: expected {self.params[self.text_at]} to be str, None, a list of these, a NumPy StringDType "
            f"array or an Arrow column, got {type(text).__name__}"
        )

    # ---- str ----

    cdef object scalar(self, str text, _Options options):
        cdef sl_buf read = SL_BUF_HEAP, out = SL_BUF_HEAP
        cdef sl_str source
        cdef sl_uuid value
        cdef sl_cell cell
        cdef sl_status status
        try:
            if sl_buf_reserve(&read, sl_unicode_room(text)) != SL_OK:
                raise _fail(self.name, SL_ENOMEM, None, -1)
            status = sl_unicode_read(text, &read, &source)
            if status > SL_OK:
                raise _unreadable(self.name, text, status, -1)
            if self.row.shape == SL_SHAPE_ROWS:
                return self.rows(source, options)
            if source.len < SCALAR_RELEASE:
                status = _one(self.row, source, &options.prepared, &out, &value, &cell)
            else:
                with nogil:
                    status = _one(self.row, source, &options.prepared, &out, &value, &cell)
            if status > SL_OK:
                raise _fail(self.name, status, None, -1)
            if status == SL_UNCHANGED:
                return text
            if self.row.shape == SL_SHAPE_UUID:
                return _uuid_of(value.bytes)
            if self.row.shape == SL_SHAPE_NUMBER:
                return _number(self.row.result.type, cell)
            return PyUnicode_DecodeUTF8(out.ptr, out.len, NULL) if out.len else ""
        finally:
            sl_buf_free(&read)
            sl_buf_free(&out)

    cdef object rows(self, sl_str source, _Options options):
        cdef sl_batch batch
        cdef sl_status status
        cdef int64_t failed = 0
        sl_batch_init(&batch, self.row)
        try:
            with nogil:
                status = sl_batch_run(&batch, &options.prepared, &source, 1, True, &failed)
            if status > SL_OK:
                raise _fail(self.name, status, None, -1)
            return self.value(&batch, 0)
        finally:
            sl_batch_free(&batch)

    cdef dict structure(self, const sl_batch *batch, int64_t row):
        cdef Py_ssize_t f
        return {self.field_names[f]: _field(&batch.columns[1 + f], row) for f in range(len(self.field_names))}

    cdef list elements(self, const sl_batch *batch, int64_t row):
        cdef int64_t i, start = batch.columns[0].offsets[row], stop = batch.columns[0].offsets[row + 1]
        cdef list result = []
        for i in range(start, stop):
            if self.field_names[0] is None:
                result.append(_field(&batch.columns[1], i))
                continue
            result.append(self.structure(batch, i))
        return result

    cdef object value(self, const sl_batch *batch, int64_t row):
        """One result as a Python object."""
        if not sl_column_valid(&batch.columns[0], row):
            return None
        if self.row.shape == SL_SHAPE_TEXT:
            return _text(sl_column_text(&batch.columns[0], row))
        if self.row.shape == SL_SHAPE_UUID:
            return _uuid_of(batch.columns[0].values + 16 * row)
        if sl_gives_struct(self.row):
            return self.structure(batch, row)
        return self.elements(batch, row) if sl_gives_list(self.row) else _field(&batch.columns[0], row)

    # ---- list ----

    cdef list strings(self, list column, _Options options):
        """Block by block, so that texts and results stay in the processor's cache between the three steps."""
        cdef Py_ssize_t total = PyList_GET_SIZE(column), start, i, count
        cdef size_t room
        cdef sl_buf read = SL_BUF_HEAP
        cdef sl_batch batch
        cdef sl_str *texts
        cdef sl_status status
        cdef int64_t failed = 0
        cdef object item
        cdef list result = []
        for i in range(total):
            item = <object>PyList_GET_ITEM(column, i)
            if item is not None and not isinstance(item, str):
                raise TypeError(
                    f"{self.name}: expected {self.params[self.text_at]} to be a list of str and None, got "
                    f"{type(item).__name__} in row {i}"
                )
        if options.is_null:
            return [None] * total
        sl_batch_init(&batch, self.row)
        texts = <sl_str *>malloc(SL_BATCH_BLOCK * sizeof(sl_str))
        if self.row.shape == SL_SHAPE_TEXT:
            batch.unchanged = <uint8_t *>malloc(SL_BATCH_BLOCK)
        try:
            if texts is NULL or (self.row.shape == SL_SHAPE_TEXT and batch.unchanged is NULL):
                raise _fail(self.name, SL_ENOMEM, None, -1)
            for start in range(0, total, SL_BATCH_BLOCK):
                count = min(total - start, <Py_ssize_t>SL_BATCH_BLOCK)
                room = 0
                for i in range(count):
                    item = <object>PyList_GET_ITEM(column, start + i)
                    if item is not None:
                        room += sl_unicode_room(item)
                read.len = 0
                if sl_buf_reserve(&read, room) != SL_OK:
                    raise _fail(self.name, SL_ENOMEM, None, -1)
                for i in range(count):
                    item = <object>PyList_GET_ITEM(column, start + i)
                    if item is None:
                        texts[i].ptr = NULL
                        continue
                    status = sl_unicode_read(item, &read, &texts[i])
                    if status > SL_OK:
                        raise _unreadable(self.name, item, status, start + i)
                with nogil:
                    sl_batch_reset(&batch)
                    status = sl_batch_run(&batch, &options.prepared, texts, count, True, &failed)
                if status > SL_OK:
                    raise _fail(self.name, status, None, start + failed)
                for i in range(count):
                    if batch.unchanged is not NULL and batch.unchanged[i]:
                        result.append(<object>PyList_GET_ITEM(column, start + i))
                    else:
                        result.append(self.value(&batch, i))
            return result
        finally:
            free(texts)
            sl_buf_free(&read)
            sl_batch_free(&batch)

    # ---- two texts, or numbers ----

    cdef object several(self, tuple args, _Options options):
        cdef list values = [args[at] for at in self.rows_at]
        cdef bint numbers = sl_takes_numbers(self.row)
        if not numbers and PyUnicode_CheckExact(values[0]) and PyUnicode_CheckExact(values[1]):
            return None if options.is_null else self.pair(values[0], values[1], options)
        cdef list sources = []
        for at, value in zip(self.rows_at, values):
            sources.append(_source(self.name, self.params[at], self.row.params[at].fallback.type, value))
        lengths = {(<_Source>source).length for source in sources if (<_Source>source).length >= 0}
        if len(lengths) > 1:
            raise _errors.InvalidArgument(
                f"{self.name}: expected {' and '.join(self.params[at] for at in self.rows_at)} of equal length, got "
                f"{' and '.join(str((<_Source>source).length) for source in sources)}"
            )
        kinds = {(<_Source>source).kind for source in sources}
        cdef int64_t total = lengths.pop() if lengths else -1
        if "array" in kinds or "stream" in kinds:
            return self.several_to_arrow(sources, total, "stream" in kinds, options)
        results = self.several_to_list(sources, 1 if total < 0 else total, options)
        if total < 0:
            return results[0]
        if "numpy" not in kinds:
            return results
        may_miss = options.is_null or any((<_Source>source).may_miss for source in sources)
        return self.to_numpy(results, may_miss or None in results)  # a list, or the one value of all rows, may hold None

    cdef object pair(self, str a, str b, _Options options):
        cdef sl_buf read = SL_BUF_HEAP
        cdef sl_str first, second
        cdef sl_cell cell
        cdef sl_status status
        try:
            if sl_buf_reserve(&read, sl_unicode_room(a) + sl_unicode_room(b)) != SL_OK:
                raise _fail(self.name, SL_ENOMEM, None, -1)
            status = sl_unicode_read(a, &read, &first)
            if status > SL_OK:
                raise _unreadable(self.name, a, status, -1)
            status = sl_unicode_read(b, &read, &second)
            if status > SL_OK:
                raise _unreadable(self.name, b, status, -1)
            if first.len + <size_t>second.len < SCALAR_RELEASE // 8:
                status = self.row.kernel.PAIR(first, second, &options.prepared, &cell)
            else:
                with nogil:
                    status = self.row.kernel.PAIR(first, second, &options.prepared, &cell)
            if status > SL_OK:
                raise _fail(self.name, status, None, -1)
            return _number(self.row.result.type, cell)
        finally:
            sl_buf_free(&read)

    cdef several_block(self, list sources, int64_t start, int64_t count, sl_batch *batch, _Options options):
        """Appends the results of rows [start, start + count), at most SL_BATCH_BLOCK of them."""
        cdef _Source a = sources[0], b = sources[len(sources) - 1]
        cdef sl_status status
        cdef sl_error error
        cdef int64_t failed = 0
        cdef bint numbers = sl_takes_numbers(self.row), one = len(sources) == 1
        error.text[0] = 0
        if options.is_null:
            status = sl_batch_nulls(batch, count)
        else:
            a.fill(start, count)
            if not one:
                b.fill(start, count)
            with nogil:
                if numbers:
                    status = sl_batch_run_numbers(
                        batch, &options.prepared, a.numbers, NULL if one else b.numbers, count, &failed, &error
                    )
                else:
                    status = sl_batch_run_pairs(batch, &options.prepared, a.texts, b.texts, count, False, &failed)
        if status > SL_OK:
            at = start + failed if a.length >= 0 or b.length >= 0 else -1
            raise _fail(self.name, status, error.text.decode("utf-8", "replace"), at)

    cdef list several_to_list(self, list sources, int64_t total, _Options options):
        cdef sl_batch batch
        cdef int64_t start, i, count
        cdef list result = []
        sl_batch_init(&batch, self.row)
        try:
            for start in range(0, total, SL_BATCH_BLOCK):
                count = min(total - start, <int64_t>SL_BATCH_BLOCK)
                sl_batch_reset(&batch)
                self.several_block(sources, start, count, &batch, options)
                for i in range(count):
                    result.append(self.value(&batch, i))
            return result
        finally:
            sl_batch_free(&batch)

    cdef object several_to_arrow(self, list sources, int64_t total, bint stream, _Options options):
        cdef ArrowChunks result = ArrowChunks.__new__(ArrowChunks) if stream else ArrowColumn.__new__(ArrowColumn)
        cdef int64_t start
        cdef sl_batch *batch
        result.start(self)
        batch = sl_shared_add(result.shared)
        if batch is NULL or sl_batch_reserve(batch, total, 0) > SL_OK:
            raise _fail(self.name, SL_ENOMEM, None, -1)
        for start in range(0, total, SL_BATCH_BLOCK):
            self.several_block(sources, start, min(total - start, <int64_t>SL_BATCH_BLOCK), batch, options)
        return self.finish(result, SL_ARROW_LARGE_TEXT)

    # ---- NumPy ----

    cdef object numpy(self, object column, _Options options):
        if not isinstance(column.dtype, _string_type()):
            raise TypeError(
                f"{self.name}: expected a NumPy array of StringDType, got one of {column.dtype}; "
                f"make it one with .astype(numpy.dtypes.StringDType())"
            )
        shape = column.shape
        flat = column.reshape(-1)
        if self.row.shape != SL_SHAPE_TEXT:
            # Missing values read as what stands for them in the array, and are None here.
            values = flat.astype(_string_type()(na_object=None)).tolist()
            may_miss = hasattr(column.dtype, "na_object") or options.is_null
            return self.to_numpy(self.strings(values, options), may_miss).reshape(shape)
        dtype = column.dtype
        if not hasattr(dtype, "na_object") and options.is_null:
            dtype = _string_type()(na_object=None)
        elif hasattr(dtype, "na_object"):
            dtype = _string_type()(na_object=dtype.na_object, coerce=dtype.coerce)
        else:
            dtype = _string_type()(coerce=dtype.coerce)
        result = _numpy().empty(flat.shape, dtype=dtype)
        self.numpy_texts(flat, result, options)
        return result.reshape(shape)

    cdef object to_numpy(self, list results, bint may_miss):
        """Numbers as numbers, unless one may be missing; everything else as objects."""
        dtype = NUMPY_TYPES.get(self.row.result.type)
        if dtype is not None and not may_miss:
            return _numpy().array(results, dtype=dtype)
        array = _numpy().empty(len(results), dtype=object)
        for i, item in enumerate(results):
            array[i] = item
        return array

    cdef numpy_texts(self, object column, object result, _Options options):
        cdef int64_t total = column.shape[0], stride = column.strides[0] if total else 0, start = 0, i, count
        cdef int64_t out_stride = result.strides[0] if total else 0, failed = 0
        cdef char *source = PyArray_BYTES(<PyArrayObject *>column)
        cdef char *target = PyArray_BYTES(<PyArrayObject *>result)
        cdef npy_string_allocator *reading
        cdef npy_string_allocator *writing
        cdef PyArray_StringDTypeObject *from_type = <PyArray_StringDTypeObject *>PyArray_DESCR(<PyArrayObject *>column)
        cdef PyArray_StringDTypeObject *to_type = <PyArray_StringDTypeObject *>PyArray_DESCR(<PyArrayObject *>result)
        cdef npy_static_string text
        cdef sl_str out
        cdef sl_batch batch
        cdef sl_status status = SL_OK
        cdef int found = 0, packed = 0
        cdef bint is_null = options.is_null
        cdef sl_str *texts = <sl_str *>malloc(SL_BATCH_BLOCK * sizeof(sl_str))
        if texts is NULL:
            raise _fail(self.name, SL_ENOMEM, None, -1)
        with nogil:
            sl_batch_init(&batch, self.row)
            # An allocator is held no longer than its texts are read: whoever touches the array meanwhile waits for it with
            # Python's lock. Packing may need that lock (tracemalloc), so nothing but the result's own is held then.
            writing = NpyString_acquire_allocator(to_type)
            while start < total and status <= SL_OK and found >= 0 and packed >= 0:
                count = total - start if total - start < SL_BATCH_BLOCK else SL_BATCH_BLOCK
                reading = NpyString_acquire_allocator(from_type)
                for i in range(count):
                    found = NpyString_load(
                        reading, <npy_packed_static_string *>(source + (start + i) * stride), &text
                    )
                    if found < 0:
                        break
                    if found == 1 or is_null:
                        texts[i].ptr = NULL
                        continue
                    if text.size > TEXT_MAX:
                        status = SL_ERANGE
                        failed = i
                        break
                    texts[i].ptr = text.buf if text.buf is not NULL else EMPTY
                    texts[i].len = <uint32_t>text.size
                if found >= 0 and status <= SL_OK:
                    sl_batch_reset(&batch)
                    status = sl_batch_run(&batch, &options.prepared, texts, count, False, &failed)
                NpyString_release_allocator(reading)
                if found < 0 or status > SL_OK:
                    break
                for i in range(count):
                    if not sl_column_valid(&batch.columns[0], i):
                        packed = NpyString_pack_null(
                            writing, <npy_packed_static_string *>(target + (start + i) * out_stride)
                        )
                    else:
                        out = sl_column_text(&batch.columns[0], i)
                        packed = NpyString_pack(
                            writing, <npy_packed_static_string *>(target + (start + i) * out_stride),
                            out.ptr if out.len else EMPTY, out.len
                        )
                    if packed < 0:
                        break
                if packed >= 0:
                    start += count
            NpyString_release_allocator(writing)
            sl_batch_free(&batch)
            free(texts)
        if status > SL_OK:
            raise _fail(self.name, status, None, start + failed)
        if found < 0 or packed < 0:
            raise _fail(self.name, SL_ENOMEM, None, -1)

    # ---- Arrow ----

    cdef object not_text(self, const ArrowSchema *schema):
        came = f"Arrow format {schema.format.decode()!r}"
        if schema.dictionary is not NULL:
            came = "a dictionary: cast it to string first"
        return TypeError(
            f"{self.name}: expected an Arrow column of text (string, large_string or string_view), or a table of one such "
            f"column, got {came}"
        )

    cdef object finish(self, ArrowChunks result, sl_arrow_kind kind):
        """Gives the result offsets as wide as its source has them."""
        cdef sl_status status = SL_OK
        sl_shared_pack(result.shared)
        if kind == SL_ARROW_TEXT or kind == SL_ARROW_NULL:
            status = sl_shared_narrow(result.shared)
            if status > SL_OK:
                detail = "expected at most 2147483647 bytes of results in a chunk of Arrow string; pass large_string"
                raise _fail(self.name, status, detail, -1)
        return result

    cdef object arrow_array(self, object column, _Options options):
        schema_capsule, array_capsule = column.__arrow_c_array__()
        cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(schema_capsule, "arrow_schema")
        cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(array_capsule, "arrow_array")
        cdef bint in_struct = False, is_null = options.is_null
        cdef sl_arrow_kind kind = sl_arrow_kind_of(schema, &in_struct)
        if kind == SL_ARROW_OTHER:
            raise self.not_text(schema)
        cdef ArrowColumn result = ArrowColumn.__new__(ArrowColumn)
        cdef int64_t failed = -1
        cdef sl_status status
        result.start(self)
        with nogil:
            status = _run_chunk(result.shared, array, kind, in_struct, is_null, &options.prepared, &failed)
        if status > SL_OK:
            raise _fail(self.name, status, None, failed)
        return self.finish(result, kind)

    cdef object arrow_stream(self, object column, _Options options):
        cdef object capsule = column.__arrow_c_stream__()
        cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
        cdef ArrowSchema schema
        cdef ArrowArray array
        cdef bint in_struct = False, is_null = options.is_null
        cdef sl_arrow_kind kind
        cdef int code
        cdef int64_t failed = -1, before = 0
        cdef sl_status status = SL_OK
        cdef ArrowChunks result = ArrowChunks.__new__(ArrowChunks)
        result.start(self)
        memset(&schema, 0, sizeof(schema))
        # A stream may need Python's lock, in this thread or in one that it waits for: never call it while holding it.
        with nogil:
            code = stream.get_schema(stream, &schema)
        if code:
            raise _broken_stream(self.name, stream, code)
        try:
            kind = sl_arrow_kind_of(&schema, &in_struct)
            if kind == SL_ARROW_OTHER:
                raise self.not_text(&schema)
        finally:
            if schema.release is not NULL:
                schema.release(&schema)
        with nogil:
            while status <= SL_OK:
                memset(&array, 0, sizeof(array))
                code = stream.get_next(stream, &array)
                if code or array.release is NULL:
                    break
                status = _run_chunk(result.shared, &array, kind, in_struct, is_null, &options.prepared, &failed)
                if status <= SL_OK:
                    before += array.length
                array.release(&array)
        if status > SL_OK:
            raise _fail(self.name, status, None, before + failed if failed >= 0 else -1)
        if code:
            raise _broken_stream(self.name, stream, code)
        return self.finish(result, kind)

    cdef bytes utf8_of(self, object content):
        """One text as UTF-8; bytes are not checked."""
        cdef bytes utf8
        if isinstance(content, bytes):
            utf8 = content
        elif isinstance(content, str):
            try:
                utf8 = content.encode()
            except UnicodeEncodeError:
                raise _unreadable(self.name, content, SL_EUTF8, -1) from None
        else:
            raise TypeError(f"{self.name}: expected str or bytes, got {type(content).__name__}")
        if <size_t>len(utf8) > TEXT_MAX:
            raise _fail(self.name, SL_ERANGE, None, -1)
        return utf8

    def look(self, object content, tuple args):
        """As `parse_row` says."""
        cdef sl_batch batch
        cdef sl_status status
        cdef int64_t failed = 0
        if self.row.result.type != SL_TYPE_STRUCT or self.defaults is None:
            raise TypeError(f"parse_row: expected a function that gives a struct, got {self.name}")
        cdef _Options options = self.options_of(args)
        cdef bytes utf8 = self.utf8_of(content)
        cdef sl_str source = sl_str(PyBytes_AS_STRING(utf8), <uint32_t>PyBytes_GET_SIZE(utf8))
        sl_batch_init(&batch, self.row)
        try:
            with nogil:
                status = sl_batch_run(&batch, &options.prepared, &source, 1, False, &failed)
            if status > SL_OK:
                raise _fail(self.name, status, None, -1)
            return self.structure(&batch, 0)
        finally:
            sl_batch_free(&batch)

    cdef _Options options_of(self, tuple args):
        """Those of `parse_rows` and `parse_row`."""
        if not args:
            return self.defaults
        if len(args) >= len(self.params):
            raise TypeError(f"{self.name}: expected at most {len(self.params) - 1} options, got {len(args)}")
        cdef _Options options = self.prepare([None, *args], 1 + len(args))
        if options.is_null:
            raise TypeError(f"{self.name}: expected options, got None")
        return options

    def parse(self, object content, tuple args, str keyed=None, object batch_rows=None):
        """As `parse_rows` says; `keyed` is the beginning of what a column `msg_key` is made of: csrc/python/keys.h."""
        cdef sl_str source
        cdef _File file
        cdef _Options options
        cdef uint32_t rows = SL_ROWS_BATCH if batch_rows is None else _batch_rows(self.name, batch_rows)
        if self.row.result.type != SL_TYPE_LIST or self.defaults is None or self.field_names[0] is None:
            raise TypeError(f"parse_rows: expected a function that gives a list of structs, got {self.name}")
        options = self.options_of(args)
        cdef const sl_parts *parts = sl_parts_of(self.row)
        if isinstance(content, bytes) and self.opener is not NULL:
            source = sl_str(PyBytes_AS_STRING(content), <uint32_t>PyBytes_GET_SIZE(content))
            if <size_t>len(content) <= TEXT_MAX and parts is not NULL and parts.plain(source, &source):
                try:
                    return self.produce(source, content, options, keyed, rows)
                except _errors.InvalidUTF8:
                    pass  # where, is said by what follows
            file = self.opened(content, -1)
            return self.produce(file.text, file, options, keyed, rows)
        cdef bytes utf8 = self.utf8_of(content)
        source = sl_str(PyBytes_AS_STRING(utf8), <uint32_t>PyBytes_GET_SIZE(utf8))
        return self.produce(source, utf8, options, keyed, rows)

    cdef dict cells(self, const sl_cell *cells):
        """One row of a function that gives a struct."""
        cdef Py_ssize_t f
        cdef dict found = {}
        for f in range(len(self.field_names)):
            is_text = self.row.result.fields[f].type == SL_TYPE_TEXT
            missing = is_text and cells[f].text.ptr is NULL
            found[self.field_names[f]] = (
                None if missing else _text(cells[f].text) if is_text else _number(self.row.result.fields[f].type, cells[f])
            )
        return found

    cdef object produce(self, sl_str text, object source, _Options options, str keyed, uint32_t rows):
        """Rows of a text, which is found to be UTF-8."""
        cdef sl_status status
        cdef ArrowRows result = ArrowRows.__new__(ArrowRows)
        cdef bytes prefix = b"" if keyed is None else keyed.encode()
        cdef tuple hold = (source, options, prefix)
        cdef sl_row_key key
        cdef const sl_row_key *wanted = NULL
        if keyed is not None:
            if len(prefix) > TEXT_MAX // 2:
                raise _fail(self.name, SL_ERANGE, None, -1)
            key.prefix = sl_str(PyBytes_AS_STRING(prefix), <uint32_t>len(prefix))
            key.time, key.author, key.text = (self.field_names.index(name) for name in ("ts", "author", "text"))
            wanted = &key
        cdef uint32_t threads = _processors()
        result.name = self.name
        result.function = self
        result.options = options
        Py_INCREF(hold)
        with nogil:
            status = sl_made_start(
                self.row, &options.prepared, text, wanted, rows, threads, True, <void *>hold, &_drop_later, &result.made
            )
        if status > SL_OK:
            Py_DECREF(hold)
            if status == SL_EARG:
                raise TypeError(f"{self.name}: expected no keyed, because its rows have no keys, got {keyed!r}")
            raise _fail(self.name, status, None, -1)
        return result


# ---- rows of several arguments ----------------------------------------------------------------------------------------

cdef _Source _source(str name, str param, sl_type type, object value):
    """The rows of one argument, out of whatever container it came in."""
    cdef bint numbers = type != SL_TYPE_TEXT
    cdef _Source source
    if hasattr(value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__"):
        source = _ArrowSource(name, param, type)
        (<_ArrowSource>source).open(value)
        return source
    source = _ObjectSource(name, param, type)
    source.kind = "scalar"
    if numbers:
        if _is_array(value):
            if value.dtype.kind not in "iu" or value.ndim not in (1, 2):
                raise source.wrong(f"a NumPy array of {value.ndim} dimensions and {value.dtype}")
            if value.ndim == 2:
                source.kind = "numpy"
            value = list(value) if value.ndim == 2 else value
        elif isinstance(value, (list, tuple)):
            # Numbers are one row; lists of them, and None, are a column.
            if value and all(item is None or isinstance(item, (list, tuple)) or _is_array(item) for item in value):
                source.kind = "list"
        elif value is not None:
            raise source.wrong(f"{type_name(value)}")
    elif isinstance(value, list):
        source.kind = "list"
    elif _is_array(value):
        if not isinstance(value.dtype, _string_type()) or value.ndim != 1:
            raise source.wrong(f"a NumPy array of {value.ndim} dimensions and {value.dtype}")
        source.kind = "numpy"
        source.may_miss = hasattr(value.dtype, "na_object")
        value = value.astype(_string_type()(na_object=None)).tolist()
    elif value is not None and not isinstance(value, str):
        raise source.wrong(type_name(value))
    (<_ObjectSource>source).rows = [value] if source.kind == "scalar" else list(value)
    source.length = -1 if source.kind == "scalar" else len(value)
    return source


cdef str type_name(object value):
    return type(value).__name__


cdef class _Source:
    """Rows of one argument, a block at a time. A scalar has the length -1 and is every row."""

    cdef str name, param, kind
    cdef sl_type type
    cdef int64_t length
    cdef bint may_miss
    cdef sl_str *texts
    cdef sl_numbers *numbers

    def __cinit__(self, str name, str param, sl_type type):
        self.name, self.param, self.type = name, param, type
        self.texts = <sl_str *>malloc(SL_BATCH_BLOCK * sizeof(sl_str))
        self.numbers = <sl_numbers *>malloc(SL_BATCH_BLOCK * sizeof(sl_numbers))
        if self.texts is NULL or self.numbers is NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.texts)
        free(self.numbers)

    cdef fill(self, int64_t start, int64_t count):
        raise NotImplementedError

    cdef object wrong(self, str came):
        wanted = (
            "str, None, a list of these, a NumPy StringDType array or an Arrow column" if self.type == SL_TYPE_TEXT else
            "a list of int, a list of such lists, a NumPy array of whole numbers or an Arrow column of lists"
        )
        return TypeError(f"{self.name}: expected {self.param} to be {wanted}, got {came}")


cdef class _ObjectSource(_Source):
    """Rows that are Python objects."""

    cdef list rows, alive
    cdef sl_buf read

    def __init__(self, str name, str param, sl_type type):
        self.read = SL_BUF_HEAP

    def __dealloc__(self):
        sl_buf_free(&self.read)

    cdef fill(self, int64_t start, int64_t count):
        cdef int64_t i, some = 1 if self.length < 0 else count
        if self.length < 0:
            start = 0
        if self.type == SL_TYPE_TEXT:
            self.fill_texts(start, some)
        else:
            self.fill_numbers(start, some)
        for i in range(some, count):
            self.texts[i] = self.texts[0]
            self.numbers[i] = self.numbers[0]

    cdef fill_texts(self, int64_t start, int64_t count):
        cdef int64_t i
        cdef size_t room = 0
        cdef object item
        cdef sl_status status
        for i in range(count):
            item = self.rows[start + i]
            if item is None:
                continue
            if not isinstance(item, str):
                raise TypeError(
                    f"{self.name}: expected {self.param} to be a list of str and None, got {type_name(item)} in row "
                    f"{start + i}"
                )
            room += sl_unicode_room(item)
        self.read.len = 0
        if sl_buf_reserve(&self.read, room) != SL_OK:
            raise _fail(self.name, SL_ENOMEM, None, -1)
        for i in range(count):
            item = self.rows[start + i]
            if item is None:
                self.texts[i] = sl_str(NULL, 0)
                continue
            status = sl_unicode_read(item, &self.read, &self.texts[i])
            if status > SL_OK:
                raise _unreadable(self.name, item, status, start + i)

    cdef fill_numbers(self, int64_t start, int64_t count):
        """As arrays, kept alive until the next block."""
        cdef int64_t i
        cdef object array
        cdef int64_t length
        self.alive = []
        for i in range(count):
            row = self.rows[start + i]
            made = None if row is None else self.array(row)
            if made is None:
                self.numbers[i] = sl_numbers(NULL, 0)
                continue
            array = made
            self.alive.append(array)
            length = array.shape[0]
            if length > 0xFFFFFFFF:
                raise _fail(self.name, SL_ERANGE, None, start + i)
            # An empty array has a place in memory too.
            self.numbers[i] = sl_numbers(<const int64_t *>PyArray_BYTES(<PyArrayObject *>array), <uint32_t>length)

    cdef object array(self, object row):
        """One row of numbers; None if one of them is."""
        natural = self.type == SL_TYPE_NATURALS
        wanted = "uint64" if natural else "int64"
        if _is_array(row):
            if row.dtype.kind not in "iu" or row.ndim != 1:
                raise self.wrong(f"a NumPy array of {row.ndim} dimensions and {row.dtype} in it")
            row = row.tolist()
        for item in row:
            if item is None:
                return None
            if isinstance(item, bool) or not hasattr(item, "__index__"):
                raise self.wrong(f"{type_name(item)} in it")
        try:
            return _numpy().array([item.__index__() for item in row], dtype=wanted)
        except OverflowError:
            bounds = "0 to 18446744073709551615" if natural else "64 bits"
            raise _errors.InvalidArgument(f"{self.name}: expected {self.param} to fit {bounds}, got {row}") from None


cdef class _ArrowSource(_Source):
    """Rows of an Arrow array, or of all arrays of a stream."""

    cdef ArrowArray *arrays
    cdef int64_t count, capacity, width
    cdef sl_arrow_kind text_kind
    cdef sl_arrow_lists list_kind
    cdef bint in_struct
    cdef object capsule  # of a single array, which it owns
    cdef int64_t *starts

    def __dealloc__(self):
        for i in range(self.count):
            if self.capsule is None and self.arrays[i].release is not NULL:
                self.arrays[i].release(&self.arrays[i])
        free(self.arrays)
        free(self.starts)

    cdef open(self, object column):
        cdef ArrowSchema schema
        cdef ArrowSchema *given
        cdef ArrowArrayStream *stream
        cdef ArrowArray array
        cdef int code
        self.may_miss = True
        if hasattr(column, "__arrow_c_array__"):
            self.kind = "array"
            schema_capsule, self.capsule = column.__arrow_c_array__()
            given = <ArrowSchema *>PyCapsule_GetPointer(schema_capsule, "arrow_schema")
            self.look(given)
            self.add((<ArrowArray *>PyCapsule_GetPointer(self.capsule, "arrow_array"))[0])
            return
        self.kind = "stream"
        capsule = column.__arrow_c_stream__()
        stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
        memset(&schema, 0, sizeof(schema))
        with nogil:
            code = stream.get_schema(stream, &schema)
        if code:
            raise _broken_stream(self.name, stream, code)
        try:
            self.look(&schema)
        finally:
            if schema.release is not NULL:
                schema.release(&schema)
        while True:
            memset(&array, 0, sizeof(array))
            with nogil:
                code = stream.get_next(stream, &array)
            if code:
                raise _broken_stream(self.name, stream, code)
            if array.release is NULL:
                break
            self.add(array)

    cdef look(self, ArrowSchema *schema):
        if self.type == SL_TYPE_TEXT:
            self.text_kind = sl_arrow_kind_of(schema, &self.in_struct)
            wrong = self.text_kind == SL_ARROW_OTHER
        else:
            self.list_kind = sl_arrow_lists_of(schema, self.type == SL_TYPE_NATURALS, &self.in_struct, &self.width)
            wrong = self.list_kind == SL_ARROW_NO_LIST
        if wrong:
            inner = schema.children[0].format.decode() if schema.n_children == 1 else ""
            raise self.wrong(f"Arrow format {schema.format.decode()!r}{f' of {inner!r}' if inner else ''}")

    cdef add(self, ArrowArray array):
        cdef ArrowArray *arrays
        cdef int64_t *starts
        cdef int64_t capacity = self.capacity * 2 if self.capacity else 1
        if self.count == self.capacity:
            arrays = <ArrowArray *>realloc(self.arrays, capacity * sizeof(ArrowArray))
            if arrays is not NULL:
                self.arrays = arrays
            starts = <int64_t *>realloc(self.starts, capacity * sizeof(int64_t))
            if starts is not NULL:
                self.starts = starts
            if arrays is NULL or starts is NULL:
                if self.capsule is None and array.release is not NULL:
                    array.release(&array)
                raise MemoryError()
            self.capacity = capacity
        self.arrays[self.count] = array
        self.starts[self.count] = self.length
        self.count += 1
        self.length += array.length

    cdef fill(self, int64_t start, int64_t count):
        cdef int64_t chunk = 0, done = 0, within, some
        cdef sl_status status = SL_OK
        while chunk + 1 < self.count and self.starts[chunk + 1] <= start:
            chunk += 1
        while done < count:
            within = start + done - self.starts[chunk]
            some = min(count - done, self.arrays[chunk].length - within)
            if self.type == SL_TYPE_TEXT:
                status = sl_arrow_read(
                    &self.arrays[chunk], self.text_kind, self.in_struct, within, some, &self.texts[done]
                )
            else:
                status = sl_arrow_read_lists(
                    &self.arrays[chunk], self.list_kind, self.in_struct, self.width, within, some, &self.numbers[done]
                )
            if status > SL_OK:
                raise _fail(self.name, status, None, -1)
            done += some
            chunk += 1


cdef object _broken_stream(str name, ArrowArrayStream *stream, int code):
    cdef const char *message = stream.get_last_error(stream)
    reason = message.decode("utf-8", "replace") if message is not NULL else f"error {code}"
    return _errors.StreamlinerError(f"{name}: expected an Arrow stream that can be read, got: {reason}")


cdef inline sl_status _one(
    const sl_function *row, sl_str source, const sl_options *options, sl_buf *out, sl_uuid *value, sl_cell *cell
) noexcept nogil:
    """What is not a list, of one text."""
    if row.shape == SL_SHAPE_UUID:
        return row.kernel.UUID(source, options, value)
    if row.shape == SL_SHAPE_NUMBER:
        return row.kernel.NUMBER(source, options, cell)
    return row.kernel.TEXT(source, options, out)


cdef sl_status _run_chunk(
    sl_shared *shared, const ArrowArray *array, sl_arrow_kind kind, bint in_struct, bint is_null,
    const sl_options *options, int64_t *failed
) noexcept nogil:
    """Results of one Arrow array as one more batch."""
    cdef int64_t start = 0, count
    cdef sl_status status = SL_ENOMEM
    cdef sl_batch *batch = sl_shared_add(shared)
    cdef sl_str *texts = <sl_str *>malloc(SL_BATCH_BLOCK * sizeof(sl_str))
    cdef size_t bytes
    failed[0] = -1
    if batch is not NULL and texts is not NULL:
        # Results are about as long as their texts; a little more saves the last move.
        bytes = sl_arrow_bytes(array, kind, in_struct)
        status = sl_batch_reserve(batch, array.length, bytes + bytes // 32)
        while start < array.length and status <= SL_OK:
            count = array.length - start if array.length - start < SL_BATCH_BLOCK else SL_BATCH_BLOCK
            if is_null:
                status = sl_batch_nulls(batch, count)
            else:
                status = sl_arrow_read(array, kind, in_struct, start, count, texts)
                if status <= SL_OK:
                    status = sl_batch_run(batch, options, texts, count, False, failed)
                    if status > SL_OK:
                        failed[0] += start
            start += count
    free(texts)
    return status


# ---- results as Arrow -----------------------------------------------------------------------------------------------

cdef void _free_schema(object capsule) noexcept:
    cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(capsule, "arrow_schema")
    if schema.release is not NULL:
        schema.release(schema)
    free(schema)


cdef void _free_array(object capsule) noexcept:
    cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(capsule, "arrow_array")
    if array.release is not NULL:
        array.release(array)
    free(array)


cdef void _free_stream(object capsule) noexcept:
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
    if stream.release is not NULL:
        stream.release(stream)
    free(stream)


cdef object _empty_capsule(size_t size, const char *name, PyCapsule_Destructor destructor):
    """Of a struct that is all zeros, and so has nothing to release until something is exported into it."""
    cdef void *empty = calloc(1, size)
    if empty is NULL:
        raise MemoryError()
    return PyCapsule_New(empty, name, destructor)


# Without a part in garbage collection: nothing here can be part of a circle, and a collector that took `sources` away
# first would leave the thread in the background with a text that is gone.
@cython.no_gc
cdef class ArrowChunks:
    """A column of results in chunks, for whatever reads the Arrow PyCapsule interface; the buffers are shared."""

    cdef sl_shared *shared
    cdef str name

    def __init__(self):
        raise TypeError("expected a function of this package to make this object")

    cdef start(self, Function function):
        self.name = function.name
        self.shared = sl_shared_new(function.row)
        if self.shared is NULL:
            raise _fail(function.name, SL_ENOMEM, None, -1)

    cdef check(self):
        if self.shared is NULL:
            raise TypeError("expected a function of this package to make this object")

    def __dealloc__(self):
        sl_shared_release(self.shared)

    def __len__(self):
        cdef int64_t total = 0
        self.check()
        for i in range(sl_shared_count(self.shared)):
            total += sl_shared_batch(self.shared, i).columns[0].count
        return total

    def __repr__(self):
        return f"<{type(self).__name__} of {len(self)} rows; read it with pyarrow, Polars, DuckDB or anything of Arrow>"

    def __arrow_c_schema__(self):
        """Capsule of the column's Arrow type."""
        self.check()
        capsule = _empty_capsule(sizeof(ArrowSchema), "arrow_schema", &_free_schema)
        cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(capsule, "arrow_schema")
        if sl_arrow_export_schema(self.shared, schema) != 0:
            raise MemoryError()
        return capsule

    def __arrow_c_stream__(self, requested_schema=None):
        """Capsule of a stream of the chunks. A requested schema is not followed, as the interface allows."""
        self.check()
        capsule = _empty_capsule(sizeof(ArrowArrayStream), "arrow_array_stream", &_free_stream)
        cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
        if sl_arrow_export_stream(self.shared, stream) != 0:
            raise MemoryError()
        return capsule


@cython.no_gc
cdef class ArrowColumn(ArrowChunks):
    """A column of results in one piece."""

    def __arrow_c_array__(self, requested_schema=None):
        """Capsules of the type and of the values. A requested schema is not followed, as the interface allows."""
        self.check()
        capsule = _empty_capsule(sizeof(ArrowArray), "arrow_array", &_free_array)
        cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(capsule, "arrow_array")
        if sl_arrow_export_chunk(self.shared, 0, array) != 0:
            raise MemoryError()
        return self.__arrow_c_schema__(), capsule


cdef int _drop_now(void *hold) noexcept:
    Py_DECREF(<object>hold)
    return 0


cdef void _drop_later(void *hold) noexcept nogil:
    """Whoever releases the last batch may be a thread that another one waits for while it holds Python's lock."""
    if not Py_IsInitialized():
        return
    if PyGILState_Check():
        with gil:
            Py_DECREF(<object>hold)
    elif Py_AddPendingCall(&_drop_now, hold) != 0:
        with gil:
            Py_DECREF(<object>hold)


cdef uint32_t _processors():
    """Those that this process may use."""
    if hasattr(_os, "sched_getaffinity"):
        return <uint32_t>len(_os.sched_getaffinity(0))
    return <uint32_t>(_os.cpu_count() or 1)


@cython.no_gc
cdef class ArrowRows:
    """Rows that are made in the background, for whatever reads the Arrow PyCapsule interface; the buffers are shared."""

    cdef sl_made *made
    cdef str name
    cdef Function function
    cdef _Options options  # what the threads read, and the text

    def __init__(self):
        raise TypeError("expected a function of this package to make this object")

    cdef int64_t wait(self, int64_t batches) except -1:
        """Batches there are, once there are `batches` or all."""
        cdef int64_t count = 0
        cdef sl_status status
        if self.made is NULL:
            raise TypeError("expected a function of this package to make this object")
        with nogil:
            status = sl_made_wait(self.made, batches, &count)
        if status == SL_EARG:
            raise _fail(self.name, status, "expected the process that makes these rows, got a fork of it", -1)
        if status > SL_OK:
            raise _fail(self.name, status, None, -1)
        return count

    def __dealloc__(self):
        if self.made is not NULL:
            with nogil:
                sl_made_abandon(self.made)

    def look(self):
        """What the function says that looks at such a text, as `parse_row` does, without reading the text once more."""
        cdef const sl_parts *parts = sl_parts_of(self.function.row)
        if parts is NULL:
            raise TypeError(f"{self.name}: expected a function whose texts can be looked at, as parse_whatsapp is")
        cdef Function looks = Function(parts.looks.decode())
        return looks.cells(sl_made_look(self.made))

    def __bool__(self):
        return self.wait(1) > 0

    def __len__(self):
        self.wait(INT64_MAX)
        return sl_made_rows(self.made)

    def __repr__(self):
        return f"<{type(self).__name__} of {len(self)} rows; read it with pyarrow, Polars, DuckDB or anything of Arrow>"

    def __arrow_c_schema__(self):
        """Capsule of the type of a record batch."""
        self.wait(0)
        capsule = _empty_capsule(sizeof(ArrowSchema), "arrow_schema", &_free_schema)
        cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(capsule, "arrow_schema")
        if sl_made_export_schema(self.made, schema) != 0:
            raise MemoryError()
        return capsule

    def __arrow_c_stream__(self, requested_schema=None):
        """Capsule of a stream of the batches. A requested schema is not followed, as the interface allows."""
        self.wait(0)
        capsule = _empty_capsule(sizeof(ArrowArrayStream), "arrow_array_stream", &_free_stream)
        cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
        if sl_made_export_stream(self.made, stream) != 0:
            raise MemoryError()
        return capsule


cdef Function _function(str asking, str name):
    try:
        return Function(name)
    except LookupError as error:
        raise LookupError(f"{asking}: {error}") from None


def parse_row(str name, content, *options):
    """What a function that gives one struct says of one text, which can be bytes.

    Parameters
    ----------
    name : str
        A function that gives a struct.
    content : str or bytes
        One text; bytes are UTF-8 and are not copied.
    options
        Of the function, in its order; the others have their defaults.

    Returns
    -------
    dict
        The fields.

    Nulls : fields may be NULL.
    Errors : LookupError for what is no function; TypeError for another function or content; InvalidUTF8 for bytes
    that are not UTF-8; InvalidArgument for a wrong option.
    Cost : that of the function.
    Source : beside `parse_rows`, for functions that give one row.

    Examples
    --------
    >>> parse_row("sniff_whatsapp", b"25/03/2024, 09:15 - Ana: hi")["date_order"]
    'dmy'
    """
    return _function("parse_row", name).look(content, options)


def parse_rows(str name, content, *options, keyed=None, batch_rows=None):
    """What a function finds in one text, as rows for DuckDB, pyarrow or Polars.

    Parameters
    ----------
    name : str
        A function that gives a list of structs.
    content : str or bytes
        One text. Bytes are UTF-8 and are not copied; where the function takes a BLOB in SQL, they are the bytes of a file
        as it takes them there.
    options
        Of the function, in its order; the others have their defaults.
    keyed : str, optional
        Of `parse_whatsapp`: gives a column `msg_key` too, the MD5 as a UUID of this, the time, the author, the text and how
        often the same came before, joined with chr(31).
    batch_rows : int, optional
        Rows of a record batch, which one thread makes and one of the reader takes: 2,048 by default, rounded up to 256.
        Fewer, if all rows together are less than one. DuckDB takes a batch of as many as a row group of its table has
        (122,880, unless ROW_GROUP_SIZE says otherwise) as a row group, and does not put it together from smaller ones.

    Returns
    -------
    object with `__arrow_c_stream__` and `len`
        The elements as record batches with a column a field. It can be read again and again.

    Nulls : fields may be NULL.
    Errors : LookupError for what is no function; TypeError for another function or content; InvalidUTF8 for bytes
    that are not UTF-8; InvalidArgument for a file that the function refuses, and for a wrong option.
    Cost : that of the function, in threads of its own: a reader gets the first rows while the last are still made. Texts
    are views (`string_view`) into the bytes wherever they stand there, so that the bytes stay as long as one row does;
    what knows no views has to cast the columns to `string`, which copies them.
    Source : the Arrow C stream interface.

    Examples
    --------
    >>> import duckdb
    >>> messages = parse_rows("parse_whatsapp", b"05/03/2024, 09:15 - Ana: hi")
    >>> duckdb.sql("SELECT author, text FROM messages").fetchall()
    [('Ana', 'hi')]
    """
    return _function("parse_rows", name).parse(content, options, keyed, batch_rows)


include "_items.pxi"
