/* chat_sniff.c - what was decided about an export, as text for people.
 * Contract: texts have a fixed size, but for the connector and the marker, which are short.
 * Source: the same sentences stand in streamliner_udf/reference/chat.py. */
#include "chat.h"

/* A text that grows in a place of its own; what does not fit is left out, and everything fits. */
enum { TEXT_MAX = 2048 };
typedef struct text {
    char *ptr;
    uint32_t len;
} text;

static void put(text *t, const char *ptr, size_t len) {
    if (len > TEXT_MAX - t->len) return;
    memcpy(t->ptr + t->len, ptr, len);
    t->len += (uint32_t)len;
}
static void put_word(text *t, const char *word) { put(t, word, strlen(word)); }

static void put_number(text *t, size_t number) {
    char digits[20], *p = digits + sizeof(digits);
    do {
        *--p = (char)('0' + number % 10);
    } while (number /= 10);
    put(t, p, (size_t)(digits + sizeof(digits) - p));
}

static void put_date(text *t, uint32_t dialect, int order) {
    uint32_t year_form = dialect & CHAT_YEAR_FIELD, kind = dialect & CHAT_DATE_FIELD, tail = dialect & CHAT_TAIL_FIELD;
    int is_era = year_form == CHAT_ERA_FIRST || year_form == CHAT_ERA_LAST;
    const char *year = is_era ? "Ry" : year_form == CHAT_YEAR_LAST_2 ? "yy" : "yyyy";
    const char *separator = kind == CHAT_DATE_SLASH ? "/" : kind == CHAT_DATE_DOT ? "." : "-";
    const char *parts[3] = {"d", "m", year};
    if (order == CHAT_ORDER_MDY) {
        parts[0] = "m";
        parts[1] = "d";
    } else if (order == CHAT_ORDER_YMD) {
        parts[0] = year;
        parts[2] = "d";
    }
    if (kind == CHAT_DATE_WORD) put_word(t, "d Month yyyy");
    else if (kind == CHAT_DATE_HAN) put_word(t, "yyyy年m月d日");
    for (int i = 0; i < 3 && kind != CHAT_DATE_WORD && kind != CHAT_DATE_HAN; i++) {
        if (i) put_word(t, separator);
        if (i && dialect & (i == 1 ? CHAT_DATE_SPACE_1 : CHAT_DATE_SPACE_2)) put_word(t, " ");
        put_word(t, parts[i]);
    }
    put_word(t, tail == CHAT_TAIL_DOT ? "." : tail == CHAT_TAIL_BUDDHIST ? " BE" : tail == CHAT_TAIL_YEAR ? " г." : "");
}

static void put_time(text *t, uint32_t dialect) {
    uint32_t colon = dialect & CHAT_TIME_FIELD, marker = dialect & CHAT_MARKER_FIELD;
    int has_seconds = (dialect & CHAT_SECONDS) != 0;
    if (marker == CHAT_MARKER_BEFORE) put_word(t, "am ");
    put_word(t, marker ? "h" : "hh");
    if (colon == CHAT_TIME_H) put_word(t, has_seconds ? " h mm min ss s" : " h mm");
    else if (colon == CHAT_TIME_DOT) put_word(t, has_seconds ? ".mm.ss" : ".mm");
    else put_word(t, has_seconds ? ":mm:ss" : ":mm");
    if (marker == CHAT_MARKER_AFTER) put_word(t, " am");
}

/* d/m/yyyy, hh:mm - */
static void put_dialect(text *t, const chat_dialect *dialect, int order) {
    static const char *const commas[] = {"", ",", "،", "."};
    uint32_t bits = dialect->bits, form = bits & CHAT_FORM_FIELD;
    int bracket = form == CHAT_FORM_BRACKET || form == CHAT_FORM_BRACKET_TIME;
    if (bracket) put_word(t, "[");
    if (form == CHAT_FORM_BRACKET_TIME || form == CHAT_FORM_DASH_TIME) {
        put_time(t, bits);
        put_word(t, ", ");
        put_date(t, bits, order);
    } else {
        put_date(t, bits, order);
        put_word(t, commas[(bits & CHAT_COMMA_FIELD) / CHAT_COMMA]);
        put_word(t, " ");
        put(t, dialect->connector.ptr, dialect->connector.len);
        if (dialect->connector.len) put_word(t, " ");
        put_time(t, bits);
    }
    put_word(t, bracket ? "]" : form == CHAT_FORM_COLON ? ":" : " -");
}

static void put_unknown(text *t, const chat *c, int which) {
    const char *p = c->unknown[which].ptr, *end = p + c->unknown[which].len;
    for (uint32_t len; p < end && ((len = chat_space(p, end)) || (len = chat_mark(p, end)));) p += len;
    const char *stop = p; /* behind the last byte that is neither space nor mark */
    for (const char *q = p; q < end;) {
        uint32_t len = chat_space(q, end);
        if (!len) len = chat_mark(q, end);
        q += len ? len : 1;
        if (!len) stop = q;
    }
    put_word(t, "the time of line ");
    put_number(t, c->unknown_line[which]);
    put_word(t, " has '");
    while (p < stop) {
        uint32_t len = chat_mark(p, stop);
        if (!len) put(t, p, 1);
        p += len ? len : 1;
    }
    put_word(t, "', which is not known");
}

static void put_reason(text *t, const chat_decision *decision) {
    const char *p = decision->reason, *stop;
    for (int i = 0; (stop = strchr(p, '#')); p = stop + 1) {
        put(t, p, (size_t)(stop - p));
        put_number(t, decision->numbers[i++]);
    }
    put_word(t, p);
}

/* Every reason once, though several exports have the same. */
static int is_new(const chat *c, uint32_t segment) {
    const chat_decision *d = &c->segments[segment].decision;
    for (uint32_t s = 0; s < segment; s++) {
        const chat_decision *before = &c->segments[s].decision;
        const char *first = strchr(d->reason, '#'), *second = first ? strchr(first + 1, '#') : NULL;
        if (!strcmp(before->reason, d->reason) && (!first || before->numbers[0] == d->numbers[0]) &&
            (!second || before->numbers[1] == d->numbers[1]))
            return 0;
    }
    return 1;
}

sl_status sl_chat_describe(const chat *c, sl_rows *rows, sl_str *dialect, sl_str *reason) {
    text why = {NULL, 0}, looks = {NULL, 0};
    SL_TRY(sl_rows_text(rows, TEXT_MAX, &why.ptr));
    SL_TRY(sl_rows_text(rows, TEXT_MAX, &looks.ptr));
    if (!c->count) {
        if (c->unknown_line[1]) put_unknown(&why, c, 1);
        else if (c->segment_count) put_word(&why, "no header has a date that exists");
        else put_word(&why, "no line begins with the date and time of a message");
        *dialect = (sl_str){NULL, 0};
        *reason = (sl_str){why.ptr, why.len};
        return SL_OK;
    }
    for (uint32_t s = 0; s < c->segment_count; s++) {
        const chat_segment *segment = &c->segments[s];
        if (s) put_word(&looks, " then ");
        put_dialect(&looks, &segment->dialect, segment->decision.order);
        if (s && is_new(c, s)) put_word(&why, "; ");
        if (is_new(c, s)) put_reason(&why, &segment->decision);
    }
    if (c->unknown_line[0]) {
        put_word(&why, "; ");
        put_unknown(&why, c, 0);
    }
    *dialect = (sl_str){looks.ptr, looks.len};
    *reason = (sl_str){why.ptr, why.len};
    return SL_OK;
}
