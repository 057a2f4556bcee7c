/* chat_header.c - the header of a message: date, time and what stands around them, in every dialect.
 * Contract: a line is read twice at most, and nothing here matches the end of a line. Once a dialect is known, chat.c
 * compares most headers with the one before; what is here reads the others.
 * Source: headers of public exports; the grammar is stated in streamliner_udf/reference/_chat_header.py. */
#include "chat.h"
#include "utf8.h"

/* A place in a text, and what has been read before it. */
typedef struct cursor {
    const char *p, *end;
} cursor;

static int take(cursor *c, char byte) {
    if (c->p == c->end || *c->p != byte) return 0;
    c->p++;
    return 1;
}

static int take_text(cursor *c, const char *text, size_t len) {
    if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len)) return 0;
    c->p += len;
    return 1;
}
#define TAKE_TEXT(c, literal) take_text(c, literal, sizeof(literal) - 1)

static int take_space(cursor *c) {
    uint32_t len = chat_space(c->p, c->end);
    c->p += len;
    return len != 0;
}

static void skip_spaces(cursor *c) {
    while (take_space(c)) {
    }
}

static void skip_marks(cursor *c) {
    for (uint32_t len; c->p < c->end && ((unsigned char)*c->p & 0x80) && (len = chat_mark(c->p, c->end));) c->p += len;
}

/* Over spaces and marks: 1 if a space is among them. */
static int skip_gap(cursor *c) {
    int spaces = 0;
    for (;;) {
        skip_marks(c);
        if (!take_space(c)) return spaces;
        spaces = 1;
    }
}

static int at_digit(const cursor *c) {
    if (c->p == c->end) return 0;
    if (!((unsigned char)*c->p & 0x80)) return (unsigned char)(*c->p - '0') < 10;
    const char *p = c->p;
    return sl_chat_digit(sl_utf8_next(&p, c->end)) < 10;
}

/* One to `most` digits of any script: how many, or 0 if there are none, or more. */
static uint32_t read_number(cursor *c, uint32_t most, uint32_t *value) {
    uint32_t width = 0;
    *value = 0;
    while (c->p < c->end) {
        const char *p = c->p;
        uint32_t digit = sl_chat_digit(sl_utf8_next(&p, c->end));
        if (digit > 9) break;
        if (++width > most) return 0;
        *value = *value * 10 + digit;
        c->p = p;
    }
    return width;
}

static int read_dash(cursor *c) {
    return take(c, '-') || TAKE_TEXT(c, "\xE2\x80\x93") || TAKE_TEXT(c, "\xE2\x80\x94");
}

/* 1 if a connector, a marker or the name of a month ends here, whatever it is. */
static int is_stop(const char *p, const char *end) {
    unsigned char c = (unsigned char)*p;
    if (c < 0x80) return c < ' ' || (c >= '0' && c <= '9') || strchr(",[](/:-", c) != NULL;
    if (c == 0xE2 && end - p >= 3 && (unsigned char)p[1] == 0x80 && ((unsigned char)p[2] | 7) == 0x97)
        return (unsigned char)p[2] == 0x93 || (unsigned char)p[2] == 0x94;
    const char *next = p;
    return sl_chat_digit(sl_utf8_next(&next, end)) < 10;
}

/* Over a word, which may hold spaces and marks if `spaced` says so: 0 if it is too long. */
enum { CONNECTOR_MAX = 12, MARKER_MAX = 24 };
static int read_word(cursor *c, uint32_t most, int spaced, sl_str *word) {
    const char *start = c->p;
    uint32_t count = 0;
    while (c->p < c->end) {
        uint32_t len = chat_space(c->p, c->end);
        if (!len) len = chat_mark(c->p, c->end);
        if (len ? !spaced : is_stop(c->p, c->end)) break;
        if (++count > most) return 0;
        if (len) c->p += len;
        else (void)sl_utf8_next(&c->p, c->end);
    }
    *word = (sl_str){start, (uint32_t)(c->p - start)};
    return 1;
}

static uint32_t padding(uint32_t value, uint32_t width) {
    if (width == 1) return CHAT_UNPADDED;
    return value < 10 ? CHAT_PADDED : 0;
}

