/* spans.h - texts that lie side by side in memory, looked at as one run of bytes. For doors.
 * Contract: a span covers exactly the bytes of its texts, so nothing outside of them is ever read.
 * DuckDB and Arrow keep the texts of a column next to each other. One look at a long run costs a third of as many short
 * ones, because the processor need not guess where each text ends. */
#ifndef SL_SPANS_H
#define SL_SPANS_H

#include "kernels/utf8.h"

typedef struct sl_span {
    const char *ptr;
    size_t len;
    size_t first, count; /* of the texts */
    int down;            /* the first text lies last in memory, as in DuckDB's own storage */
} sl_span;

/* So long that its start is still in the cache when its end has been looked at. */
enum { SL_SPAN_BYTES = 16 * 1024 };

static inline int sl_span_fits(const sl_span *span, sl_str text) {
    return text.ptr && span->len + text.len <= SL_SPAN_BYTES;
}

/* The span that begins with texts[first], which is not NULL. Texts longer than SL_SPAN_BYTES stay alone. */
static inline sl_span sl_span_at(const sl_str *texts, size_t first, size_t stop) {
    sl_span span = {texts[first].ptr, texts[first].len, first, 1, 0};
    size_t i = first + 1;
    span.down = i < stop && texts[i].ptr && texts[i].ptr + texts[i].len == span.ptr;
    if (span.down) {
        for (; i < stop && sl_span_fits(&span, texts[i]) && texts[i].ptr + texts[i].len == span.ptr; i++) {
            span.ptr = texts[i].ptr;
            span.len += texts[i].len;
        }
    } else {
        for (; i < stop && sl_span_fits(&span, texts[i]) && texts[i].ptr == span.ptr + span.len; i++)
            span.len += texts[i].len;
    }
    span.count = i - first;
    return span;
}

/* 1 if every text of the span is UTF-8: all bytes are, and no text begins within a code point. */
static inline int sl_span_valid(const sl_span *span, const sl_str *texts) {
    if (!sl_utf8_valid(span->ptr, span->len)) return 0;
    if (span->count == 1) return 1;
    uint32_t inside = 0;
    for (size_t i = span->first; i < span->first + span->count; i++)
        inside |= texts[i].len && ((unsigned char)texts[i].ptr[0] & 0xC0) == 0x80;
    return !inside;
}

/* Sets loud[i] for each text of the span that a kernel has to see, and clears it for those that it would pass on. */
static inline void sl_span_mark(const sl_span *span, const sl_str *texts, sl_scan scan, const sl_options *options,
                                uint8_t *loud) {
    if (!scan || span->count == 1) {
        memset(loud + span->first, 1, span->count);
        return;
    }
    const char *end = span->ptr + span->len;
    const char *next = span->ptr + scan(span->ptr, span->len, options);
    for (size_t k = 0; k < span->count; k++) {
        size_t i = span->down ? span->first + span->count - 1 - k : span->first + k;
        const char *stop = texts[i].ptr + texts[i].len;
        loud[i] = next < stop;
        if (next < stop) next = stop + scan(stop, (size_t)(end - stop), options);
    }
}

#endif
