/* chat_order.c - which of the numbers of a date is the day: decided once for a text, from all that it says.
 * Contract: linear in the text; 24 bytes a message are read a few times, the text itself once at most.
 * Source: what public exports show; the evidence is listed in streamliner_udf/reference/chat.py. */
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

/* Media sent on the day of their name: how many dates are that day in one order only. */
static void count_media_dates(const chat *c, size_t *dmy, size_t *mdy) {
    *dmy = *mdy = 0;
    for (size_t i = 0; i < c->count; i++) {
        const char *start = c->start + c->records[i].rest, *p = start, *end = chat_end(c, i);
        uint32_t date = c->records[i].date, name[3];
        if (chat_first(date) == chat_second(date)) continue;
        for (; (p = memchr(p, '-', (size_t)(end - p))); p++) {
            if (!read_media_date(start, p, end, name) || name[0] != chat_year(date)) continue;
            *dmy += name[1] == chat_second(date) && name[2] == chat_first(date);
            *mdy += name[1] == chat_first(date) && name[2] == chat_second(date);
        }
    }
}

/* Messages follow each other in time: how often they do not, in either order. */
static void count_steps_back(const chat *c, size_t *dmy, size_t *mdy) {
    *dmy = *mdy = 0;
    for (size_t i = 1; i < c->count; i++) {
        uint32_t before = c->records[i - 1].date, date = c->records[i].date;
        *dmy += rank_of(date, CHAT_ORDER_DMY) < rank_of(before, CHAT_ORDER_DMY);
        *mdy += rank_of(date, CHAT_ORDER_MDY) < rank_of(before, CHAT_ORDER_MDY);
    }
}

/* 1 if one of the two fields never changes while the other has three values or more: the one that moves is the day. */
static int find_moving_field(const chat *c, int *order) {
    uint32_t firsts = 0, seconds = 0;
    for (size_t i = 0; i < c->count; i++) {
        firsts |= 1u << chat_first(c->records[i].date);
        seconds |= 1u << chat_second(c->records[i].date);
    }
    uint32_t first_count = sl_count_bits(firsts), second_count = sl_count_bits(seconds);
    *order = second_count == 1 ? CHAT_ORDER_DMY : CHAT_ORDER_MDY;
    return (second_count == 1 && first_count >= 3) || (first_count == 1 && second_count >= 3);
}

/* Where nothing in the dates tells, the way they are written does: who leaves out the zeros and writes AM, or two
 * digits of the year, puts the month first. */
static int guess_order(const chat *c) {
    uint32_t shape = 0, dialect = c->dialect;
    for (size_t i = 0; i < c->count; i++) shape |= chat_flags(&c->records[i]) & (CHAT_PADDED | CHAT_UNPADDED);
    uint32_t first = chat_flags(&c->records[0]);
    if ((dialect & CHAT_DATE_FIELD) != CHAT_DATE_SLASH) return CHAT_ORDER_DMY;
    if ((first & CHAT_RTL) || (dialect & CHAT_COMMA_FIELD) == CHAT_COMMA_ARABIC) return CHAT_ORDER_DMY;
    if ((dialect & CHAT_MARKER_FIELD) && !(first & CHAT_UPPER)) return CHAT_ORDER_DMY;
    if (shape != CHAT_UNPADDED) return CHAT_ORDER_DMY;
    int short_year = (dialect & CHAT_YEAR_FIELD) == CHAT_YEAR_LAST_2;
    return short_year || (first & CHAT_UPPER) ? CHAT_ORDER_MDY : CHAT_ORDER_DMY;
}

/* One order for the whole text, from the strongest evidence that there is. */
static int find_order(const chat *c, int wanted) {
    uint32_t year = c->dialect & CHAT_YEAR_FIELD;
    if (year == CHAT_YEAR_FIRST) return CHAT_ORDER_MDY; /* month and day, behind the year */
    if (wanted == CHAT_ORDER_DMY || wanted == CHAT_ORDER_MDY) return wanted;
    if (wanted == CHAT_ORDER_YMD && year == CHAT_YEAR_LAST_2) return wanted;
    size_t dmy = 0, mdy = 0;
    for (size_t i = 0; i < c->count; i++) {
        dmy += chat_first(c->records[i].date) > 12;
        mdy += chat_second(c->records[i].date) > 12;
    }
    if (dmy == mdy) count_media_dates(c, &dmy, &mdy);
    if (dmy == mdy) count_steps_back(c, &mdy, &dmy);
    if (dmy != mdy) return dmy > mdy ? CHAT_ORDER_DMY : CHAT_ORDER_MDY;
    int order;
    return find_moving_field(c, &order) ? order : guess_order(c);
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

void sl_chat_settle(chat *c, int wanted) {
    int order = find_order(c, wanted), exists = 0;
    uint32_t last = 0; /* no date */
    int32_t days = 0;
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        chat_record *r = &c->records[i];
        if (r->date != last) days = days_of(last = r->date, order, &exists);
        if (SL_UNLIKELY(!exists)) {
            if (kept) chat_absorb(&c->records[kept - 1]);
            continue;
        }
        r->date = (uint32_t)days;
        if (SL_UNLIKELY(kept != i)) c->records[kept] = *r;
        kept++;
    }
    c->count = kept;
}
