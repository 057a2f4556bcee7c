/* chat_kind.c - what a message is: its clean text and its kind.
 * Contract: linear in the text; on invalid UTF-8 the result is some kind, and reads stay inside.
 * Source: public exports in many languages; the rules are stated in streamliner_udf/reference/chat.py. */
#include "chat.h"
#include "simd.h"

/* Top bit set at NUL, at bytes that begin a mark, and at those that end a line in some file. */
static inline sl_v16 special(sl_v16 v) {
    return sl_v16_or(sl_v16_or(sl_v16_eq(v, sl_v16_fill(0xE2)), sl_v16_eq(v, sl_v16_fill(0xEF))),
                     sl_v16_or(sl_v16_eq(v, sl_v16_fill('\r')), sl_v16_eq(v, sl_v16_fill(0))));
}

static const char *next_special(const char *p, const char *end) {
    while (p < end) {
        size_t left = (size_t)(end - p);
        uint32_t mask = sl_v16_mask(special(left >= 16 ? sl_v16_load(p) : sl_v16_load_tail(p, left, 'a')));
        if (mask) return p + sl_first_bit(mask);
        p += left < 16 ? left : 16;
    }
    return end;
}

/* 1 if what is at p, a special byte, does not stay as it is. */
static inline int changes(const char *p, const char *end, char lines) {
    return *p == '\r' ? lines == '\r' || (p + 1 < end && (p[1] == '\n' || chat_dropped(p + 1, end))) : chat_dropped(p, end) != 0;
}

sl_status sl_chat_clean(sl_rows *rows, char lines, sl_str *text) {
    const char *p = text->ptr, *end = p + text->len;
    while ((p = next_special(p, end)) < end && !changes(p, end, lines)) p++;
    if (p == end) return SL_OK;
    char *to, *start;
    SL_TRY(sl_rows_text(rows, text->len, &start));
    to = start;
    for (p = text->ptr; p < end;) {
        const char *stop = next_special(p, end);
        /* The two bytes of an end of line can meet when a mark between them has gone. */
        if (p < stop && *p == '\n' && to > start && to[-1] == '\r') to--;
        memcpy(to, p, (size_t)(stop - p));
        to += stop - p;
        p = stop;
        if (p == end) break;
        uint32_t dropped = chat_dropped(p, end);
        if (!dropped) *to++ = *p == '\r' && lines == '\r' ? '\n' : *p;
        p += dropped ? dropped : 1;
    }
    *text = chat_trim(start, to);
    return SL_OK;
}

/* ---- words that apps write, as facts about them ------------------------------------------------------------------ */

