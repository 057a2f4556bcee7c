/* chat_sniff.c - what was decided about an export, as text for people.
 * Contract: texts have a fixed size, but for headers and their words, which are short.
 * Source: the same sentences stand in streamliner_udf/reference/chat.py. */
#include "chat.h"

/* A text that grows in a place of its own; what does not fit is left out, and everything fits. */
enum { TEXT_MAX = 4096 };
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

/* A header, or a word of it, without marks and with one space where there are several. */
static void put_shown(text *t, sl_str raw) {
    uint32_t from = t->len;
    int space = 0;
    for (const char *p = raw.ptr, *end = p + raw.len; p < end;) {
        uint32_t skipped = chat_space(p, end);
        space |= skipped != 0;
        if (!skipped && !(skipped = chat_mark(p, end))) {
            if (space && t->len > from) put_word(t, " ");
            space = 0;
            put(t, p, skipped = 1);
        }
        p += skipped;
    }
}

static void put_unknown(text *t, const chat_lost *lost) {
    put_word(t, "the time of line ");
    put_number(t, lost->line);
    put_word(t, " has '");
    put_shown(t, lost->text);
    put_word(t, "', which is not known");
    if (lost->count == 1) return;
    put_word(t, ", and so have ");
    put_number(t, lost->count - 1);
    put_word(t, " more");
}

static void put_lost(text *t, const char *what, const chat_lost *lost) {
    put_word(t, "; ");
    put_word(t, what);
    put_word(t, ": ");
    put_number(t, lost->count);
    put_word(t, ", the first in line ");
    put_number(t, lost->line);
    put_word(t, ", '");
    put_shown(t, lost->text);
    put_word(t, "'");
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

/* ---- what is doubtful -------------------------------------------------------------------------------------------- */

/* What headers have of a dialect that is read, or of another one. */
typedef struct look {
    const chat_dialect *dialect;
    size_t count;
    uint32_t line;
    int doubtful; /* the word between date and time may be one for morning or afternoon that nobody knows */
} look;

static int has_doubtful_word(const chat_dialect *dialect) {
    static const sl_str words[] = {{"klo", 3}, {"à", 2}, {"às", 3}, {"kl.", 3}, {"um", 2}, {"at", 2}};
    const sl_str word = dialect->connector;
    if (!word.len || dialect->bits & CHAT_MARKER_FIELD) return 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (words[i].len == word.len && !memcmp(words[i].ptr, word.ptr, word.len)) return 0;
    return 1;
}

static look look_at(const chat *c, const chat_segment *s) {
    look found = {&s->dialect, s->count, s->count ? c->records[s->first].line : 0, has_doubtful_word(&s->dialect)};
    for (size_t i = s->first; i < s->first + s->count && found.doubtful; i++)
        found.doubtful = chat_seconds(&c->records[i]) / 3600 <= 12;
    return found;
}

/* 1 if one of these words stands in the place of the other, as those for morning and afternoon do. */
static int take_turns(const look *a, const look *b) {
    const uint32_t word = CHAT_CONNECTOR | CHAT_MARKER_FIELD;
    const uint32_t words[] = {a->dialect->bits & word, b->dialect->bits & word};
    return (a->dialect->bits & ~word) == (b->dialect->bits & ~word) && (a->doubtful || words[0] == CHAT_MARKER_BEFORE) &&
           (b->doubtful || words[1] == CHAT_MARKER_BEFORE);
}

/* Adds headers whose word between date and time is one for morning or afternoon, because it takes turns with another one.
 * Returns the word that may be one where there is no other. */
static sl_str find_words(const chat *c, chat_lost *lost) {
    look looks[CHAT_SEGMENTS + CHAT_OTHERS];
    uint8_t is_word[CHAT_SEGMENTS + CHAT_OTHERS] = {0};
    uint32_t count = 0;
    size_t before = lost->count;
    sl_str alone = {NULL, 0};
    for (uint32_t s = 0; s < c->segment_count; s++) {
        looks[count] = look_at(c, &c->segments[s]);
        if (looks[count].doubtful && !alone.len) alone = c->segments[s].dialect.connector;
        count++;
    }
    for (uint32_t i = 1; i < c->other_count; i++) {
        const chat_other *other = &c->others[i];
        looks[count++] = (look){&other->dialect, other->count, other->line, !other->late && has_doubtful_word(&other->dialect)};
    }
    for (uint32_t i = 0; i < c->segment_count; i++)
        for (uint32_t j = 0; j < count; j++)
            if (i != j && take_turns(&looks[i], &looks[j])) is_word[i] = is_word[j] = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_word[i] || !looks[i].doubtful || !looks[i].count) continue;
        if (!lost->count || looks[i].line < lost->line) {
            lost->line = looks[i].line;
            lost->text = looks[i].dialect->connector;
        }
        lost->count += looks[i].count;
    }
    return lost->count > before ? (sl_str){NULL, 0} : alone;
}

/* What people quote in messages looks like headers too: three lines, or a fifth of all, are more than that. */
static int is_many(const chat *c, const chat_lost *lost) {
    return lost->count >= 3 || (lost->count && 5 * lost->count >= c->count + lost->count);
}

/* Lines that look like messages, and are not read as such, or not as they should be. */
static int put_doubts(text *t, const chat *c) {
    chat_lost words = c->lost[CHAT_LOST_WORD];
    const chat_lost *dates = &c->lost[CHAT_LOST_DATE], *others = &c->lost[CHAT_LOST_DIALECT], *ends = &c->lost[CHAT_LOST_END];
    sl_str alone = find_words(c, &words);
    uint32_t before = t->len;
    if (words.count) {
        put_word(t, "; ");
        put_unknown(t, &words);
    }
    if (alone.len) {
        put_word(t, "; the word before all times may be one for morning or afternoon: '");
        put(t, alone.ptr, alone.len);
        put_word(t, "'");
    }
    if (dates->count) put_lost(t, "dates that do not exist in this order", dates);
    if (is_many(c, others) && words.count == c->lost[CHAT_LOST_WORD].count)
        put_lost(t, "headers of another dialect", others);
    if (is_many(c, ends)) put_lost(t, "headers behind the rarer kind of line end", ends);
    return t->len > before;
}

sl_status sl_chat_describe(const chat *c, sl_rows *rows, sl_str *dialect, sl_str *reason, int *doubts) {
    text why = {NULL, 0}, looks = {NULL, 0};
    SL_TRY(sl_rows_text(rows, TEXT_MAX, &why.ptr));
    SL_TRY(sl_rows_text(rows, TEXT_MAX, &looks.ptr));
    *doubts = 0;
    if (!c->count) {
        if (c->lost[CHAT_LOST_ANY_WORD].count) put_unknown(&why, &c->lost[CHAT_LOST_ANY_WORD]);
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
    *doubts = put_doubts(&why, c);
    *dialect = (sl_str){looks.ptr, looks.len};
    *reason = (sl_str){why.ptr, why.len};
    return SL_OK;
}
