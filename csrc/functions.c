/* functions.c - expands functions.def into sl_functions[].
 * Contract: every row's kernel and prepare function exist with the right type, or this file does not link. */
#include "streamliner.h"

#define BARE(field_type) {NULL, SL_TYPE_##field_type}
#define FIELD(field_name, field_type) {#field_name, SL_TYPE_##field_type}
#define SL_OPTIONS(name)
#define SL_FILE(name)
#define SL_SCAN(name) enum { sl_trims_##name = 0 };
#define SL_INNER_SCAN(name) enum { sl_trims_##name = 1 };
#define sl_scan_none NULL
SL_SCAN(none)
#define SL_FUNCTION(name, family, shape, result, prepare, scan, since, summary, example, ...)
#define SL_FIELDS(name, type, ...)                               \
    static const sl_field sl_fields_##name[] = {__VA_ARGS__};    \
    static const sl_result sl_result_##name = {                  \
        type, sl_fields_##name, sizeof(sl_fields_##name) / sizeof(sl_field)};
#define SL_RESULT(name, ...) SL_FIELDS(name, SL_TYPE_LIST, __VA_ARGS__)
#define SL_STRUCT(name, ...) SL_FIELDS(name, SL_TYPE_STRUCT, __VA_ARGS__)
#define SL_PLAIN_RESULT(name, type) static const sl_result sl_result_##name = {type, NULL, 0}
SL_PLAIN_RESULT(text, SL_TYPE_TEXT);
SL_PLAIN_RESULT(uuid, SL_TYPE_UUID);
SL_PLAIN_RESULT(integer, SL_TYPE_INTEGER);
SL_PLAIN_RESULT(natural, SL_TYPE_NATURAL);
SL_PLAIN_RESULT(real, SL_TYPE_REAL);
SL_PLAIN_RESULT(boolean, SL_TYPE_BOOLEAN);
#include "functions.def"
#undef SL_RESULT
#undef SL_STRUCT
#undef SL_SCAN
#undef SL_INNER_SCAN
#undef SL_FUNCTION

#define ROW(name) {#name, SL_ROLE_ROW, 1, {.type = SL_TYPE_TEXT}, 0, NULL}
#define ROW_OR_FILE(name, file) {#name, SL_ROLE_ROW, 1, {.type = SL_TYPE_TEXT}, 0, sl_open_##file}
#define ROW_INTEGERS(name) {#name, SL_ROLE_ROW, 1, {.type = SL_TYPE_INTEGERS}, 0, NULL}
#define ROW_NATURALS(name) {#name, SL_ROLE_ROW, 1, {.type = SL_TYPE_NATURALS}, 0, NULL}
#define REQUIRED_TEXT(name) {#name, SL_ROLE_OPTION, 1, {.type = SL_TYPE_TEXT}, 0, NULL}
#define REQUIRED_TEXTS(name) {#name, SL_ROLE_OPTION, 1, {.type = SL_TYPE_TEXTS}, 0, NULL}
#define REQUIRED_INTEGER(name) {#name, SL_ROLE_OPTION, 1, {.type = SL_TYPE_INTEGER}, 0, NULL}
#define REQUIRED_TEXT_OR_UUID(name) {#name, SL_ROLE_OPTION, 1, {.type = SL_TYPE_TEXT}, 1, NULL}
#define TEXT_OPTION(name, value) {#name, SL_ROLE_OPTION, 0, {.type = SL_TYPE_TEXT, .text = {value, sizeof(value) - 1}}, 0, NULL}
#define INTEGER_OPTION(name, value) {#name, SL_ROLE_OPTION, 0, {.type = SL_TYPE_INTEGER, .integer = (value)}, 0, NULL}
#define REAL_OPTION(name, value) {#name, SL_ROLE_OPTION, 0, {.type = SL_TYPE_REAL, .real = (value)}, 0, NULL}
#define BOOLEAN_OPTION(name, value) {#name, SL_ROLE_OPTION, 0, {.type = SL_TYPE_BOOLEAN, .integer = (value)}, 0, NULL}
#define SL_RESULT(name, ...)
#define SL_STRUCT(name, ...)
#define SL_SCAN(name)
#define SL_INNER_SCAN(name)
#define SL_FUNCTION(name, family, shape, result, prepare, scan, since, summary, example, ...) \
    static const sl_param sl_params_##name[] = {__VA_ARGS__};
#include "functions.def"
#undef SL_FUNCTION

#define SL_FUNCTION(name, family, shape, result, prepare, scan, since, summary, example, ...)                                     \
    {#name,                                                                                                                 \
     #family,                                                                                                               \
     since,                                                                                                                 \
     summary,                                                                                                               \
     example,                                                                                                               \
     SL_SHAPE_##shape,                                                                                                      \
     &sl_result_##result,                                                                                                   \
     sl_prepare_##prepare,                                                                                                  \
     sl_scan_##scan,                                                                                                        \
     sl_trims_##scan,                                                                                                       \
     sl_params_##name,                                                                                                      \
     sizeof(sl_params_##name) / sizeof(sl_param),                                                                           \
     {.shape = sl_##name}},
const sl_function sl_functions[] = {
#include "functions.def"
};
#undef SL_FUNCTION

const uint32_t sl_function_count = sizeof(sl_functions) / sizeof(sl_functions[0]);

/* For rows without options: there is nothing to check. */
sl_status sl_prepare_none(const sl_value *values, sl_options *options, sl_error *error) {
    (void)values;
    (void)options;
    (void)error;
    return SL_OK;
}