/* The year of our calendar, or one below 1500 of the Solar Hijri calendar; 0 for none. */
static uint32_t settle_year(char era, uint32_t year, uint32_t width, uint32_t tail) {
    if (era || width == 2) {
        if (width > 2 || tail == CHAT_TAIL_BUDDHIST) return 0;
        return year + (era == 'R' ? 2018 : era == 'H' ? 1988 : 2000);
    }
    if (tail == CHAT_TAIL_BUDDHIST || year >= 2400) return year >= 1500 + 543 ? year - 543 : 0;
    return year >= 1300 ? year : 0;
}

static uint32_t read_tail(cursor *c, uint32_t separator) {
    if (separator == CHAT_DATE_HAN) return 0;
    if (separator == CHAT_DATE_DOT && take(c, '.')) return CHAT_TAIL_DOT;
    cursor start = *c;
    (void)take_space(c);
    if (TAKE_TEXT(c, "BE")) return CHAT_TAIL_BUDDHIST;
    if (TAKE_TEXT(c, "г.")) return CHAT_TAIL_YEAR;
    *c = start;
    return 0;
}

static char read_era(cursor *c) { return take(c, 'R') ? 'R' : take(c, 'H') ? 'H' : 0; }

static uint32_t read_separator(cursor *c) {
    return take(c, '/') ? CHAT_DATE_SLASH : take(c, '.') ? CHAT_DATE_DOT : take(c, '-') ? CHAT_DATE_HYPHEN : 0;
}

/* Three numbers in any order, of which one is the year. */
static int read_date(cursor *c, chat_header *header) {
    uint32_t value[3], width[3], dialect = 0;
    skip_marks(c);
    char era = read_era(c), era_last = 0;
    int era_first = era != 0;
    if (!(width[0] = read_number(c, 4, &value[0]))) return 0;
    if (!era && TAKE_TEXT(c, "年")) {
        dialect = CHAT_DATE_HAN;
        if (width[0] != 4 || !(width[1] = read_number(c, 2, &value[1])) || !TAKE_TEXT(c, "月")) return 0;
        if (!(width[2] = read_number(c, 2, &value[2])) || !TAKE_TEXT(c, "日")) return 0;
    } else {
        skip_marks(c);
        uint32_t separator = read_separator(c);
        if (!separator) return 0;
        skip_marks(c);
        dialect = separator | (take_space(c) ? CHAT_DATE_SPACE_1 : 0);
        if (!(width[1] = read_number(c, 2, &value[1]))) return 0;
        skip_marks(c);
        if (read_separator(c) != separator) return 0;
        skip_marks(c);
        dialect |= take_space(c) ? CHAT_DATE_SPACE_2 : 0;
        if (!era && (era_last = read_era(c))) era = era_last;
        if (!(width[2] = read_number(c, 4, &value[2]))) return 0;
    }
    uint32_t tail = read_tail(c, dialect & CHAT_DATE_FIELD), year, first, second;
    dialect |= tail;
    if (era_first || width[0] == 4) {
        dialect |= era_first ? CHAT_ERA_FIRST : CHAT_YEAR_FIRST;
        first = value[1];
        second = value[2];
        if (width[2] > 2 || era_last || first > 12) return 0;
        year = settle_year(era, value[0], width[0], tail);
        header->shape |= CHAT_FIXED;
    } else {
        dialect |= era_last ? CHAT_ERA_LAST : width[2] == 2 ? CHAT_YEAR_LAST_2 : CHAT_YEAR_LAST_4;
        first = value[0];
        second = value[1];
        if ((!era_last && width[2] != 2 && width[2] != 4) || width[0] > 2 || (first > 12 && second > 12)) return 0;
        year = settle_year(era, value[2], width[2], tail);
        header->shape |= padding(value[0], width[0]) | padding(value[1], width[1]);
        if (!era_last && width[2] == 2) header->shape |= CHAT_SHORT_YEAR;
    }
    if (!year || first < 1 || first > 31 || second < 1 || second > 31) return 0;
    header->date = chat_date(year, first, second);
    header->dialect |= dialect;
    return 1;
}

