/* chat_header.c - the header of a message: date, time and what stands around them, in every dialect.
 * Contract: no step is taken back, so a line costs its length; nothing here matches the end of a line.
 * Source: headers of public exports; the grammar is stated in streamliner_udf/reference/chat.py. */
#include "chat.h"
#include "simd.h"

static inline uint32_t space_length(const char *p, const char *end) {
    const unsigned char *s = (const unsigned char *)p;
    if (p == end) return 0;
    if (s[0] == ' ' || s[0] == '\t') return 1;
    if (s[0] < 0xC2) return 0;
    if (s[0] == 0xC2) return end - p >= 2 && s[1] == 0xA0 ? 2 : 0;
    if (s[0] != 0xE2 || end - p < 3 || s[1] != 0x80) return 0;
    return s[2] == 0xAF || s[2] == 0x89 ? 3 : 0; /* U+202F, U+2009 */
}

static inline const char *skip_marks(const char *p, const char *end, uint32_t *shape) {
    for (uint32_t len; p < end && ((unsigned char)*p & 0x80) && (len = chat_mark(p, end)); p += len)
        if ((unsigned char)p[2] == 0x8F) *shape |= CHAT_RTL;
    return p;
}

/* Spaces and marks with a space among them, or NULL. */
static inline const char *skip_gap(const char *p, const char *end, uint32_t *shape) {
    uint32_t len;
    p = skip_marks(p, end, shape);
    if (!(len = space_length(p, end))) return NULL;
    do {
        p = skip_marks(p + len, end, shape);
    } while ((len = space_length(p, end)));
    return p;
}

static inline int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* One to four digits and how many. Other digits of Unicode belong here. */
static inline const char *read_number(const char *p, const char *end, uint32_t *value, uint32_t *width) {
    uint32_t number = 0, digits = 0;
    while (p < end && digits < 5 && is_digit(*p)) {
        number = number * 10 + (uint32_t)(*p++ - '0');
        digits++;
    }
    *value = number;
    *width = digits;
    return digits && digits <= 4 ? p : NULL;
}

static uint32_t padding(uint32_t value, uint32_t width) {
    if (width == 1) return CHAT_UNPADDED;
    return value < 10 ? CHAT_PADDED : 0;
}

/* Years of the Buddhist era end before 543 years less than ours; years of other eras are not read. */
static int settle_year(uint32_t *year, uint32_t width) {
    if (width == 2) *year += 2000;
    else if (*year >= 2400) *year -= 543;
    return width == 2 || (width == 4 && *year >= 1500);
}

/* From the first digit of the date to the first character of the time. */
static const char *read_date(const char *p, const char *end, chat_header *header) {
    uint32_t value[3], width[3], shape = header->shape, dialect = header->dialect;
    char separator = 0;
    for (int i = 0; i < 3; i++) {
        if (i) {
            p = skip_marks(p, end, &shape);
            if (p == end || (i == 2 && *p != separator)) return NULL;
            separator = *p++;
            p = skip_marks(p, end, &shape);
            uint32_t space = space_length(p, end);
            if (space) dialect |= i == 1 ? CHAT_DATE_SPACE_1 : CHAT_DATE_SPACE_2;
            p += space;
        }
        if (!(p = read_number(p, end, &value[i], &width[i]))) return NULL;
    }
    switch (separator) {
        case '/': dialect |= CHAT_DATE_SLASH; break;
        case '.': dialect |= CHAT_DATE_DOT; break;
        case '-': dialect |= CHAT_DATE_HYPHEN; break;
        default: return NULL;
    }
    if (separator == '.' && p < end && *p == '.') {
        dialect |= CHAT_DATE_TAIL;
        p++;
    }
    if (width[1] > 2) return NULL;
    uint32_t year, first, second;
    if (width[0] == 4) {
        if (width[2] > 2) return NULL;
        dialect |= CHAT_YEAR_FIRST;
        year = value[0];
        first = value[1];
        second = value[2];
        if (!settle_year(&year, 4) || first > 12) return NULL;
    } else {
        if (width[0] > 2) return NULL;
        year = value[2];
        first = value[0];
        second = value[1];
        dialect |= width[2] == 2 ? CHAT_YEAR_LAST_2 : CHAT_YEAR_LAST_4;
        if (!settle_year(&year, width[2]) || (first > 12 && second > 12)) return NULL;
        shape |= padding(value[0], width[0]) | padding(value[1], width[1]);
    }
    if (first < 1 || first > 31 || second < 1 || second > 31) return NULL;

    p = skip_marks(p, end, &shape);
    if (p < end && *p == ',') {
        dialect |= CHAT_COMMA;
        p++;
    } else if (end - p >= 2 && !memcmp(p, "\xD8\x8C", 2)) {
        dialect |= CHAT_COMMA_ARABIC;
        p += 2;
    }
    if (!(p = skip_gap(p, end, &shape))) return NULL;
    header->date = chat_date(year, first, second);
    header->dialect = dialect;
    header->shape = shape;
    return p;
}

