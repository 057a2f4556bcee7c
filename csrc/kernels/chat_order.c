/* chat_order.c - which of the numbers of a date is the day: decided once for a text, from all that it says.
 * Contract: linear in the text; 24 bytes a message are read a few times, the text itself once at most.
 * Source: what public exports show; the evidence is listed in streamliner_udf/reference/_chat_order.py. */
#include "chat.h"
#include "simd.h"

static inline int month_of(uint32_t date, int order) {
    return (int)(order == CHAT_ORDER_DMY ? chat_second(date) : chat_first(date));
}
static inline int day_of(uint32_t date, int order) {
    return (int)(order == CHAT_ORDER_DMY ? chat_first(date) : chat_second(date));
}
/* Grows from day to day; a month may be above 12 in the order that is not the right one. */
static inline uint32_t rank_of(uint32_t date, int order) {
    return chat_year(date) << 10 | (uint32_t)month_of(date, order) << 5 | (uint32_t)day_of(date, order);
}

static int is_number(const char *p, uint32_t digits, uint32_t *value) {
    uint32_t number = 0;
    for (uint32_t i = 0; i < digits; i++) {
        if ((unsigned char)(p[i] - '0') > 9) return 0;
        number = number * 10 + (uint32_t)(p[i] - '0');
    }
    *value = number;
    return 1;
}

/* 1 if a capital letter, the hyphen at p and a date follow each other, as in the names that apps give to media:
 * IMG-20240305-WA0001 and PHOTO-2024-03-05-09-15-20. */
static int read_media_date(const char *start, const char *p, const char *end, uint32_t date[3]) {
    uint32_t unused;
    if (p == start || (unsigned char)(p[-1] - 'A') > 25) return 0;
    p++;
    if (end - p >= 12 && is_number(p, 4, &date[0]) && is_number(p + 4, 2, &date[1]) && is_number(p + 6, 2, &date[2]))
        return !memcmp(p + 8, "-WA", 3) && is_number(p + 11, 1, &unused);
    return end - p >= 20 && is_number(p, 4, &date[0]) && p[4] == '-' && is_number(p + 5, 2, &date[1]) && p[7] == '-' &&
           is_number(p + 8, 2, &date[2]) && p[10] == '-' && is_number(p + 11, 2, &unused) && p[13] == '-' &&
           is_number(p + 14, 2, &unused) && p[16] == '-' && is_number(p + 17, 2, &unused) && p[19] == '.';
}

/* Records [from, to) of an export whose dates can be read in two ways: the fixed ones say nothing. */
typedef struct range {
    const chat *c;
    size_t from, to;
} range;

static int is_fixed(const chat_record *r) { return (chat_flags(r) & CHAT_FIXED) != 0; }
#define EACH_OPEN(r, i, record)                                  \
    for (size_t i = (r)->from; i < (r)->to; i++)                 \
        for (const chat_record *record = &(r)->c->records[i]; record && !is_fixed(record); record = NULL)

static int decided(chat_decision *d, int order, int confident, const char *reason) {
    d->order = order;
    d->confident = confident;
    d->reason = reason;
    return 1;
}

/* 1 if more speaks for one order than for the other. */
static int prefer(chat_decision *d, size_t dmy, size_t mdy, int confident, const char *reason) {
    return dmy != mdy && decided(d, dmy > mdy ? CHAT_ORDER_DMY : CHAT_ORDER_MDY, confident, reason);
}

/* No month is above 12. */
static int judge_fields(size_t dmy, size_t mdy, chat_decision *d) {
    d->numbers[0] = dmy > mdy ? dmy : mdy;
    d->numbers[1] = dmy > mdy ? mdy : dmy;
    return prefer(d, dmy, mdy, !d->numbers[1],
                  d->numbers[1] ? "dates that exist in this order only: #, in the other only: #"
                                : "dates that exist in this order only: #");
}

/* Media sent on the day of their name: how many dates are that day in one order only. */
static int judge_media(const range *r, chat_decision *d) {
    size_t dmy = 0, mdy = 0;
    EACH_OPEN(r, i, record) {
        const char *start = r->c->start + record->rest, *p = start, *end = chat_end(r->c, i);
        uint32_t date = record->date, name[3];
        if (chat_first(date) == chat_second(date)) continue;
        for (; (p = memchr(p, '-', (size_t)(end - p))); p++) {
            if (!read_media_date(start, p, end, name) || name[0] != chat_year(date)) continue;
            dmy += name[1] == chat_second(date) && name[2] == chat_first(date);
            mdy += name[1] == chat_first(date) && name[2] == chat_second(date);
        }
    }
    d->numbers[0] = dmy > mdy ? dmy : mdy;
    return prefer(d, dmy, mdy, 1, "names of media that hold the date of their message: #");
}

