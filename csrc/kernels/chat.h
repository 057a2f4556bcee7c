/* chat.h - what the parts of the chat family share: headers of messages, cleaning, kinds.
 * Contract: everything reads only inside [p, end) and moves forward; no line is read more than a fixed number of times.
 * Source: the grammar is stated in streamliner_udf/reference/chat.py. */
#ifndef SL_CHAT_H
#define SL_CHAT_H

#include "../streamliner.h"

#include <stddef.h>

/* What a header looks like, as bits of its dialect. All headers of an export have the same, because the phone writes
 * them with one locale; so a line whose header looks otherwise is text. A word between date and time is part of it too. */
enum {
    CHAT_FORM_DASH = 1 << 0,         /* 05/03/2024, 09:15 - */
    CHAT_FORM_DASH_TIME = 2 << 0,    /* 09:15, 5 Mar 2024 - */
    CHAT_FORM_BRACKET = 3 << 0,      /* [05/03/2024, 09:15:20] */
    CHAT_FORM_BRACKET_TIME = 4 << 0, /* [09:15:20, 05/03/2024] */
    CHAT_FORM_COLON = 5 << 0,        /* 05/03/2024, 09:15:20: */
    CHAT_FORM_FIELD = 7 << 0,
    CHAT_DATE_WORD = 0 << 3, /* 5 Mar 2024 */
    CHAT_DATE_SLASH = 1 << 3,
    CHAT_DATE_DOT = 2 << 3,
    CHAT_DATE_HYPHEN = 3 << 3,
    CHAT_DATE_HAN = 4 << 3, /* 2024年3月5日 */
    CHAT_DATE_FIELD = 7 << 3,
    CHAT_DATE_SPACE_1 = 1 << 6, /* 13. 6. 2018. */
    CHAT_DATE_SPACE_2 = 1 << 7,
    CHAT_TAIL_DOT = 1 << 8,
    CHAT_TAIL_BUDDHIST = 2 << 8, /* BE */
    CHAT_TAIL_YEAR = 3 << 8,     /* г. */
    CHAT_TAIL_FIELD = 3 << 8,
    CHAT_YEAR_FIRST = 1 << 10,
    CHAT_YEAR_LAST_2 = 2 << 10,
    CHAT_YEAR_LAST_4 = 3 << 10,
    CHAT_ERA_FIRST = 4 << 10, /* R6 */
    CHAT_ERA_LAST = 5 << 10,
    CHAT_YEAR_FIELD = 7 << 10,
    CHAT_COMMA = 1 << 13,
    CHAT_COMMA_ARABIC = 2 << 13,
    CHAT_COMMA_DOT = 3 << 13,
    CHAT_COMMA_FIELD = 3 << 13,
    CHAT_CONNECTOR = 1 << 15,
    CHAT_SECONDS = 1 << 16,
    CHAT_TIME_COLON = 1 << 17,
    CHAT_TIME_DOT = 2 << 17,
    CHAT_TIME_H = 3 << 17, /* 9 h 15 */
    CHAT_TIME_FIELD = 3 << 17,
    CHAT_MARKER_AFTER = 1 << 19, /* am or pm */
    CHAT_MARKER_BEFORE = 2 << 19,
    CHAT_MARKER_FIELD = 3 << 19
};

/* What else a header tells; it may differ from line to line. */
enum {
    CHAT_MARKED = 1,   /* a direction mark before the header: the app wrote the message, iOS */
    CHAT_PADDED = 2,   /* 05 in one of the first two fields */
    CHAT_UNPADDED = 4, /* 5 in one of them */
    CHAT_UPPER = 8,    /* AM or PM, in upper case and without dots */
    CHAT_RTL = 16,     /* U+200F before the end of the date */
    CHAT_AFTER_CRLF = 32,
    /* The enum below has the bits between. */
    CHAT_FIXED = 1 << 12,     /* month, then day: the year stands first, or the month is a word */
    CHAT_BRACKETED = 1 << 13,
    CHAT_SHORT_YEAR = 1 << 14
};

/* The words for morning and afternoon. */
enum { CHAT_CLOCK_NONE, CHAT_CLOCK_AM, CHAT_CLOCK_PM, CHAT_CLOCK_NOON, CHAT_CLOCK_UNKNOWN };

/* What may be in a message, seen while its end was looked for, so that it is not read again for each of them. All but
 * CHAT_PLAIN may be set where there is nothing. */
