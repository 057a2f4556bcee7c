/* fields.c - the walk of fields.h.
 * Contract: recursion is as deep as a field has steps, twice; what no field leads into is passed over without any. */
#include "fields.h"

#include "../kernels/simd.h"

#include <stdlib.h>

enum { LENGTH_MAX = 31 };

typedef struct walk {
    const sl_json_fields *fields;
    sl_texts *columns;
    int64_t row;
    const char *end;
    sl_status status;
    int mended;
} walk;

sl_status sl_texts_init(sl_texts *texts, int64_t rows) {
    texts->bytes = SL_BUF_HEAP;
    texts->offsets = calloc((size_t)rows + 1, sizeof(int64_t));
    texts->valid = calloc((size_t)rows / 8 + 1, 1);
    return texts->offsets && texts->valid ? SL_OK : SL_ENOMEM;
}

void sl_texts_free(sl_texts *texts) {
    free(texts->offsets);
    free(texts->valid);
    if (texts->bytes.grow) sl_buf_free(&texts->bytes);
}

void sl_fields_prepare(sl_json_fields *fields) {
    memset(fields->lengths, 0, sizeof(fields->lengths));
    memset(fields->ends, 0, sizeof(fields->ends));
    for (uint32_t f = 0; f < fields->count; f++) {
        fields->ends[fields->fields[f].count][fields->fields[f].joined] |= UINT64_C(1) << f;
        for (uint32_t s = 0; s < fields->fields[f].count; s++) {
            uint32_t len = fields->fields[f].steps[s].len;
            fields->lengths[s][len < LENGTH_MAX ? len : LENGTH_MAX] |= UINT64_C(1) << f;
        }
    }
}

static uint32_t next_field(uint64_t *set) {
    uint32_t low = (uint32_t)*set;
    uint32_t f = low ? (uint32_t)sl_first_bit(low) : 32 + (uint32_t)sl_first_bit((uint32_t)(*set >> 32));
    *set &= *set - 1;
    return f;
}

static int is_valid(const sl_texts *column, int64_t row) { return column->valid[row / 8] >> row % 8 & 1; }

static void clear(walk *w, uint64_t set) {
    while (set) {
        sl_texts *column = &w->columns[next_field(&set)];
        column->bytes.len = (size_t)column->offsets[w->row];
        column->valid[w->row / 8] &= (uint8_t)~(1u << w->row % 8);
    }
}

/* Makes the row of a column hold a text; what is there already stays, as a line of its own if `lines`. */
static sl_texts *begin(walk *w, uint32_t field, int lines) {
    sl_texts *column = &w->columns[field];
    if (lines && is_valid(column, w->row) && w->status <= SL_OK) w->status = sl_buf_append(&column->bytes, "\n", 1);
    column->valid[w->row / 8] |= (uint8_t)(1u << w->row % 8);
    return column;
}

static void put_string(walk *w, uint32_t field, const char *p, const char *stop, int escaped, int lines) {
    sl_texts *column = begin(w, field, lines);
    if (w->status > SL_OK) return;
    w->status = sl_json_decode(&column->bytes, p, stop, escaped, w->fields->latin1, &w->mended);
}

static void put_json(walk *w, uint64_t set, const char *p, const char *stop, int lines) {
    while (set) {
        sl_texts *column = begin(w, next_field(&set), lines);
        if (w->status <= SL_OK) w->status = sl_json_mend(&column->bytes, p, stop);
    }
}

/* Behind the colon of the member at p; its name without the quotes is *key. */
static const char *read_key(const walk *w, const char *p, sl_str *key) {
    int escaped = 0;
    if (p == w->end || *p != '"') return NULL;
    const char *behind = sl_json_string(p, w->end, &escaped);
    if (!behind) return NULL;
    size_t len = (size_t)(behind - p - 2);
    *key = (sl_str){p + 1, len < UINT32_MAX ? (uint32_t)len : UINT32_MAX};
    p = sl_json_space(behind, w->end);
    return p == w->end || *p != ':' ? NULL : sl_json_space(p + 1, w->end);
}

/* Fields of the set whose step at that depth is the key. */
static uint64_t matching(const walk *w, uint64_t set, uint32_t depth, sl_str key) {
    uint64_t found = 0;
    set &= w->fields->lengths[depth][key.len < LENGTH_MAX ? key.len : LENGTH_MAX];
    while (set) {
        uint32_t f = next_field(&set);
        sl_str step = w->fields->fields[f].steps[depth];
        if (step.len == key.len && !memcmp(step.ptr, key.ptr, key.len)) found |= UINT64_C(1) << f;
    }
    return found;
}

/* Behind the members of an object, from behind its brace on: each goes to read() with what it stands for. */
typedef const char *(*member_reader)(walk *w, const char *p, sl_str key, uint64_t set, uint32_t depth, int lines);

static const char *read_members(walk *w, const char *p, member_reader read, uint64_t set, uint32_t depth, int lines) {
    p = sl_json_space(p + 1, w->end);
    if (p < w->end && *p == '}') return p + 1;
    for (;;) {
        sl_str key;
        if (!(p = read_key(w, p, &key)) || p == w->end || !(p = read(w, p, key, set, depth, lines))) return NULL;
        p = sl_json_space(p, w->end);
        if (p == w->end) return NULL;
        if (*p == '}') return p + 1;
        if (*p != ',') return NULL;
        p = sl_json_space(p + 1, w->end);
    }
}