/* Messages follow each other in time: how often they do not, in either order. */
static int judge_time(const range *r, chat_decision *d) {
    size_t dmy = 0, mdy = 0;
    const chat_record *before = NULL;
    EACH_OPEN(r, i, record) {
        if (before) {
            dmy += rank_of(record->date, CHAT_ORDER_DMY) < rank_of(before->date, CHAT_ORDER_DMY);
            mdy += rank_of(record->date, CHAT_ORDER_MDY) < rank_of(before->date, CHAT_ORDER_MDY);
        }
        before = record;
    }
    d->numbers[0] = dmy < mdy ? dmy : mdy;
    d->numbers[1] = dmy < mdy ? mdy : dmy;
    return prefer(d, mdy, dmy, 1, "dates before the one above them: #, in the other order #");
}

/* 1 if one of the two fields never changes while the other has three values or more: the one that moves is the day. */
static int judge_movement(const range *r, chat_decision *d) {
    uint32_t firsts = 0, seconds = 0;
    EACH_OPEN(r, i, record) {
        firsts |= 1u << chat_first(record->date);
        seconds |= 1u << chat_second(record->date);
    }
    uint32_t first_count = sl_count_bits(firsts), second_count = sl_count_bits(seconds);
    if (!((second_count == 1 && first_count >= 3) || (first_count == 1 && second_count >= 3))) return 0;
    return decided(d, second_count == 1 ? CHAT_ORDER_DMY : CHAT_ORDER_MDY, 1, "of day and month only the day changes");
}

static int32_t days_of(uint32_t date, int order, int *exists);

/* No message is written after its file: 1 if only one order has such. */
static int judge_last(const range *r, int32_t until, chat_decision *d) {
    size_t later[2] = {0, 0};
    if (until == INT32_MAX) return 0;
    EACH_OPEN(r, i, record) {
        for (int order = CHAT_ORDER_DMY; order <= CHAT_ORDER_MDY; order++) {
            int exists;
            int32_t day = days_of(record->date, order, &exists);
            later[order - CHAT_ORDER_DMY] += exists && day > until;
        }
    }
    d->numbers[0] = later[0] + later[1];
    return (!later[0] != !later[1]) && decided(d, later[0] ? CHAT_ORDER_MDY : CHAT_ORDER_DMY, 1,
                                               "dates after the file was written, in the other order only: #");
}

/* Where nothing in the dates tells, the way they are written does: who leaves out the zeros and writes AM, or two
 * digits of the year, puts the month first. */
static int judge_looks(const range *r, uint32_t dialect, uint32_t first, chat_decision *d) {
    uint32_t shape = 0;
    EACH_OPEN(r, i, record) shape |= chat_flags(record) & (CHAT_PADDED | CHAT_UNPADDED);
    if ((dialect & CHAT_DATE_FIELD) == CHAT_DATE_DOT)
        return decided(d, CHAT_ORDER_DMY, 1, "with . between its numbers, a date has the day first");
    if ((dialect & CHAT_DATE_FIELD) == CHAT_DATE_HYPHEN)
        return decided(d, CHAT_ORDER_DMY, 1, "with - between its numbers, a date has the day first");
    if ((first & CHAT_RTL) || (dialect & CHAT_COMMA_FIELD) == CHAT_COMMA_ARABIC)
        return decided(d, CHAT_ORDER_DMY, 1, "where people write from right to left, a date has the day first");
    if ((dialect & CHAT_MARKER_FIELD) && !(first & CHAT_UPPER))
        return decided(d, CHAT_ORDER_DMY, 1, "where am and pm are not capitals, a date has the day first");
    if (shape & CHAT_PADDED) return decided(d, CHAT_ORDER_DMY, 1, "with leading zeros, a date has the day first");
    if ((shape & CHAT_UNPADDED) && (first & CHAT_UPPER))
        return decided(d, CHAT_ORDER_MDY, 1, "without leading zeros and with AM and PM, a date has the month first");
    if ((shape & CHAT_UNPADDED) && (dialect & CHAT_YEAR_FIELD) == CHAT_YEAR_LAST_2)
        return decided(d, CHAT_ORDER_MDY, 0, "without leading zeros and with a short year, most dates have the month first");
    return 0;
}

/* The dialect of a record, which has to be read again where those of all dialects count. */
static uint32_t dialect_of(const chat *c, const chat_segment *s, const chat_record *r) {
    chat_header header;
    if (!c->any) return s->dialect.bits;
    return sl_chat_header(c->start + r->start, c->end, &header) ? header.dialect : 0;
}