enum {
    CHAT_HAS_SPECIAL = 1 << 6, /* the first byte of a mark */
    CHAT_HAS_RETURN = 1 << 7,
    CHAT_HAS_SLASH = 1 << 8,
    CHAT_HAS_COLON = 1 << 9,   /* and a space */
    CHAT_HAS_LINE = 1 << 10,   /* an end of line */
    CHAT_HAS_ANY = 31 << 6,
    CHAT_PLAIN = 1 << 11       /* nothing in the author changes, but for spaces around it */
};

/* The three numbers of a date. `first` and `second` are day and month in the order of the file, or month and day after
 * a year that stands first. */
static inline uint32_t chat_date(uint32_t year, uint32_t first, uint32_t second) {
    return year << 10 | first << 5 | second;
}
static inline uint32_t chat_year(uint32_t date) { return date >> 10; }
static inline uint32_t chat_first(uint32_t date) { return date >> 5 & 31; }
static inline uint32_t chat_second(uint32_t date) { return date & 31; }

typedef struct chat_header {
    uint32_t dialect;
    uint32_t shape;
    uint32_t date;
    uint32_t seconds; /* of the day */
    const char *rest; /* behind the header */
    /* Where it stands: what is not the same in all headers lies between `time` and `behind`, the hour and the minutes. */
    const char *start, *time, *behind;
    sl_str connector, marker;
    uint32_t clock;
} chat_header;

/* What is kept of a message until the order of dates is known: 24 bytes, because there can be millions. */
typedef struct chat_record {
    uint32_t start, rest; /* of the line, and of what stands behind the header */
    uint32_t colon;       /* behind the author; 0 if there is none */
    uint32_t line;
    uint32_t date; /* chat_date; days since 1970 once the order of dates is known */
    uint32_t bits; /* seconds of the day, and above them what the enums say */
} chat_record;
enum { CHAT_SECONDS_BITS = 17 };
static inline uint32_t chat_flags(const chat_record *r) { return r->bits >> CHAT_SECONDS_BITS; }
static inline uint32_t chat_seconds(const chat_record *r) { return r->bits & ((1u << CHAT_SECONDS_BITS) - 1); }
/* The record gets the lines of one that turned out to be text. */
static inline void chat_absorb(chat_record *r) { r->bits |= (uint32_t)CHAT_HAS_ANY << CHAT_SECONDS_BITS; }

/* Why dates have the order that they have; see chat_order.c. */
typedef struct chat_decision {
    int order;
    int confident;
    const char *reason; /* # stands for a number */
    size_t numbers[2];
} chat_decision;

typedef struct chat_dialect {
    uint32_t bits;
    sl_str connector;
} chat_dialect;

static inline int chat_same(const chat_dialect *dialect, const chat_header *header) {
    return dialect->bits == header->dialect && dialect->connector.len == header->connector.len &&
           (!dialect->connector.len || !memcmp(dialect->connector.ptr, header->connector.ptr, dialect->connector.len));
}

/* Lines of one dialect: a whole export, or one of several that somebody put behind each other. */
typedef struct chat_segment {
    chat_dialect dialect;
    const char *start; /* no line before it belongs to the segment */
    size_t first, count, after_crlf; /* records, and those but the first after CRLF */
    size_t above_12[2];              /* of the two fields of those that are not fixed */
    chat_decision decision;
} chat_segment;

/* Of the lines that have another dialect: how many, and between which. */
enum { CHAT_OTHERS = 32, CHAT_SEGMENTS = 6 };
static inline void chat_count(chat_segment *s, const chat_record *r) {
    if (chat_flags(r) & CHAT_FIXED) return;
    s->above_12[0] += chat_first(r->date) > 12;
    s->above_12[1] += chat_second(r->date) > 12;
}

typedef struct chat_other {
    chat_dialect dialect;
    const char *first, *last;
    size_t count;
    uint32_t line; /* of the first */
    int late;      /* an hour above 12 */
} chat_other;

/* Lines that look like headers and are text, by the reason for that: how many, and the first of them. */
enum {
    CHAT_LOST_WORD,     /* the word for morning or afternoon is not known, and the dialect counts */
    CHAT_LOST_ANY_WORD, /* the same, whatever the dialect */
    CHAT_LOST_DIALECT,
    CHAT_LOST_END, /* behind the rarer kind of line end */
    CHAT_LOST_DATE,
    CHAT_LOST
};
typedef struct chat_lost {
    size_t count;
    uint32_t line;
    sl_str text; /* the word, or the header */
} chat_lost;
static inline void chat_lose(chat_lost *lost, uint32_t line, const char *p, const char *end) {
    if (lost->count++) return;
    lost->line = line;
    lost->text = (sl_str){p, (uint32_t)(end - p)};
}

