/* fields.h - fields of JSON objects as columns of text: each object is read once, whatever the number of fields.
 * Contract: an object that is broken gives NULL in every column and a reason. A field that is missing or null is NULL; a
 * string is what it says; any other value is its JSON. Of a name that comes twice the last one counts.
 * On the way through an array a field is in each of its elements: what it finds there is joined by line ends. */
#ifndef SL_PYTHON_FIELDS_H
#define SL_PYTHON_FIELDS_H

#include "json.h"

enum { SL_FIELDS = 48, SL_FIELD_STEPS = 4 };

/* The way from an object to a value by names. */
typedef struct sl_json_field {
    sl_str steps[SL_FIELD_STEPS];
    uint32_t count;
    int joined; /* of an array: its texts, and the `text` of its objects, one after the other */
    int owner;  /* in the object that the elements are in, as far as it stands before them */
} sl_json_field;

typedef struct sl_json_fields {
    sl_json_field fields[SL_FIELDS];
    uint32_t count;
    int latin1; /* as sl_json_decode */
    /* Sets of fields, a bit each: of those with a name of that length, of 31 or more, as that step; of those that end after
     * so many steps, and join arrays or not. */
    uint64_t lengths[SL_FIELD_STEPS][32], ends[SL_FIELD_STEPS + 1][2];
} sl_json_fields;

/* Texts in the layout of Arrow, rows of them. */
typedef struct sl_texts {
    int64_t *offsets; /* of `rows` + 1; the first is 0 */
    uint8_t *valid;   /* bits */
    sl_buf bytes;
} sl_texts;

/* Once all fields are there. */
void sl_fields_prepare(sl_json_fields *fields);
/* Columns of the fields in one element, and the reason why it is broken in the column behind the last field. */
sl_status sl_fields_read(const sl_json_fields *fields, sl_str item, sl_str owner, sl_texts *columns, int64_t row, int *mended);

sl_status sl_texts_init(sl_texts *texts, int64_t rows);
void sl_texts_free(sl_texts *texts);

#endif
