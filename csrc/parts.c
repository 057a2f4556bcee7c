/* parts.c - which functions have parts.
 * Contract: of every other function the kernel is called once for the whole text. */
#include "parts.h"

extern const sl_parts sl_whatsapp_parts;

const sl_parts *sl_parts_of(const sl_function *function) {
    return function->shape == SL_SHAPE_ROWS && function->kernel.ROWS == sl_parse_whatsapp ? &sl_whatsapp_parts : NULL;
}