/* ---- joined texts ------------------------------------------------------------------------------------------------ */

static const char *read_text(walk *w, const char *p, uint64_t set) {
    int escaped = 0;
    const char *stop = sl_json_string(p, w->end, &escaped);
    while (stop && set) put_string(w, next_field(&set), p, stop, escaped, 0);
    return stop;
}

static const char *read_part(walk *w, const char *p, sl_str key, uint64_t set, uint32_t depth, int lines) {
    (void)depth, (void)lines;
    int is_text = *p == '"' && key.len == 4 && !memcmp(key.ptr, "text", 4);
    return is_text ? read_text(w, p, set) : sl_json_skip(p, w->end);
}

/* Behind the array at p. */
static const char *read_joined(walk *w, const char *p, uint64_t set, int lines) {
    uint64_t each = set;
    while (each) begin(w, next_field(&each), lines);
    p = sl_json_space(p + 1, w->end);
    if (p < w->end && *p == ']') return p + 1;
    while (p < w->end) {
        p = *p == '"' ? read_text(w, p, set) : *p == '{' ? read_members(w, p, read_part, set, 0, 0) : sl_json_skip(p, w->end);
        if (!p || (p = sl_json_space(p, w->end)) == w->end) return NULL;
        if (*p == ']') return p + 1;
        if (*p != ',') return NULL;
        p = sl_json_space(p + 1, w->end);
    }
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static const char *read_value(walk *w, const char *p, uint64_t set, uint32_t depth, int lines, int in_array);

static const char *read_member(walk *w, const char *p, sl_str key, uint64_t set, uint32_t depth, int lines) {
    uint64_t found = matching(w, set, depth, key);
    if (!found) return sl_json_skip(p, w->end);
    if (!lines) clear(w, found);
    return read_value(w, p, found, depth + 1, lines, 0);
}

static const char *read_elements(walk *w, const char *p, uint64_t set, uint32_t depth) {
    p = sl_json_space(p + 1, w->end);
    if (p < w->end && *p == ']') return p + 1;
    while (p < w->end) {
        if (!(p = read_value(w, p, set, depth, 1, 1)) || (p = sl_json_space(p, w->end)) == w->end) return NULL;
        if (*p == ']') return p + 1;
        if (*p != ',') return NULL;
        p = sl_json_space(p + 1, w->end);
    }
    return NULL;
}

/* Behind the value at p, to which the first `depth` steps of the fields of the set have led; NULL if it is broken. */
static const char *read_value(walk *w, const char *p, uint64_t set, uint32_t depth, int lines, int in_array) {
    if (p == w->end) return NULL;
    const uint64_t *ends = w->fields->ends[depth];
    uint64_t plain = set & ends[0], joined = set & ends[1], onward = set & ~plain & ~joined;
    const char *behind;
    if (*p == '"') {
        int escaped = 0;
        uint64_t here = plain | joined;
        if (!(behind = sl_json_string(p, w->end, &escaped))) return NULL;
        while (here) put_string(w, next_field(&here), p, behind, escaped, lines);
        return behind;
    }
    if (*p == '{' && onward) {
        behind = read_members(w, p, read_member, onward, depth, lines);
    } else if (*p == '[' && onward && !in_array) {
        behind = read_elements(w, p, onward, depth);
    } else if (*p == '[' && joined && !onward) {
        behind = read_joined(w, p, joined, lines);
        joined = 0;
    } else {
        behind = sl_json_skip(p, w->end);
    }
    if (!behind || (*p == 'n' && behind - p == 4)) return behind;
    put_json(w, plain | joined, p, behind, lines);
    return behind;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static const char *why_broken(walk *w, sl_str item, uint64_t set) {
    const char *start = sl_json_space(item.ptr, item.ptr + item.len);
    w->end = item.ptr + item.len;
    if (start < w->end && *start != '{') return sl_json_skip(start, w->end) ? "no object" : "broken JSON";
    const char *behind = read_value(w, start, set, 0, 0, 0);
    return behind && sl_json_space(behind, w->end) == w->end ? NULL : "broken JSON";
}

sl_status sl_fields_read(const sl_json_fields *fields, sl_str item, sl_str owner, sl_texts *columns, int64_t row, int *mended) {
    walk w = {.fields = fields, .columns = columns, .row = row, .status = SL_OK};
    uint64_t all = fields->count ? ~UINT64_C(0) >> (64 - fields->count) : 0, owners = 0;
    for (uint32_t f = 0; f < fields->count; f++)
        if (fields->fields[f].owner) owners |= UINT64_C(1) << f;
    if (owners && why_broken(&w, owner, owners)) clear(&w, owners);
    const char *reason = why_broken(&w, item, all & ~owners);
    if (reason) {
        sl_texts *column = &columns[fields->count];
        clear(&w, all);
        w.mended = 0;
        column->valid[row / 8] |= (uint8_t)(1u << row % 8);
        if (w.status <= SL_OK) w.status = sl_buf_append(&column->bytes, reason, strlen(reason));
    }
    for (uint32_t f = 0; f <= fields->count; f++) columns[f].offsets[row + 1] = (int64_t)columns[f].bytes.len;
    *mended = w.mended;
    return w.status;
}
