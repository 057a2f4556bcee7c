/* json.h - JSON values: where they end, and what their strings say.
 * Contract: reads only [p, end); p < end where a function starts, unless it says otherwise. Strict but for what exporters
 * do: strings may hold control characters, `\xHH`, and bytes that are not UTF-8, which become U+FFFD.
 * Source: RFC 8259. */
#ifndef SL_PYTHON_JSON_H
#define SL_PYTHON_JSON_H

#include "../streamliner.h"

enum { SL_JSON_DEPTH = 512 };

/* The first byte from p on that is not white space; p may be end. */
static inline const char *sl_json_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}
/* Behind the string whose first quote is at p, or NULL. *escaped is set if it holds an escape. */
const char *sl_json_string(const char *p, const char *end, int *escaped);
/* Behind the value at p, or NULL if there is none, or one that is deeper than SL_JSON_DEPTH. */
const char *sl_json_skip(const char *p, const char *end);

/* Appends what the string [p, end), quotes included, says. Sets *mended where bytes or surrogates had to be replaced. With
 * `latin1` a string of U+0000 to U+00FF that is UTF-8 once each is a byte becomes that. */
sl_status sl_json_decode(sl_buf *out, const char *p, const char *end, int escaped, int latin1, int *mended);
/* Appends a value as strict readers take it. */
sl_status sl_json_mend(sl_buf *out, const char *p, const char *end);

#endif
