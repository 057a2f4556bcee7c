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
    uint32_t inside;     /* a text begins within a code point */
    int down;            /* the first text lies last in memory, as in DuckDB's own storage */
} sl_span;

/* So long that its start is still in the cache when its end has been looked at. */
enum { SL_SPAN_BYTES = 16 * 1024 };

static inline uint32_t sl_begins_inside(sl_str text) {
    return text.len && ((unsigned char)text.ptr[0] & 0xC0) == 0x80;
}

/* The span that begins with texts[first], which is not NULL. Texts longer than SL_SPAN_BYTES stay alone. */
static inline sl_span sl_span_at(const sl_str *texts, size_t first, size_t stop) {
    const char *start = texts[first].ptr, *end = start + texts[first].len;
    uint32_t inside = sl_begins_inside(texts[first]);
    size_t i = first + 1;
    int down = i < stop && texts[i].ptr && texts[i].ptr + texts[i].len == start;
    if (down) {
        for (; i < stop && texts[i].ptr && texts[i].ptr + texts[i].len == start; i++) {
            if ((size_t)(end - texts[i].ptr) > SL_SPAN_BYTES) break;
            start = texts[i].ptr;
            inside |= sl_begins_inside(texts[i]);
        }
    } else {
        for (; i < stop && texts[i].ptr == end; i++) {
            if ((size_t)(end - start) + texts[i].len > SL_SPAN_BYTES) break;
            end += texts[i].len;
            inside |= sl_begins_inside(texts[i]);
        }
    }
    return (sl_span){start, (size_t)(end - start), first, i - first, inside, down};
}

/* 1 if every text of the span is UTF-8: all bytes are, and no text begins within a code point. */
static inline int sl_span_valid(const sl_span *span) {
    return !span->inside && sl_utf8_valid(span->ptr, span->len);
}

/* Whether all texts are UTF-8; NULL ones count for nothing. If not, *bad is the first span that holds one that is not. */
static inline int sl_texts_valid(const sl_str *texts, size_t count, sl_span *bad) {
    for (size_t i = 0; i < count;) {
        if (!texts[i].ptr) {
            i++;
            continue;
        }
        *bad = sl_span_at(texts, i, count);
        if (!sl_span_valid(bad)) return 0;
        i += bad->count;
    }
    return 1;
}

/* Index of the text that is number `k` in memory. */
static inline size_t sl_span_index(const sl_span *span, size_t k) {
    return span->down ? span->first + span->count - 1 - k : span->first + k;
}

/* 1 if the scan of the function says nothing of the text, because of a space at an end. */
static inline int sl_span_has_edge(const sl_function *function, sl_str text) {
    return function->trims && text.len && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ');
}

/* Sets loud[i] for each text of the span that a kernel has to see, and clears it for those that it would pass on. */
static inline void sl_span_mark(const sl_span *span, const sl_str *texts, const sl_function *function,
                                const sl_options *options, uint8_t *loud) {
    sl_scan scan = function->scan;
    if (!scan || span->count == 1) {
        memset(loud + span->first, 1, span->count);
        return;
    }
    const char *end = span->ptr + span->len;
    const char *next = span->ptr + scan(span->ptr, span->len, options);
    for (size_t k = 0; k < span->count; k++) {
        size_t i = sl_span_index(span, k);
        const char *stop = texts[i].ptr + texts[i].len;
        loud[i] = next < stop || sl_span_has_edge(function, texts[i]);
        if (next < stop) next = stop + scan(stop, (size_t)(end - stop), options);
    }
}

#endif
