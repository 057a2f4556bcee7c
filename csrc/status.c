/* status.c - the only error texts. A door adds the function's name before, and its own detail after.
 * Contract: every code below SL_STATUS_COUNT has one sentence; no code has two. */
#include "streamliner.h"

#include <stdarg.h>
#include <stdio.h>

const char *sl_status_text(sl_status status) {
    switch (status) {
        case SL_UNCHANGED:
        case SL_OK:
            return "no error";
        case SL_ENOMEM:
            return "out of memory";
        case SL_EUTF8:
            return "expected valid UTF-8, got invalid bytes";
        case SL_EARG:
            return "invalid argument";
        case SL_ERANGE:
            return "text is too long, expected at most 4294967295 bytes";
        case SL_STATUS_COUNT:
            break;
    }
    return "unknown status";
}

sl_status sl_error_set(sl_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    if (written >= (int)sizeof(error->text)) {
        /* The cut may have split a code point: drop back to the last whole one. */
        size_t end = sizeof(error->text) - 1;
        size_t start = end;
        while (start > 0 && ((unsigned char)error->text[start - 1] & 0xC0) == 0x80) start--;
        if (start > 0 && (unsigned char)error->text[start - 1] >= 0xC0) {
            unsigned char lead = (unsigned char)error->text[start - 1];
            size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
            if (end - (start - 1) < need) error->text[start - 1] = 0;
        }
    }
    return SL_EARG;
}
