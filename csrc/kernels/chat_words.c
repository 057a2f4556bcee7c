/* chat_words.c - the words and digits of headers: morning and afternoon, months, decimal digits of all scripts.
 * Contract: a word longer than any known one is unknown after a fixed number of steps.
 * Source: headers of public exports; words from CLDR; the same words stand in streamliner_udf/reference/_chat_header.py. */
#include "chat.h"
#include "digit_tables.h"
#include "utf8.h"

uint32_t sl_chat_digit(uint32_t point) {
    uint32_t low = 0, high = sizeof(digit_zeros) / sizeof(*digit_zeros);
    if (point < 0x80) return point - '0' < 10 ? point - '0' : 10;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (digit_zeros[middle] <= point) low = middle;
        else high = middle;
    }
    return point - digit_zeros[low] < 10 ? point - digit_zeros[low] : 10;
}

/* Of the letters that occur in known words, and of those that become one of them. */
static uint32_t lower(uint32_t c) {
    if (c - 'A' < 26) return c + 32;
    if (c < 0xC0) return c;
    if (c <= 0xDE) return c == 0xD7 ? c : c + 32;
    if (c >= 0x391 && c <= 0x3A9) return c + 32;
    if (c >= 0x410 && c <= 0x42F) return c + 32;
    return c == 0x212A ? 'k' : c; /* the sign of kelvins */
}

enum { WORD_MAX = 24, WORD_BYTES = 4 * WORD_MAX };

/* The word in small letters, without the spaces and marks, and dots if `dots` says so; 0 where it is too long. */
static uint32_t tidy(const char *p, const char *end, int dots, char *out) {
    uint32_t len = 0;
    while (p < end) {
        uint32_t skipped = chat_space(p, end);
        if (!skipped) skipped = chat_mark(p, end);
        if (!skipped && dots && *p == '.') skipped = 1;
        if (skipped) {
            p += skipped;
            continue;
        }
        if (len > WORD_BYTES - 4) return 0;
        len += (uint32_t)sl_utf8_put(out + len, lower(sl_utf8_next(&p, end)));
    }
    return len;
}

/* 1 if one of the words, which have spaces between them, is this one. */
static int has_word(const char *words, const char *word, uint32_t len) {
    for (const char *p = words; *p;) {
        const char *stop = strchr(p, ' ');
        size_t size = stop ? (size_t)(stop - p) : strlen(p);
        if (size == len && !memcmp(p, word, len)) return 1;
        p += size + (stop != NULL);
    }
    return 0;
}

uint32_t sl_chat_clock(const char *p, const char *end) {
    static const char *const words[] = {
        [CHAT_CLOCK_AM] = "am öö 上午 凌晨 清晨 早上 午前 오전 ص قظ πμ дп de dop fm ap sa проб vorm vormittags morgens nachts "
                          "לפנה״צ לפנה\"צ inthemorning",
        [CHAT_CLOCK_PM] = "pm ös 下午 晚上 午後 오후 م بظ μμ пп du odp em ip ch слоб nachm nachmittags abends אחה״צ אחה\"צ "
                          "intheafternoon intheevening",
        [CHAT_CLOCK_NOON] = "中午 mittags",
    };
    char word[WORD_BYTES];
    uint32_t len = tidy(p, end, 1, word);
    for (uint32_t clock = CHAT_CLOCK_AM; clock <= CHAT_CLOCK_NOON && len; clock++)
        if (has_word(words[clock], word, len)) return clock;
    return CHAT_CLOCK_UNKNOWN;
}

uint32_t sl_chat_month(const char *p, const char *end) {
    static const char *const months[] = {
        "jan january januar enero ene janeiro janvier janv gennaio gen januari",
        "feb february februar febrero fevereiro fev février févr febbraio februari",
        "mar march märz mär marzo março mars maart mrt",
        "apr april abril abr avril avr aprile",
        "may mai mayo maio maggio mag mei",
        "jun june juni junio junho juin giugno giu",
        "jul july juli julio julho juillet juil luglio lug",
        "aug august agosto ago août augustus",
        "sep sept september septiembre setembro set septembre settembre",
        "oct october oktober okt octubre outubro out octobre ottobre ott",
        "nov november noviembre novembro novembre",
        "dec december dezember dez diciembre dic dezembro décembre déc dicembre",
    };
    char word[WORD_BYTES];
    if (p < end && end[-1] == '.') end--;
    uint32_t len = tidy(p, end, 0, word);
    for (uint32_t month = 1; month <= 12 && len; month++)
        if (has_word(months[month - 1], word, len)) return month;
    return 0;
}
