# The elements of an array inside a large JSON document, as an Arrow stream: csrc/python/items.h.

cimport cython
from cpython.buffer cimport PyBUF_READ, PyBUF_SIMPLE, Py_buffer, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.ref cimport Py_DECREF, Py_INCREF

from mmap import mmap

cdef extern from "python/items.h":
    enum: SL_ITEMS_STEPS, SL_FIELDS, SL_FIELD_STEPS
    ctypedef struct sl_items_step:
        bint any
        uint32_t count
        sl_str names[4]
    ctypedef struct sl_items:
        sl_items_step steps[8]
        uint32_t step_count
        uint64_t count
        uint64_t repaired
        bint truncated
        bint followed
        bint done
        const char *p
        sl_buf header
    ctypedef struct sl_json_field:
        sl_str steps[4]
        uint32_t count
        bint joined
        bint owner
    ctypedef struct sl_json_fields:
        sl_json_field fields[48]
        uint32_t count
        bint latin1
    ctypedef struct sl_items_output:
        int64_t rows
        bint owners
        bint mapped
        const sl_json_fields *fields
        const char *const *names
    void sl_fields_prepare(sl_json_fields *fields) nogil
    void sl_items_init(sl_items *items, const char *ptr, size_t len, const sl_items_step *steps, uint32_t count) nogil
    void sl_items_free(sl_items *items) nogil
    bint sl_items_next(sl_items *items, sl_str *item, int *dirty) nogil
    int sl_items_stream(const sl_items *items, const sl_items_output *output, sl_items *result, void *hold,
                        void (*drop)(void *) noexcept nogil, ArrowArrayStream *out) nogil


cdef void _drop(void *hold) noexcept with gil:
    Py_DECREF(<object>hold)