/* 14 Sep 2015 */
static int read_word_date(cursor *c, chat_header *header) {
    uint32_t day, year, month;
    sl_str name;
    if (!read_number(c, 2, &day) || !skip_gap(c) || !read_word(c, CONNECTOR_MAX, 0, &name) || !skip_gap(c)) return 0;
    if (read_number(c, 4, &year) != 4 || year < 1500 || day < 1 || day > 31) return 0;
    if (!(month = sl_chat_month(name.ptr, name.ptr + name.len))) return 0;
    header->date = chat_date(year, month, day);
    header->shape |= CHAT_FIXED;
    header->dialect |= CHAT_DATE_WORD | CHAT_YEAR_LAST_4;
    return 1;
}

/* 1 if what is left of the marker without its marks and the spaces around it is AM or PM. */
static int is_upper(sl_str marker) {
    char letters[2];
    uint32_t count = 0;
    for (const char *p = marker.ptr, *end = p + marker.len; p < end;) {
        uint32_t mark = chat_mark(p, end), space = chat_space(p, end);
        if (!mark && !space) {
            if (count == 2) return 0;
            letters[count++] = *p;
        } else if (space && count == 1) {
            return 0;
        }
        p += mark ? mark : space ? space : 1;
    }
    return count == 2 && (letters[0] == 'A' || letters[0] == 'P') && letters[1] == 'M';
}

static int is_blank(sl_str text) {
    for (const char *p = text.ptr, *end = p + text.len; p < end;) {
        uint32_t len = chat_space(p, end);
        if (!len && !(len = chat_mark(p, end))) return 0;
        p += len;
    }
    return 1;
}

/* 1 if there is a space in the run of spaces and marks at the end of the text. */
static int is_spaced(sl_str text) {
    int spaces = 0;
    for (const char *p = text.ptr, *end = p + text.len; p < end;) {
        uint32_t space = chat_space(p, end), len = space ? space : chat_mark(p, end);
        if (len) spaces |= space != 0;
        else spaces = 0;
        p += len ? len : 1;
    }
    return spaces;
}

/* Hour, minute and second, and the marker behind them. */
static int read_time(cursor *c, sl_str before, chat_header *header, int *spaced) {
    uint32_t hour, minute, second = 0;
    header->time = c->p;
    if (!read_number(c, 2, &hour) || hour > 23) return 0;
    uint32_t colon = take(c, ':') ? CHAT_TIME_COLON : take(c, '.') ? CHAT_TIME_DOT : 0;
    if (!colon) {
        skip_spaces(c);
        if (!take(c, 'h')) return 0;
        skip_spaces(c);
        colon = CHAT_TIME_H;
    }
    if (read_number(c, 2, &minute) != 2 || minute > 59) return 0;
    cursor start = *c;
    if (colon == CHAT_TIME_H) {
        skip_spaces(c);
        if (TAKE_TEXT(c, "min")) {
            skip_spaces(c);
            if (read_number(c, 2, &second) != 2) return 0;
            skip_spaces(c);
            if (!take(c, 's')) return 0;
            header->dialect |= CHAT_SECONDS;
        } else {
            *c = start;
        }
    } else if (take(c, colon == CHAT_TIME_COLON ? ':' : '.')) {
        if (at_digit(c)) {
            if (read_number(c, 2, &second) != 2) return 0;
            header->dialect |= CHAT_SECONDS;
        } else {
            *c = start;
        }
    }
    if (second > 59) return 0;
    header->behind = c->p;
    sl_str after;
    if (!read_word(c, MARKER_MAX, 1, &after)) return 0;
    *spaced = is_spaced(after);
    header->clock = CHAT_CLOCK_NONE;
    header->marker = before;
    if (!is_blank(after)) {
        if (before.len) return 0;
        header->dialect |= CHAT_MARKER_AFTER;
        header->marker = after;
    } else if (before.len) {
        header->dialect |= CHAT_MARKER_BEFORE;
    }
    if (header->marker.len) {
        header->clock = sl_chat_clock(header->marker.ptr, header->marker.ptr + header->marker.len);
        if (is_upper(header->marker)) header->shape |= CHAT_UPPER;
    }
    header->dialect |= colon;
    header->seconds = chat_hour(hour, header->clock) * 3600 + minute * 60 + second;
    return 1;
}

