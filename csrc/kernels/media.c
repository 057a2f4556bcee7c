/* media.c - files that a chat export names: which they are, and links to them.
 * Contract: names are spans of the input. Linear in the length: a name has at most 255 bytes, and no other stretch is read
 * for more than one of its beginnings.
 * Source: the rules of parse_whatsapp (chat_kind.c); CommonMark 0.31 for link destinations. */
#include "chat.h"
#include "pairs.h"

enum { NAME_MAX_BYTES = 255 };

/* '<', " (" and "-W". */
static inline sl_v16 triggers(sl_v16 v, sl_v16 next) {
    sl_v16 words = sl_v16_and(sl_v16_eq(v, sl_v16_fill(' ')), sl_v16_eq(next, sl_v16_fill('(')));
    sl_v16 app = sl_v16_and(sl_v16_eq(v, sl_v16_fill('-')), sl_v16_eq(next, sl_v16_fill('W')));
    return sl_v16_or(sl_v16_eq(v, sl_v16_fill('<')), sl_v16_or(words, app));
}

#if defined(SL_WIDE)
SL_AVX2 static inline sl_v32 triggers_wide(sl_v32 v, sl_v32 next) {
    sl_v32 words = sl_v32_and(sl_v32_eq(v, sl_v32_fill(' ')), sl_v32_eq(next, sl_v32_fill('(')));
    sl_v32 app = sl_v32_and(sl_v32_eq(v, sl_v32_fill('-')), sl_v32_eq(next, sl_v32_fill('W')));
    return sl_v32_or(sl_v32_eq(v, sl_v32_fill('<')), sl_v32_or(words, app));
}
SL_AVX2 static size_t scan_wide(const char *p, size_t len) { return sl_find_pair_wide(p, len, triggers_wide); }
#endif

size_t sl_scan_media(const char *ptr, size_t len, const sl_options *options) {
    (void)options;
#if defined(SL_WIDE)
    if (len >= 65 && sl_has_avx2()) return scan_wide(ptr, len);
#endif
    return sl_find_pair(ptr, 0, len, triggers);
}

/* ---- markers and names ------------------------------------------------------------------------------------------- */

typedef struct media_finding {
    const char *start, *stop;
    sl_str name;
    int is_marker;
} media_finding;

static sl_str slice(const char *p, const char *end) { return (sl_str){p, (uint32_t)(end - p)}; }
static int is_digit(char c) { return (unsigned char)(c - '0') < 10; }
static int is_alnum(char c) { return is_digit(c) || (unsigned char)((c | 32) - 'a') < 26; }
static int is_name_character(char c) { return is_alnum(c) || c == '_' || c == '-'; }

/* None of "/<>", no ": ", no "](" (of a link that stands there already), no control character, no mark, not too long. */
static int may_be_name(sl_str name) {
    if (name.len > NAME_MAX_BYTES) return 0;
    for (uint32_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x20 || c == 0x7F || c == '/' || c == '<' || c == '>') return 0;
        if (c >= 0x80 && chat_mark(name.ptr + i, name.ptr + name.len)) return 0;
        char next = i + 1 < name.len ? name.ptr[i + 1] : 0;
        if ((c == ':' && next == ' ') || (c == ']' && next == '(')) return 0;
    }
    return 1;
}

/* 1 if a mark of direction ends at `at`. */
static int is_marked(const char *start, const char *at) { return at - start >= 3 && chat_direction(at - 3, at); }

/* 1 if a name may begin at `at`: a line does, or ": " or a mark ends there. */
static int is_name_start(const char *start, const char *at) {
    if (at == start || at[-1] == '\n') return 1;
    if (at[-1] == ' ') return at - start >= 2 && at[-2] == ':';
    return at - start >= 3 && chat_mark(at - 3, at);
}

static int is_line_end(const char *p, const char *end) {
    if (p < end && *p == '\r') p++;
    return p == end || *p == '\n';
}

/* Where the words in brackets whose " (" is at p end, or NULL. */
static const char *skip_words(const char *p, const char *end) {
    if (end - p < 3 || p[0] != ' ' || p[1] != '(') return NULL;
    for (p += 2; p < end && *p != '(' && *p != '\n'; p++)
        if (*p == ')') return p + 1;
    return NULL;
}