#define TEXT(literal) {(literal), sizeof(literal) - 1}
static const sl_str deleted_texts[] = {
    TEXT("This message was deleted"), TEXT("You deleted this message"), TEXT("Mensagem apagada"),
    TEXT("Esta mensagem foi apagada"), TEXT("Você apagou esta mensagem"), TEXT("Diese Nachricht wurde gelöscht"),
    TEXT("Du hast diese Nachricht gelöscht"), TEXT("Se eliminó este mensaje"), TEXT("Eliminaste este mensaje"),
    TEXT("Este mensaje fue eliminado"), TEXT("Ce message a été supprimé"), TEXT("Vous avez supprimé ce message"),
    TEXT("Questo messaggio è stato eliminato"), TEXT("Hai eliminato questo messaggio"),
    TEXT("Dit bericht is verwijderd"), TEXT("U hebt dit bericht verwijderd"),
};
static const sl_str attached_texts[] = {
    TEXT("file attached"), TEXT("arquivo anexado"), TEXT("ficheiro anexado"), TEXT("Datei angehängt"),
    TEXT("archivo adjunto"), TEXT("fichier joint"), TEXT("bestand bijgevoegd"), TEXT("file allegato"),
    TEXT("файл добавлен"),
};
static const sl_str omitted_texts[] = {
    TEXT("image omitted"), TEXT("Image omitted"), TEXT("video omitted"), TEXT("Video omitted"),
    TEXT("audio omitted"), TEXT("Audio omitted"), TEXT("sticker omitted"), TEXT("Sticker omitted"),
    TEXT("GIF omitted"), TEXT("document omitted"), TEXT("Document omitted"), TEXT("Video note omitted"),
    TEXT("imagem ocultada"), TEXT("vídeo omitido"), TEXT("áudio ocultado"), TEXT("figurinha omitida"),
    TEXT("imagem não revelada"), TEXT("Bild weggelassen"), TEXT("Video weggelassen"), TEXT("Audio weggelassen"),
    TEXT("Sticker weggelassen"), TEXT("immagine omessa"), TEXT("video omesso"), TEXT("audio omesso"),
    TEXT("imagen omitida"), TEXT("image absente"), TEXT("gambar tidak disertakan"),
};
static const sl_str contact_texts[] = {TEXT("Contact card omitted"), TEXT("contact card omitted")};
/* At the end of a message, in <>, also with a full stop. */
static const sl_str edited_texts[] = {
    TEXT("This message was edited"), TEXT("Mensagem editada"), TEXT("Esta mensagem foi editada"),
    TEXT("Se editó este mensaje"), TEXT("Diese Nachricht wurde bearbeitet"), TEXT("Ce message a été modifié"),
    TEXT("Questo messaggio è stato modificato"), TEXT("Dit bericht is bewerkt"), TEXT("Pesan ini diedit"),
    TEXT("Сообщение изменено"),
};
static const sl_str call_texts[] = {
    TEXT("Missed voice call"), TEXT("Missed video call"), TEXT("Voice call"), TEXT("Video call"),
};
#undef TEXT
enum { TABLE_MAX = 40 /* bytes of the longest text above, and a full stop */ };

/* Most texts begin or end with a letter that none of the texts above, `null` or a full stop has there. */
enum { FIRST = 1, LAST = 2 };
static const uint8_t edges[256] = {
    ['.'] = LAST, ['A'] = FIRST, ['B'] = FIRST, ['C'] = FIRST, ['D'] = FIRST, ['E'] = FIRST, ['G'] = FIRST,
    ['H'] = FIRST, ['I'] = FIRST, ['M'] = FIRST, ['Q'] = FIRST, ['S'] = FIRST, ['T'] = FIRST, ['U'] = FIRST,
    ['V'] = FIRST, ['Y'] = FIRST, ['a'] = FIRST | LAST, ['c'] = FIRST, ['d'] = FIRST | LAST, ['e'] = LAST,
    ['f'] = FIRST, ['g'] = FIRST, ['i'] = FIRST, ['l'] = LAST, ['m'] = LAST, ['n'] = FIRST | LAST, ['o'] = LAST,
    ['s'] = FIRST, ['t'] = LAST, ['v'] = FIRST, [0xA9] = LAST, [0xC3] = FIRST,
};
static int is_edge(sl_str text) {
    return edges[(unsigned char)text.ptr[0]] & FIRST && edges[(unsigned char)text.ptr[text.len - 1]] & LAST;
}

#define IS_ONE_OF(text, table) is_one_of(text, table, sizeof(table) / sizeof(*(table)))

static int is_one_of(sl_str text, const sl_str *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (table[i].len == text.len && !memcmp(table[i].ptr, text.ptr, text.len)) return 1;
    return 0;
}

int sl_chat_is_attached(sl_str words) { return IS_ONE_OF(words, attached_texts); }

/* ---- structure --------------------------------------------------------------------------------------------------- */

static sl_str slice(const char *p, const char *end) { return (sl_str){p, (uint32_t)(end - p)}; }
static int is_upper(char c) { return (unsigned char)(c - 'A') < 26; }
static int is_digit(char c) { return (unsigned char)(c - '0') < 10; }
static int is_alnum(char c) { return is_digit(c) || (unsigned char)((c | 32) - 'a') < 26; }

/* 1 if the text is one to `most` words with single spaces between them, and holds none of `without`. */
static int is_words(sl_str text, uint32_t most, const char *without) {
    uint32_t words = 1;
    if (!text.len || text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ') return 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] && strchr(without, text.ptr[i])) return 0;
        if (text.ptr[i] != ' ') continue;
        if (text.ptr[i - 1] == ' ' || ++words > most) return 0;
    }
    return 1;
}

