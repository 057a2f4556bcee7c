/* items.h - the elements of one array inside a large JSON document, one at a time, as an Arrow stream of their texts.
 * Contract: reads only [ptr, ptr + len), which has to stay until the stream is released; the document is never held in
 * any other form than its bytes. Elements come out as JSON that strict readers take: control characters and `\xHH`
 * within strings are written as `\u00HH`, bytes that are not UTF-8 as U+FFFD.
 * A document that ends early gives the elements that are whole.
 * Source: RFC 8259; `\xHH` is what some exporters write for control characters. */
#ifndef SL_PYTHON_ITEMS_H
#define SL_PYTHON_ITEMS_H

#include "arrow.h"
#include "fields.h"

enum { SL_ITEMS_STEPS = 8, SL_ITEMS_HEADER = 1 << 16, SL_ITEMS_COLUMNS = SL_FIELDS + 2 };

/* One step into the document: any element of an array, or the member of an object that has one of up to four names. */
typedef struct sl_items_step {
    int any;
    uint32_t count;
    sl_str names[4];
} sl_items_step;

typedef struct sl_items {
    const char *start, *p, *end;
    sl_items_step steps[SL_ITEMS_STEPS];
    uint32_t step_count;
    /* The containers that p is in. */
    struct {
        char kind;     /* '{', '[', or 'i' for the array of the elements */
        uint32_t step; /* the next step, from inside of it */
    } frames[SL_ITEMS_STEPS + 2];
    uint32_t depth;
    int begun, done;
    sl_buf header; /* the members, as JSON, that stand before the elements in their object */
    /* What happened; complete once done. */
    uint64_t count;    /* of elements given */
    uint64_t repaired; /* elements that had to be rewritten */
    int truncated;     /* the document ends, or is broken, before its end */
    int followed;      /* something stands behind the document, at p */
} sl_items;

/* Copies nothing: names of the steps have to stay as well. */
void sl_items_init(sl_items *items, const char *ptr, size_t len, const sl_items_step *steps, uint32_t count);
void sl_items_free(sl_items *items);
/* Moves on to the next element: its bytes, and whether they need a repair. 0 at the end. */
int sl_items_next(sl_items *items, sl_str *item, int *dirty);

/* What a stream gives, `rows` elements a batch: a column `item`, and with `owners` a column `owner` with the header as an
 * object; or a column for each field, which `names` are of, `broken` with the reason why a row is, and its `place`. */
typedef struct sl_items_output {
    int64_t rows;
    int owners; /* also where a field is of the owner */
    int mapped; /* the document is a file, mapped for reading: what was read of it leaves memory */
    const sl_json_fields *fields;
    const char *const *names;
} sl_items_output;

/* `hold` is kept until the stream is released, then given to `drop`. 0, or an errno value. */
int sl_items_stream(const sl_items *items, const sl_items_output *output, sl_items *result, void *hold,
                    void (*drop)(void *), struct ArrowArrayStream *out);

#endif