/* Where the bracket whose '<' is at p ends, or NULL. */
static const char *skip_bracket(const char *p, const char *end) {
    do p++;
    while (p < end && *p != '<' && *p != '>' && *p != '\n');
    return p < end && *p == '>' ? p + 1 : NULL;
}

/* <attached: name> from `at` to `stop` */
static int find_bracket(sl_str text, const char *at, const char *stop, media_finding *found) {
    found->start = at;
    found->stop = stop;
    found->is_marker = 1;
    /* A link within is of a file before: what stands around it is no marker now, as it was none before. */
    for (const char *p = at; p + 1 < stop; p++)
        if (p[0] == ']' && p[1] == '(') return 0;
    return sl_chat_bracket_file(slice(at, stop), is_marked(text.ptr, at), &found->name) && may_be_name(found->name);
}

/* A name that WhatsApp made and whose "-WA" is at `at`, with or without words behind it. */
static int find_app_name(sl_str text, const char *at, const char *floor, media_finding *found) {
    enum { BEFORE = sizeof("IMG-20240305") - 1 };
    const char *end = text.ptr + text.len, *start = at - BEFORE, *stop = at + 3;
    if (at - floor < BEFORE || end - at < 5 || at[2] != 'A' || !is_digit(at[3])) return 0;
    while (stop < end && is_digit(*stop)) stop++;
    if (stop == end || *stop != '.') return 0;
    do stop++;
    while (stop < end && is_alnum(*stop));
    found->name = slice(start, stop);
    if (!sl_chat_is_app_name(found->name) || !may_be_name(found->name)) return 0;
    if (start > text.ptr && is_name_character(start[-1])) return 0;
    found->start = start;
    found->stop = skip_words(stop, end);
    found->is_marker = 1;
    sl_str ignored;
    if (found->stop && sl_chat_line_file(slice(start, found->stop), 0, &ignored)) {
        if (sl_chat_is_attached(slice(stop + 2, found->stop - 1))) return 1;
        if (is_name_start(text.ptr, start) && is_line_end(found->stop, end)) return 1;
    }
    found->stop = stop;
    found->is_marker = 0;
    if (stop[-1] == '.' || (stop < end && is_name_character(*stop))) return 0;
    return !(end - stop >= 2 && stop[0] == '.' && is_alnum(stop[1]));
}

/* any name.pdf (file attached), whose " (" is at `at`. */
static int find_line(sl_str text, const char *at, const char *floor, media_finding *found) {
    const char *end = text.ptr + text.len, *stop = skip_words(at, end), *start = at;
    if (!stop) return 0;
    int ends_line = is_line_end(stop, end);
    if (!ends_line && !sl_chat_is_attached(slice(at + 2, stop - 1))) return 0;
    while (start > floor && at - start <= NAME_MAX_BYTES && !is_name_start(text.ptr, start)) start--;
    if (at - start > NAME_MAX_BYTES) return 0;
    int marked = ends_line && is_marked(text.ptr, start);
    while (start < at && *start == ' ') start++;
    found->start = start;
    found->stop = stop;
    found->is_marker = 1;
    return sl_chat_line_file(slice(start, stop), marked, &found->name) && may_be_name(found->name);
}

/* 1 and the next finding from p on; p moves behind it. */
static int next_finding(sl_str text, const char **p, media_finding *found) {
    const char *floor = *p;
    size_t i = (size_t)(floor - text.ptr);
    for (; (i = sl_find_pair(text.ptr, i, text.len, triggers)) < text.len; i++) {
        const char *at = text.ptr + i;
        int is_found;
        if (*at == '<') {
            const char *stop = skip_bracket(at, text.ptr + text.len);
            if (stop && i >= 2 && !memcmp(at - 2, "](", 2)) { /* the destination of a link that stands there already */
                floor = stop;
                i = (size_t)(stop - text.ptr) - 1;
                continue;
            }
            is_found = stop && find_bracket(text, at, stop, found);
        } else {
            is_found = *at == ' ' ? find_line(text, at, floor, found) : find_app_name(text, at, floor, found);
        }
        if (!is_found) continue;
        *p = found->stop;
        return 1;
    }
    return 0;
}