/* Connector and marker before a time. */
static int read_before(cursor *c, sl_str *connector, sl_str *marker) {
    *connector = (sl_str){c->p, 0};
    if (!read_word(c, CONNECTOR_MAX, 0, marker)) return 0;
    if (!marker->len) return 1;
    if (!skip_gap(c) || sl_chat_clock(marker->ptr, marker->ptr + marker->len) != CHAT_CLOCK_UNKNOWN) return 1;
    *connector = *marker;
    if (!read_word(c, CONNECTOR_MAX, 0, marker)) return 0;
    (void)skip_gap(c);
    return 1;
}

/* What stands behind every header. */
static int finish(cursor *c, chat_header *header, const char *line, const char *stop) {
    if (!take_space(c)) return 0;
    for (const char *p = line; p < stop; p++)
        if (stop - p >= 3 && !memcmp(p, "\xE2\x80\x8F", 3)) header->shape |= CHAT_RTL;
    header->rest = c->p;
    return header->clock == CHAT_CLOCK_UNKNOWN ? 2 : 1;
}

static int read_date_first(cursor c, const char *line, int bracket, chat_header *header) {
    int spaced;
    if (!read_date(&c, header)) return 0;
    skip_marks(&c);
    if (take(&c, ',')) header->dialect |= CHAT_COMMA;
    else if (TAKE_TEXT(&c, "\xD8\x8C")) header->dialect |= CHAT_COMMA_ARABIC;
    else if (take(&c, '.')) header->dialect |= CHAT_COMMA_DOT;
    if (!skip_gap(&c)) return 0;
    const char *stop = c.p;
    sl_str before;
    if (!read_before(&c, &header->connector, &before) || !read_time(&c, before, header, &spaced)) return 0;
    if (header->connector.len) header->dialect |= CHAT_CONNECTOR;
    if (bracket) {
        header->dialect |= CHAT_FORM_BRACKET;
        if (!take(&c, ']')) return 0;
    } else if (take(&c, ':')) {
        header->dialect |= CHAT_FORM_COLON;
    } else {
        header->dialect |= CHAT_FORM_DASH;
        if (!spaced || !read_dash(&c)) return 0;
    }
    return finish(&c, header, line, stop);
}

static int read_time_first(cursor c, const char *line, int bracket, chat_header *header) {
    sl_str marker = {c.p, 0};
    int spaced;
    skip_marks(&c);
    if (bracket) {
        if (!read_word(&c, CONNECTOR_MAX, 0, &marker)) return 0;
        (void)skip_gap(&c);
    }
    if (!read_time(&c, marker, header, &spaced) || !take(&c, ',') || !skip_gap(&c)) return 0;
    header->dialect |= CHAT_COMMA;
    header->connector = (sl_str){c.p, 0};
    if (bracket) {
        /* What the desktop copies looks like this, and has no seconds. */
        if (!(header->dialect & CHAT_SECONDS) || !read_date(&c, header)) return 0;
    } else if (!read_word_date(&c, header)) {
        return 0;
    }
    const char *stop = c.p;
    header->dialect |= bracket ? CHAT_FORM_BRACKET_TIME : CHAT_FORM_DASH_TIME;
    if (bracket) skip_marks(&c);
    if (!(bracket ? take(&c, ']') : skip_gap(&c) && read_dash(&c))) return 0;
    return finish(&c, header, line, stop);
}

int sl_chat_header(const char *p, const char *end, chat_header *header) {
    const char *line = p;
    uint32_t shape = 0;
    for (uint32_t len; p < end && ((unsigned char)*p & 0x80) && (len = chat_mark(p, end)); p += len)
        if (chat_direction(p, end)) shape = CHAT_MARKED;
    cursor c = {p, end};
    int bracket = take(&c, '[');
    if (bracket) shape |= CHAT_BRACKETED;
    header->start = p;
    header->dialect = 0;
    header->shape = shape;
    int found = read_date_first(c, line, bracket, header);
    if (found) return found;
    header->dialect = 0;
    header->shape = shape;
    return read_time_first(c, line, bracket, header);
}