/* A dot and one to eight letters or digits at the end, and something before. */
static int has_extension(sl_str name) {
    uint32_t i = name.len;
    while (i && name.len - i <= 8 && is_alnum(name.ptr[i - 1])) i--;
    return i < name.len && name.len - i <= 8 && i >= 2 && name.ptr[i - 1] == '.';
}

/* IMG-20240305-WA0001.jpg, also without the letters behind the dot. */
int sl_chat_is_app_name(sl_str name) {
    static const char form[] = "AAA-00000000-WA0";
    uint32_t i = 0;
    if (name.len < sizeof(form)) return 0;
    for (; i < sizeof(form) - 1; i++) {
        int fits = form[i] == '0' ? is_digit(name.ptr[i]) : i < 3 ? is_upper(name.ptr[i]) : name.ptr[i] == form[i];
        if (!fits) return 0;
    }
    while (i < name.len && is_digit(name.ptr[i])) i++;
    if (i == name.len || name.ptr[i++] != '.') return 0;
    while (i < name.len && is_alnum(name.ptr[i])) i++;
    return i == name.len;
}

/* <attached: name> at the end of the text. */
int sl_chat_bracket_file(sl_str text, int marked, sl_str *file) {
    const char *end = text.ptr + text.len - 1, *open = end;
    while (open > text.ptr && open[-1] != '<' && open[-1] != '>' && open[-1] != '\n') open--;
    if (open == text.ptr || open[-1] != '<') return 0;
    for (const char *p = open; p + 1 < end && (p = memchr(p, ':', (size_t)(end - p))); p++) {
        if (p + 1 >= end || p[1] != ' ') continue;
        *file = slice(p + 2, end);
        return file->len && is_words(slice(open, p), 3, ":") && (marked || has_extension(*file));
    }
    return 0;
}

/* name (file attached) as the first line. */
int sl_chat_line_file(sl_str text, int marked, sl_str *file) {
    const char *end = memchr(text.ptr, '\n', text.len);
    if (!end) end = text.ptr + text.len;
    if (end[-1] != ')') return 0;
    const char *open = end - 1;
    while (open > text.ptr && open[-1] != '(' && open[-1] != ')') open--;
    if (open - text.ptr < 3 || open[-1] != '(' || open[-2] != ' ') return 0;
    *file = slice(text.ptr, open - 2);
    sl_str words = slice(open, end - 1);
    if (!is_words(words, 4, "")) return 0;
    if (sl_chat_is_app_name(*file) || (marked && has_extension(*file))) return 1;
    return sl_chat_is_attached(words) && memchr(file->ptr, '.', file->len);
}

static int is_omitted_bracket(sl_str text) {
    uint32_t characters = 0, telling = 0;
    if (text.len < 3 || text.len > 4 * 64) return 0;
    for (uint32_t i = 1; i < text.len - 1; i++) {
        char c = text.ptr[i];
        if (c && strchr("<>=/:\"@\n", c)) return 0;
        telling |= c == ' ' || (unsigned char)c >= 0x80;
    }
    for (uint32_t i = 0; i < text.len; i++) characters += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return telling && characters <= 64;
}

/* The mark of a message that was edited, and nothing else. */
static int is_edited(sl_str text) {
    if (text.len < 3) return 0;
    sl_str words = slice(text.ptr + 1, text.ptr + text.len - (text.ptr[text.len - 2] == '.' ? 2 : 1));
    return IS_ONE_OF(words, edited_texts);
}

static int ends_with(const char *start, const char *end, sl_str word) {
    return (size_t)(end - start) >= word.len && !memcmp(end - word.len, word.ptr, word.len);
}

static int has_place(sl_str text) {
    const char *start = text.ptr, *end = start + text.len;
    for (const char *p = start; (p = memchr(p, '/', (size_t)(end - p))); p++) {
        if (end - p >= 5 && !memcmp(p, "/?q=", 4) && (is_digit(p[4]) || p[4] == '-') &&
            ends_with(start, p, SL_STR("https://maps.google.com")))
            return 1;
        if (end - p >= 3 && !memcmp(p, "/v/", 3) && ends_with(start, p, SL_STR("foursquare.com"))) return 1;
    }
    return 0;
}