sl_status sl_extract_media(sl_str text, const sl_options *options, sl_rows *out) {
    (void)options;
    const char *p = text.ptr;
    media_finding found;
    while (next_finding(text, &p, &found)) {
        sl_cell *cells;
        SL_TRY(sl_rows_add(out, &cells));
        cells[0].text = found.name;
    }
    return SL_OK;
}

/* ---- links ------------------------------------------------------------------------------------------------------- */

#define LINK(name) SL_STR("[" name "](")
enum { EXTENSION_MAX = 4 };

static const struct {
    char extension[EXTENSION_MAX + 1], kind;
} kinds[] = {
    {"jpg", 'I'},  {"jpeg", 'I'}, {"png", 'I'}, {"gif", 'I'}, {"webp", 'I'}, {"heic", 'I'}, {"heif", 'I'}, {"avif", 'I'},
    {"bmp", 'I'},  {"tif", 'I'},  {"tiff", 'I'}, {"mp4", 'V'}, {"m4v", 'V'}, {"mov", 'V'},  {"3gp", 'V'},  {"avi", 'V'},
    {"mkv", 'V'},  {"webm", 'V'}, {"opus", 'A'}, {"ogg", 'A'}, {"oga", 'A'}, {"mp3", 'A'},  {"m4a", 'A'},  {"aac", 'A'},
    {"wav", 'A'},  {"flac", 'A'}, {"amr", 'A'}, {"vcf", 'C'},
};
/* What WhatsApp begins names with; for names whose extension is missing. */
static const struct {
    char prefix[5], kind;
} prefixes[] = {{"IMG-", 'I'}, {"STK-", 'I'}, {"VID-", 'V'}, {"AUD-", 'A'}, {"PTT-", 'A'}};

static char find_kind(sl_str name) {
    const char *end = name.ptr + name.len, *p = end;
    while (p > name.ptr && p[-1] != '.') p--;
    size_t len = (size_t)(end - p);
    if (p > name.ptr && len) {
        char lower[EXTENSION_MAX + 1] = {0};
        if (len > EXTENSION_MAX) return 'D';
        for (size_t i = 0; i < len; i++) lower[i] = (unsigned char)(p[i] - 'A') < 26 ? (char)(p[i] | 32) : p[i];
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
            if (strlen(kinds[i].extension) == len && !memcmp(kinds[i].extension, lower, len)) return kinds[i].kind;
        return 'D';
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
        if (name.len >= 4 && !memcmp(prefixes[i].prefix, name.ptr, 4)) return prefixes[i].kind;
    return 'D';
}

static sl_str link_start(char kind) {
    switch (kind) {
    case 'I': return SL_STR("![Image](");
    case 'V': return LINK("Video");
    case 'A': return LINK("Audio");
    case 'C': return LINK("Contact");
    default: return LINK("Document");
    }
}

static int is_escaped(char c) { return c == '\\' || c == '&' || c == '`'; }

static sl_status put_link(sl_str name, sl_buf *out) {
    sl_str start = link_start(find_kind(name));
    int quoted = 0;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        quoted |= c == ' ' || c == '(' || c == ')' || is_escaped(c);
    }
    SL_TRY(sl_buf_reserve(out, start.len + 2 * (size_t)name.len + 3));
    char *to = out->ptr + out->len;
    memcpy(to, start.ptr, start.len);
    to += start.len;
    if (quoted) *to++ = '<';
    for (uint32_t i = 0; i < name.len; i++) {
        if (is_escaped(name.ptr[i])) *to++ = '\\';
        *to++ = name.ptr[i];
    }
    if (quoted) *to++ = '>';
    *to++ = ')';
    out->len = (size_t)(to - out->ptr);
    return SL_OK;
}

sl_status sl_media_to_markdown(sl_str text, const sl_options *options, sl_buf *out) {
    (void)options;
    const char *p = text.ptr, *done = text.ptr, *end = text.ptr + text.len;
    media_finding found;
    int changed = 0;
    while (next_finding(text, &p, &found)) {
        if (!found.is_marker) continue;
        if (!changed) SL_TRY(sl_buf_reserve(out, text.len));
        changed = 1;
        SL_TRY(sl_buf_append(out, done, (size_t)(found.start - done)));
        SL_TRY(put_link(found.name, out));
        done = found.stop;
    }
    return changed ? sl_buf_append(out, done, (size_t)(end - done)) : SL_UNCHANGED;
}