/* Two digits up to 59, or 60 and more where there are none. */
static inline uint32_t two_digits(const char *p) {
    uint32_t tens = (unsigned char)(p[0] - '0'), ones = (unsigned char)(p[1] - '0');
    return tens < 6 && ones < 10 ? tens * 10 + ones : 60;
}

/* am or pm in any case, with dots or without: 0 or 12, and p behind it; or -1 and p where it was. */
static int read_marker(const char **from, const char *end, uint32_t *shape) {
    const char *p = *from;
    if (end - p < 2) return -1;
    int upper = *p == 'A' || *p == 'P', noon = (*p | 32) == 'p' ? 12 : 0;
    if ((*p | 32) != 'a' && (*p | 32) != 'p') return -1;
    p++;
    if (*p == '.') {
        p++;
        p += space_length(p, end);
        upper = 0;
    }
    if (p == end || (*p | 32) != 'm') return -1;
    upper &= *p == 'M';
    p++;
    if (p < end && *p == '.') {
        p++;
        upper = 0;
    }
    if (upper) *shape |= CHAT_UPPER;
    *from = p;
    return noon;
}

static inline const char *read_time(const char *p, const char *end, chat_header *header) {
    uint32_t hour, minute, second = 0;
    if (end - p < 4 || !is_digit(*p)) return NULL;
    hour = (uint32_t)(*p++ - '0');
    if (is_digit(*p)) hour = hour * 10 + (uint32_t)(*p++ - '0');
    char separator = *p++;
    if (separator == '.') header->dialect |= CHAT_TIME_DOT;
    else if (separator != ':') return NULL;
    if (end - p < 2 || hour > 23 || (minute = two_digits(p)) > 59) return NULL;
    p += 2;
    if (end - p >= 3 && *p == separator) {
        if ((second = two_digits(p + 1)) > 59) return NULL;
        header->dialect |= CHAT_SECONDS;
        p += 3;
    }
    const char *marker = p;
    uint32_t len, ignored = 0;
    while (marker < end && ((len = space_length(marker, end)) || (len = chat_mark(marker, end)))) marker += len;
    int noon = read_marker(&marker, end, &header->shape);
    if (noon >= 0) {
        if (hour <= 12) hour = hour % 12 + (uint32_t)noon;
        header->dialect |= CHAT_MARKER_AFTER;
        p = marker;
    }
    header->seconds = hour * 3600 + minute * 60 + second;

    if ((header->dialect & CHAT_FORM_FIELD) == CHAT_FORM_BRACKET) {
        p = skip_marks(p, end, &ignored);
        if (p == end || *p++ != ']') return NULL;
    } else {
        if (!(p = skip_gap(p, end, &ignored)) || p == end) return NULL;
        if (*p == '-') p++;
        else if (end - p >= 3 && !memcmp(p, "\xE2\x80", 2) && ((unsigned char)p[2] == 0x93 || (unsigned char)p[2] == 0x94)) p += 3;
        else return NULL;
    }
    len = space_length(p, end);
    header->rest = p + len;
    return len ? p : NULL;
}

/* 1 if the bytes of the cache stand at p, and a time behind them. Sixteen at once: dates rarely have more. */
static inline int is_cached(const char *p, const char *end, const chat_cache *cache) {
    if ((size_t)(end - p) <= CHAT_CACHE || !cache->len || !is_digit(p[cache->len])) return 0;
    uint32_t same = sl_v16_mask(sl_v16_eq(sl_v16_load(p), sl_v16_load(cache->bytes)));
    if (SL_LIKELY(cache->len <= 16)) return (~same & ((1u << cache->len) - 1)) == 0;
    same |= sl_v16_mask(sl_v16_eq(sl_v16_load(p + 16), sl_v16_load(cache->bytes + 16))) << 16;
    return (~same & (UINT32_MAX >> (CHAT_CACHE - cache->len))) == 0;
}

int sl_chat_header(const char *p, const char *end, chat_cache *cache, chat_header *header) {
    uint32_t shape = 0;
    for (uint32_t len; p < end && ((unsigned char)*p & 0x80) && (len = chat_mark(p, end)); p += len)
        if (chat_direction(p, end)) shape = CHAT_MARKED;
    if (SL_LIKELY(is_cached(p, end, cache))) {
        *header = cache->header;
        header->shape |= shape;
        return read_time(p + cache->len, end, header) != NULL;
    }
    const char *start = p;
    *header = (chat_header){CHAT_FORM_DASH, 0, 0, 0, NULL};
    if (p < end && *p == '[') {
        header->dialect = CHAT_FORM_BRACKET;
        p = skip_marks(p + 1, end, &header->shape);
    }
    if (!(p = read_date(p, end, header))) return 0;
    size_t len = (size_t)(p - start);
    cache->len = 0;
    if (len <= CHAT_CACHE) {
        memcpy(cache->bytes, start, len);
        cache->len = (uint32_t)len;
        cache->header = *header;
    }
    header->shape |= shape;
    return read_time(p, end, header) != NULL;
}