typedef struct chat {
    const char *start, *end;
    /* What is read of it: all, or the lines of a piece. */
    const char *from, *to;
    struct chat *pieces; /* as many as piece_count, or NULL for one, which is the chat itself */
    uint32_t piece_count, wanted_pieces;
    uint32_t line_count;
    uint32_t before;     /* flags of the lines before the first header, which may belong to a message of another piece */
    int unchecked;       /* nobody has looked whether the text is UTF-8 */
    int wanted;          /* the order of dates that the caller knows, or CHAT_ORDER_AUTO */
    int joined;          /* the segments are known */
    char lines; /* the byte that ends a line */
    int any;    /* headers of any dialect count */
    int32_t until; /* the last day on which a message can be written, or INT32_MAX */
    sl_str app;    /* who the app itself is called, where it says that the chat wrote, or nothing */
    chat_segment segments[CHAT_SEGMENTS];
    uint32_t segment_count;
    chat_record *records;
    size_t count, capacity;
    size_t headers;
    chat_lost lost[CHAT_LOST];
    uint32_t other_count;
    chat_other others[1 + CHAT_OTHERS]; /* the first is the one that was locked */
} chat;

/* A piece of the text, looked at all at once: where its lines end, and where something stands that few lines hold: NUL, the
 * first byte of a mark (or of another character like it), \r that does not belong to the end of a line, the colon before a
 * space, the m of `.com/`. Places are bytes from the start of the piece; UINT16_MAX is behind the last one. */
enum { CHAT_WINDOW = 8192 };
typedef struct chat_window {
    uint32_t len, line_count;
    uint16_t lines[CHAT_WINDOW + 2], places[CHAT_WINDOW + 2];
} chat_window;
/* The piece at p, as long as a piece is, or up to the end of the text. `lines` is the byte that ends lines. */
void sl_chat_window(const char *p, const char *end, char lines, chat_window *w);

/* Where the text of record i ends. */
static inline const char *chat_end(const chat *c, size_t i) {
    return i + 1 < c->count ? c->start + c->records[i + 1].start : c->end;
}

/* Passes over the records read the text again, here and there, after it has left the caches: they ask for it in time. */
enum { CHAT_AHEAD = 16 };
#if defined(__GNUC__)
#define CHAT_PREFETCH(address) __builtin_prefetch(address)
#else
#define CHAT_PREFETCH(address) (void)(address)
#endif

enum { CHAT_ORDER_AUTO, CHAT_ORDER_DMY, CHAT_ORDER_MDY, CHAT_ORDER_YMD };
/* What the first word of prepared options holds. */
enum { CHAT_ORDER_FIELD = 3, CHAT_ANY = 4, CHAT_UNTIL = 8 };
/* The records of a text. Whoever opens it scans every piece, on any thread, and joins them, until there is nothing to do
 * again; a text without any header has no pieces. SL_EUTF8 if it is `unchecked` and no UTF-8. Where anything fails, too,
 * sl_chat_free is to be called. */
sl_status sl_chat_open(chat *c, sl_str content, const sl_options *options, uint32_t pieces, int unchecked);
sl_status sl_chat_scan(chat *c, uint32_t piece, int whole);
sl_status sl_chat_join(chat *c, int *again);
void sl_chat_free(chat *c);
/* All of that at once, and on this thread. */
sl_status sl_chat_read(chat *c, sl_str content, const sl_options *options);
size_t sl_chat_count_lines(chat *c);

/* Decides the order of dates of every segment, and turns dates into days; what has a date that does not exist is no
 * record. */
void sl_chat_settle(chat *c, int wanted);
/* 1 and the days since 1970 of a day from then on, 2024-03-05. */
int sl_chat_read_day(const char *p, size_t len, int32_t *days);

/* 1 if a header of any dialect starts at p, the start of a line, 2 if it would be one, did anybody know its marker. */
int sl_chat_header(const char *p, const char *end, chat_header *header);

/* Value of a decimal digit of any script, or 10. */
uint32_t sl_chat_digit(uint32_t point);
/* What a word for morning or afternoon means. */
uint32_t sl_chat_clock(const char *p, const char *end);
/* Number of a month, or 0. */
uint32_t sl_chat_month(const char *p, const char *end);
/* The hour of the day of an hour with such a word. */
static inline uint32_t chat_hour(uint32_t hour, uint32_t clock) {
    if (clock == CHAT_CLOCK_NONE || hour > 12) return hour;
    if (clock == CHAT_CLOCK_NOON) return hour < 10 ? hour + 12 : hour;
    return hour % 12 + (clock == CHAT_CLOCK_PM ? 12 : 0);
}

