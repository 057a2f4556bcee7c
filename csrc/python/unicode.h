/* unicode.h - the bytes of a Python str, without the copy that Python would keep inside the str for good.
 * Contract: call with Python's lock held; the bytes of an ASCII str belong to the str. */
#ifndef SL_PYTHON_UNICODE_H
#define SL_PYTHON_UNICODE_H

#include <Python.h>

#include "../streamliner.h"

/* The most bytes that sl_unicode_read may put into a buffer for this str. */
size_t sl_unicode_room(PyObject *text);
/* The UTF-8 of a str: its own memory, or appended to `buf`, which has sl_unicode_room bytes free.
 * SL_EUTF8 for a lone surrogate, SL_ERANGE above SL_TEXT_MAX bytes. */
sl_status sl_unicode_read(PyObject *text, sl_buf *buf, sl_str *out);

#endif