/* One order for an export, from the strongest evidence that there is. */
static void decide(const chat *c, chat_segment *s, int wanted) {
    range r = {c, s->first, s->first + s->count};
    chat_decision *d = &s->decision;
    const chat_record *first = NULL;
    for (size_t i = r.from; i < r.to && !first; i++)
        if (!is_fixed(&c->records[i])) first = &c->records[i];
    if (!first) {
        if ((dialect_of(c, s, &c->records[s->first]) & CHAT_DATE_FIELD) == CHAT_DATE_WORD)
            (void)decided(d, CHAT_ORDER_DMY, 1, "the month is a word");
        else (void)decided(d, CHAT_ORDER_YMD, 1, "the year stands first");
        return;
    }
    uint32_t is_short = CHAT_SHORT_YEAR;
    if (wanted == CHAT_ORDER_YMD) EACH_OPEN(&r, i, record) is_short &= chat_flags(record);
    if (wanted == CHAT_ORDER_DMY || wanted == CHAT_ORDER_MDY || (wanted == CHAT_ORDER_YMD && is_short)) {
        (void)decided(d, wanted, 1, "the caller knows it");
        return;
    }
    if (judge_fields(s->above_12[0], s->above_12[1], d) || judge_media(&r, d) || judge_time(&r, d) || judge_movement(&r, d) ||
        judge_last(&r, c->until, d))
        return;
    if (judge_looks(&r, dialect_of(c, s, first), chat_flags(first), d)) return;
    (void)decided(d, CHAT_ORDER_DMY, 0, "nothing tells, and most dates have the day first");
}

/* Days of the Solar Hijri calendar before a year of it, counted from an arbitrary day. */
static int32_t hijri_before(int32_t year) { return 365 * (year - 1) + (8 * year + 21) / 33; }

/* Months of 31, then 30 days, the last of 29, or 30 in 8 of 33 years. */
static int32_t days_of_hijri(int32_t year, int32_t month, int32_t day, int *exists) {
    int32_t leap = hijri_before(year + 1) - hijri_before(year) - 365;
    int32_t length = month <= 6 ? 31 : month <= 11 ? 30 : 29 + leap;
    *exists = month >= 1 && month <= 12 && day >= 1 && day <= length;
    int32_t long_months = month - 1 < 6 ? month - 1 : 6, short_months = month > 7 ? month - 7 : 0;
    return 19802 /* 2024-03-20 */ + hijri_before(year) - hijri_before(1403) + 31 * long_months + 30 * short_months + day - 1;
}

/* Days since 1970-01-01 in the Gregorian calendar, or 0 in `exists`.
 * Counts from March, so that the leap day comes last: Hinnant, "chrono-compatible low-level date algorithms". */
static int32_t days_of(uint32_t date, int order, int *exists) {
    static const uint8_t lengths[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = (int)chat_year(date), month = month_of(date, order), day = day_of(date, order);
    if (order == CHAT_ORDER_YMD) { /* what was read as the year is the day */
        day = year - 2000;
        year = 2000 + (int)chat_first(date);
        month = (int)chat_second(date);
    }
    if (year < 1500) return days_of_hijri(year, month, day, exists);
    *exists = 0;
    if (month < 1 || month > 12 || day < 1) return 0;
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month] + leap) return 0;
    *exists = 1;
    year -= month <= 2;
    int era = year / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int sl_chat_read_day(const char *p, size_t len, int32_t *days) {
    uint32_t year, month, day;
    int exists = 0;
    if (len != 10 || p[4] != '-' || p[7] != '-' || !is_number(p, 4, &year) || !is_number(p + 5, 2, &month) ||
        !is_number(p + 8, 2, &day) || year < 1970 || month > 12 || day > 31)
        return 0;
    *days = days_of(chat_date(year, month, day), CHAT_ORDER_MDY, &exists);
    return exists;
}

void sl_chat_settle(chat *c, int wanted) {
    for (uint32_t s = 0; s < c->segment_count; s++) decide(c, &c->segments[s], wanted);
    size_t kept = 0, i = 0;
    for (uint32_t s = 0; s < c->segment_count; s++) {
        chat_segment *segment = &c->segments[s];
        size_t first = kept, stop = segment->first + segment->count;
        uint32_t last = 0, last_fixed = 0; /* no date */
        int32_t days = 0;
        int exists = 0;
        for (; i < stop; i++) {
            chat_record *r = &c->records[i];
            uint32_t fixed = chat_flags(r) & CHAT_FIXED;
            if (r->date != last || fixed != last_fixed) {
                last = r->date;
                last_fixed = fixed;
                days = days_of(last, fixed ? CHAT_ORDER_MDY : segment->decision.order, &exists);
            }
            if (SL_UNLIKELY(!exists)) {
                chat_lose(&c->lost[CHAT_LOST_DATE], r->line, c->start + r->start, c->start + r->rest);
                if (kept) chat_absorb(&c->records[kept - 1]);
                continue;
            }
            r->date = (uint32_t)days;
            if (SL_UNLIKELY(kept != i)) c->records[kept] = *r;
            kept++;
        }
        segment->first = first;
        segment->count = kept - first;
    }
    c->count = kept;
}