# Clearing it as part of a cycle would drop the content and not release its buffer.
@cython.no_gc_clear
cdef class JsonItems:
    """The elements of one array in a JSON document, each as its text, read as they are asked for.

    Parameters
    ----------
    content : bytes, mmap or anything with a buffer
        The document. It is not copied.
    path : sequence
        The way from the root to the array: a name, a tuple of up to four names, or None for every element of an array.
    owners : bool
        Give a column `owner` too: the members beside the array in its object that stand before it.
    fields : dict, optional
        Give columns of these names instead: each the way to a field, like "id" or "author.name", of at most four names.
        One that goes through an array is in each of its elements, and what it finds is joined by line ends. "^name" is a
        field of the owner; "text*" of an array is its texts, and the "text" of its objects, one after the other.
    latin1 : bool
        With fields: strings that are UTF-8 once each of their characters is a byte become that.
    batch_rows : int, optional
        Elements of a record batch: 2,048 by default.

    Returns
    -------
    object with `__arrow_c_stream__`
        Record batches of a column `item`, or of the fields, `broken` with the reason why an element has none, and its
        `place` from 0; each reading begins anew. `count`, `repaired`, `truncated`, `followed` and `end` are those of the
        reading that ended last.

    Nulls : fields that are missing or null. A string is what it says; any other value is its JSON.
    Errors : TypeError for another path or field. A document that is broken gives the elements before that place, and
    `truncated`; one with something behind it `followed`.
    Cost : one pass, about a gigabyte a second; memory for the batches that are being read.
    Source : RFC 8259. `\\xHH`, which some exporters write, and control characters become `\\u00HH`.

    Examples
    --------
    >>> items = JsonItems(b'{"name": "Ana", "messages": [{"id": 1}, {"id": 2}]}', ["messages"])
    >>> import duckdb
    >>> duckdb.sql("SELECT item->>'id' FROM items").fetchall()
    [('1',), ('2',)]
    >>> items.header
    '{"name": "Ana"}'
    >>> duckdb.from_arrow(JsonItems(b'[{"who": {"name": "Bo"}}]', [], fields={"name": "who.name"})).fetchall()
    [('Bo', None, 0)]
    """

    cdef Py_buffer buffer
    cdef bint open_, mapped
    cdef sl_items items, result
    cdef list names
    cdef bint owners
    cdef sl_json_fields fields
    cdef const char *field_names[48]
    cdef int64_t batch_rows

    def __cinit__(self, object content, object path, bint owners=False, dict fields=None, bint latin1=False,
                  object batch_rows=None):
        cdef sl_items_step steps[SL_ITEMS_STEPS]
        cdef uint32_t count = 0
        cdef bytes name
        self.names = []
        if isinstance(path, str) or len(path) > SL_ITEMS_STEPS:
            raise TypeError(f"JsonItems: expected path to be at most {SL_ITEMS_STEPS} steps, got {path!r}")
        self.batch_rows = RECORD_ROWS if batch_rows is None else _batch_rows("JsonItems", batch_rows)
        memset(steps, 0, sizeof(steps))
        for step in path:
            several = () if step is None else (step,) if isinstance(step, str) else step
            if len(several) > 4 or not all(isinstance(one, str) for one in several):
                raise TypeError(f"JsonItems: expected a step to be None or up to four names, got {step!r}")
            steps[count].any = step is None
            for one in several:
                name = one.encode()
                self.names.append(name)
                steps[count].names[steps[count].count] = sl_str(PyBytes_AS_STRING(name), <uint32_t>len(name))
                steps[count].count += 1
            count += 1
        self.owners = owners
        self.fields.latin1 = latin1
        if fields is not None:
            self.add_fields(fields)
        if not PyObject_CheckBuffer(content):
            raise TypeError(f"JsonItems: expected content to be bytes or another buffer, got {type(content).__name__}")
        PyObject_GetBuffer(content, &self.buffer, PyBUF_SIMPLE)
        self.open_ = True
        # What can be written to might not be what the file holds.
        self.mapped = isinstance(content, mmap) and self.buffer.readonly
        sl_items_init(&self.items, <const char *>self.buffer.buf, <size_t>self.buffer.len, steps, count)

    cdef add_fields(self, dict fields):
        cdef sl_json_field *field
        cdef bytes name
        if not 0 < len(fields) <= SL_FIELDS:
            raise TypeError(f"JsonItems: expected 1 to {SL_FIELDS} fields, got {len(fields)}")
        for column, way in fields.items():
            if not isinstance(column, str) or not isinstance(way, str) or way.count(".") >= SL_FIELD_STEPS:
                raise TypeError(f"JsonItems: expected a field to be at most {SL_FIELD_STEPS} names, got {way!r}")
            field = &self.fields.fields[self.fields.count]
            field.owner = way.startswith("^")
            field.joined = way.endswith("*")
            self.owners = self.owners or field.owner
            name = column.encode()
            self.names.append(name)
            self.field_names[self.fields.count] = PyBytes_AS_STRING(name)
            for step in way.removeprefix("^").removesuffix("*").split("."):
                name = step.encode()
                self.names.append(name)
                field.steps[field.count] = sl_str(PyBytes_AS_STRING(name), <uint32_t>len(name))
                field.count += 1
            self.fields.count += 1
        sl_fields_prepare(&self.fields)

    def __dealloc__(self):
        sl_items_free(&self.items)
        if self.open_:
            PyBuffer_Release(&self.buffer)

    @property
    def header(self):
        """What stands before the first element in its object, as JSON; "{}" if there is nothing."""
        cdef sl_str item
        cdef int dirty
        with nogil:
            sl_items_next(&self.items, &item, &dirty)
        cdef bytes found = self.items.header.ptr[:self.items.header.len] if self.items.header.len else b""
        return "{" + found.decode("utf-8", "replace") + "}"

    @property
    def count(self):
        """Elements that the last reading gave."""
        return self.result.count

    @property
    def repaired(self):
        """Elements of the last reading that had to be written anew to be JSON."""
        return self.result.repaired

    @property
    def truncated(self):
        """Whether the last reading ended before the document did what JSON does."""
        return bool(self.result.truncated)

    @property
    def followed(self):
        """Whether something but white space stands behind the document, which the last reading did not read."""
        return bool(self.result.followed)

    @property
    def end(self):
        """The byte, from 0, where the last reading ended: where the document is broken, or what follows it begins."""
        return self.result.p - <const char *>self.buffer.buf if self.result.p else 0

    def __arrow_c_stream__(self, requested_schema=None):
        """Capsule of a stream over all elements. A requested schema is not followed, as the interface allows."""
        capsule = _empty_capsule(sizeof(ArrowArrayStream), "arrow_array_stream", &_free_stream)
        cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
        cdef sl_items_output output
        output.rows = self.batch_rows
        output.owners = self.owners
        output.mapped = self.mapped
        output.fields = &self.fields if self.fields.count else NULL
        output.names = self.field_names
        Py_INCREF(self)
        if sl_items_stream(&self.items, &output, &self.result, <void *>self, &_drop, stream) != 0:
            Py_DECREF(self)
            raise MemoryError()
        return capsule

    def joined(self, object backwards=False):
        """The elements as they stand in the document, with commas between them; the last one first if `backwards`, which
        can also be a function that says so of a view of them.

        Returns
        -------
        tuple of bytes and str
            The elements; and what stands beside them in their object, before and behind, as JSON.
        """
        cdef sl_items items
        cdef sl_str item
        cdef sl_str *found
        cdef int dirty
        cdef size_t i, count, size = 0
        cdef Py_ssize_t whole = 0
        cdef sl_buf spans = SL_BUF_HEAP
        cdef sl_status status = SL_OK
        cdef bytes text = b""
        cdef char *to
        sl_items_init(&items, <const char *>self.buffer.buf, <size_t>self.buffer.len, self.items.steps,
                      self.items.step_count)
        try:
            with nogil:
                while status <= SL_OK and sl_items_next(&items, &item, &dirty):
                    size += item.len + 1
                    status = sl_buf_append(&spans, <const char *>&item, sizeof(sl_str))
            if status > SL_OK:
                raise MemoryError()
            found = <sl_str *><void *>spans.ptr
            count = spans.len // sizeof(sl_str)
            if count:
                whole = found[count - 1].ptr + found[count - 1].len - found[0].ptr
            if count and callable(backwards):
                with PyMemoryView_FromMemory(<char *>found[0].ptr, whole, PyBUF_READ) as view:
                    backwards = backwards(view)
            if count and backwards:
                text = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size - 1)
                to = PyBytes_AS_STRING(text)
                for i in range(count):
                    item = found[count - 1 - i]
                    if i:
                        to[0] = b","
                        to += 1
                    memcpy(to, item.ptr, item.len)
                    to += item.len
            elif count:
                text = found[0].ptr[:whole]
            header = items.header.ptr[:items.header.len] if items.header.len else b""
            self.result.count = items.count
            self.result.truncated = items.truncated
            self.result.followed = items.followed
            self.result.p = items.p
        finally:
            sl_items_free(&items)
            sl_buf_free(&spans)
        return text, "{" + header.decode("utf-8", "replace") + "}"