/* Capital letters, whatever they are outside of ASCII, and a colon behind them. */
static const char *skip_label(const char *p, const char *end) {
    const char *start = p;
    while (p < end && (is_upper(*p) || (unsigned char)*p >= 0x80)) p++;
    return p > start && p < end && *p == ':' ? p + 1 : NULL;
}

/* OPTION: text (2 votes) */
static int is_poll_option(const char *p, const char *end) {
    if (p == end || end[-1] != ')' || !(p = skip_label(p, end)) || p == end || *p++ != ' ') return 0;
    const char *open = end - 1;
    while (open > p && !(open[-1] == '(' && open - 1 > p && open[-2] == ' ')) open--;
    if (open - p < 3) return 0;
    const char *digits = open;
    while (open < end && is_digit(*open)) open++;
    return open > digits && *open == ' ' && end - 1 - open > 1;
}

static int is_poll(sl_str text) {
    const char *end = text.ptr + text.len, *p = skip_label(text.ptr, end);
    if (!p || p == end || *p != '\n') return 0;
    p = memchr(p + 1, '\n', (size_t)(end - p - 1)); /* behind the question */
    while (p) {
        const char *line = p + 1, *stop = memchr(line, '\n', (size_t)(end - line));
        if (is_poll_option(line, stop ? stop : end)) return 1;
        p = stop;
    }
    return 0;
}

static int is_call(sl_str text) {
    for (size_t i = 0; i < sizeof(call_texts) / sizeof(*call_texts); i++) {
        uint32_t len = call_texts[i].len;
        if (text.len < len || memcmp(text.ptr, call_texts[i].ptr, len)) continue;
        if (text.len == len || text.ptr[len] == ',' || text.ptr[len] == ' ') return 1;
    }
    return 0;
}

static int is_contact(sl_str file) {
    if (file.len < 4) return 0;
    const char *end = file.ptr + file.len;
    return end[-4] == '.' && (end[-3] | 32) == 'v' && (end[-2] | 32) == 'c' && (end[-1] | 32) == 'f';
}

static int is_short_line(sl_str text) {
    uint32_t characters = 0;
    for (uint32_t i = 0; i < text.len && characters <= 64; i++) {
        if (text.ptr[i] == '\n') return 0;
        characters += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return characters <= 64;
}

sl_str sl_chat_kind(const sl_str *message, uint32_t has, chat_context context, sl_str *media) {
    const sl_str text = {message->ptr, message->len};
    if (!text.len) return SL_STR("empty");
    char last = text.ptr[text.len - 1];
    sl_str file;
    if ((last == '>' && sl_chat_bracket_file(text, context.header_marked, &file)) ||
        ((last == ')' || (has & CHAT_HAS_LINE)) && sl_chat_line_file(text, context.body_marked, &file))) {
        *media = file;
        return is_contact(file) ? SL_STR("contact") : SL_STR("attachment");
    }
    if (last == '>' && text.ptr[0] == '<' && is_edited(text)) return SL_STR("text");
    if (last == '>' && text.ptr[0] == '<' && is_omitted_bracket(text)) return SL_STR("omitted");
    if (text.len <= TABLE_MAX && is_edge(text)) {
        sl_str sentence = last == '.' ? slice(text.ptr, text.ptr + text.len - 1) : text;
        if (IS_ONE_OF(sentence, deleted_texts)) return SL_STR("deleted");
        if (IS_ONE_OF(text, omitted_texts)) return SL_STR("omitted");
        if (IS_ONE_OF(text, contact_texts)) return SL_STR("contact");
        if (text.len == 4 && !memcmp(text.ptr, "null", 4)) return SL_STR("call");
    }
    if ((has & CHAT_HAS_SLASH) && has_place(text)) return SL_STR("location");
    if ((has & CHAT_HAS_LINE) && last == ')' && is_poll(text)) return SL_STR("poll");
    if (context.body_marked) {
        if (is_call(text)) return SL_STR("call");
        if (context.header_marked && is_short_line(text)) return SL_STR("omitted");
        if (context.bracket && !context.header_marked) return SL_STR("system");
    }
    return SL_STR("text");
}
