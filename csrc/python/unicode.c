/* unicode.c - Python's one, two and four bytes a character into UTF-8.
 * Contract: as in unicode.h. */
#include "unicode.h"

#include "../kernels/utf8.h"

size_t sl_unicode_room(PyObject *text) {
    if (PyUnicode_IS_COMPACT_ASCII(text)) return 0;
    static const uint8_t widest[] = {0, 2, 3, 0, 4};
    return (size_t)PyUnicode_GET_LENGTH(text) * widest[PyUnicode_KIND(text)];
}

static char *put_latin1(char *out, const Py_UCS1 *points, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (points[i] < 0x80) {
            *out++ = (char)points[i];
        } else {
            *out++ = (char)(0xC0 | points[i] >> 6);
            *out++ = (char)(0x80 | (points[i] & 0x3F));
        }
    }
    return out;
}

#define DEFINE_PUT(name, type)                                          \
    static char *name(char *out, const type *points, size_t len) {      \
        for (size_t i = 0; i < len; i++) {                              \
            uint32_t point = points[i];                                 \
            if (point < 0x80) {                                         \
                *out++ = (char)point;                                   \
                continue;                                               \
            }                                                           \
            if (SL_UNLIKELY(point - 0xD800 < 0x800)) return NULL;       \
            out += sl_utf8_put(out, point);                             \
        }                                                               \
        return out;                                                     \
    }
DEFINE_PUT(put_ucs2, Py_UCS2)
DEFINE_PUT(put_ucs4, Py_UCS4)

sl_status sl_unicode_read(PyObject *text, sl_buf *buf, sl_str *out) {
    size_t len = (size_t)PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        if (len > SL_TEXT_MAX) return SL_ERANGE;
        *out = (sl_str){PyUnicode_DATA(text), (uint32_t)len};
        return SL_OK;
    }
    char *start = buf->ptr + buf->len, *end;
    switch (PyUnicode_KIND(text)) {
        case PyUnicode_1BYTE_KIND:
            end = put_latin1(start, PyUnicode_1BYTE_DATA(text), len);
            break;
        case PyUnicode_2BYTE_KIND:
            end = put_ucs2(start, PyUnicode_2BYTE_DATA(text), len);
            break;
        default:
            end = put_ucs4(start, PyUnicode_4BYTE_DATA(text), len);
    }
    if (!end) return SL_EUTF8;
    if ((size_t)(end - start) > SL_TEXT_MAX) return SL_ERANGE;
    buf->len += (size_t)(end - start);
    *out = (sl_str){start, (uint32_t)(end - start)};
    return SL_OK;
}