static inline uint32_t chat_space(const char *p, const char *end) {
    const unsigned char *s = (const unsigned char *)p;
    if (p == end) return 0;
    if (s[0] == ' ' || s[0] == '\t') return 1;
    if (s[0] < 0xC2) return 0;
    if (s[0] == 0xC2) return end - p >= 2 && s[1] == 0xA0 ? 2 : 0;
    if (s[0] != 0xE2 || end - p < 3 || s[1] != 0x80) return 0;
    return s[2] == 0xAF || s[2] == 0x89 ? 3 : 0; /* U+202F, U+2009 */
}

/* What headers look like and why dates have their order, as text for people; `doubts`: the reason names lines that are
 * not read, or not as they should be. */
sl_status sl_chat_describe(const chat *c, sl_rows *rows, sl_str *dialect, sl_str *reason, int *doubts);

/* Length of the direction mark or byte order mark at p, else 0. */
static inline uint32_t chat_mark(const char *p, const char *end) {
    const unsigned char *s = (const unsigned char *)p;
    if (end - p < 3) return 0;
    if (s[0] == 0xE2 && s[1] == 0x80) return s[2] == 0x8E || s[2] == 0x8F || (s[2] >= 0xAA && s[2] <= 0xAE) ? 3 : 0;
    return s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF ? 3 : 0;
}

/* 1 if U+200E or U+200F is at p. */
static inline int chat_direction(const char *p, const char *end) {
    return end - p >= 3 && !memcmp(p, "\xE2\x80", 2) && ((unsigned char)p[2] | 1) == 0x8F;
}

/* Length of what a text does not keep at p, else 0. */
static inline uint32_t chat_dropped(const char *p, const char *end) { return *p ? chat_mark(p, end) : 1; }

static inline int chat_is_trimmed(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
static inline sl_str chat_trim(const char *p, const char *end) {
    while (p < end && chat_is_trimmed(*p)) p++;
    while (p < end && chat_is_trimmed(end[-1])) end--;
    return (sl_str){p, (uint32_t)(end - p)};
}

/* Takes marks out of a message, and makes ends of lines \n. `lines` is the byte that ends lines. */
sl_status sl_chat_clean(sl_rows *rows, char lines, sl_str *text);

/* 1 if quotes stand in pairs, as they do in a name. */
int sl_chat_balanced(const char *p, const char *end);
/* Author without marks, with plain spaces and hyphens, trimmed. */
sl_status sl_chat_author(sl_rows *rows, sl_str raw, sl_str *out);
/* Moves the colon of authors whose names hold a colon and a space. */
sl_status sl_chat_double_names(chat *c);

/* Authors by their bytes: open addressing. Behind `len`, for names that hold a colon: the bytes of what stands before a
 * colon at the start of all messages, how many have it, and in how many of them no address follows. */
typedef struct chat_name {
    const char *ptr;
    uint32_t len, prefix, count, others;
} chat_name;
typedef struct chat_names {
    chat_name *slots;
    size_t capacity, count; /* capacity is 0 or a power of two */
    int built;
} chat_names;
/* The colon behind the first known author in a line that has no ": ", or NULL. */
sl_status sl_chat_known(const chat *c, chat_names *names, const char *rest, const char *end, const char **colon);

/* 1 if [p, end) is this name, as people see it. */
int sl_chat_is_called(sl_str name, const char *p, const char *end);
/* Sets c->app to the title if the app itself writes under it, as iOS does in groups. */
sl_status sl_chat_find_app(chat *c, chat_names *names, sl_str title);

/* How the app marks what it wrote itself, and what kind of message that makes. `message` is clean; `has` are flags;
 * `media` gets the name of a file, or stays as it is. */
typedef struct chat_context {
    int header_marked, body_marked, bracket;
} chat_context;
sl_str sl_chat_kind(const sl_str *message, uint32_t has, chat_context context, sl_str *media);

/* The names of files, also for media.c. A text that ends with `>` or whose first line ends with `)`: 1 and the name, if
 * that is `<attached: name>` or `name (file attached)`; `marked`: a mark of direction says that the app wrote it. */
int sl_chat_bracket_file(sl_str text, int marked, sl_str *file);
int sl_chat_line_file(sl_str text, int marked, sl_str *file);
int sl_chat_is_app_name(sl_str name);
int sl_chat_is_attached(sl_str words);

#endif
