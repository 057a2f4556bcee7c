/* chat_author.c - names of authors: what is a name, what it looks like without marks, who is known.
 * Contract: linear in the text, also for names chosen to collide; names are compared as they are written.
 * Source: public exports; the rules are stated in streamliner_udf/reference/chat.py. */
#include "chat.h"

#include <stdlib.h>

/* What the app says of somebody who changed a subject from "a: b" has its quotes around the colon. */
int sl_chat_balanced(const char *p, const char *end) {
    uint32_t straight = 0, curly = 0;
    int64_t angle = 0;
    for (; p < end; p++) {
        const unsigned char *s = (const unsigned char *)p;
        straight += *p == '"';
        if (s[0] == 0xC2 && end - p >= 2) angle += (s[1] == 0xAB) - (s[1] == 0xBB);
        if (s[0] == 0xE2 && end - p >= 3 && s[1] == 0x80) curly += s[2] >= 0x9C && s[2] <= 0x9E;
    }
    return straight % 2 == 0 && curly % 2 == 0 && angle == 0;
}

/* Bytes at p that a name does not keep, and the byte that stands for them, or 0 for none. */
static uint32_t change(const char *p, const char *end, char *by) {
    const unsigned char *s = (const unsigned char *)p;
    uint32_t dropped = chat_dropped(p, end);
    *by = 0;
    if (dropped) return dropped;
    if (s[0] == 0xC2 && end - p >= 2 && s[1] == 0xA0) {
        *by = ' ';
        return 2;
    }
    if (s[0] != 0xE2 || end - p < 3) return 0;
    if (s[1] == 0x81) return s[2] >= 0xA6 && s[2] <= 0xA9 ? 3 : 0; /* isolates, U+2066 to U+2069 */
    if (s[1] != 0x80 || (s[2] != 0xAF && s[2] != 0x91)) return 0;
    *by = s[2] == 0xAF ? ' ' : '-'; /* U+202F, U+2011 */
    return 3;
}

sl_status sl_chat_author(sl_rows *rows, sl_str raw, sl_str *out) {
    *out = chat_trim(raw.ptr, raw.ptr + raw.len);
    const char *p = out->ptr, *end = p + out->len;
    char *start, *to, by;
    while (p < end && !change(p, end, &by)) p++;
    if (p == end) return SL_OK;
    SL_TRY(sl_rows_text(rows, out->len, &start));
    memcpy(start, out->ptr, (size_t)(p - out->ptr));
    for (to = start + (p - out->ptr); p < end;) {
        uint32_t len = change(p, end, &by);
        if (!len) *to++ = *p++;
        else if (by) *to++ = by;
        p += len;
    }
    *out = chat_trim(start, to);
    return SL_OK;
}

/* ---- names by their bytes ---------------------------------------------------------------------------------------- */

/* A chain is followed for PROBES places only, so that names chosen to collide cost no more than others; by chance none
 * is as long, because its steps grow. */
enum { NAME_MAX = 256, PROBES = 64 };

#define HASH_START UINT64_C(0xCBF29CE484222325)
static inline uint64_t hash_byte(uint64_t hash, char c) { return (hash ^ (unsigned char)c) * UINT64_C(0x100000001B3); }

static uint64_t hash_name(const char *ptr, size_t len) {
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < len; i++) hash = hash_byte(hash, ptr[i]);
    return hash;
}

/* The name's slot, or a free one, or NULL where the chain is too long or there is no table. */
static chat_name *find_name(const chat_names *names, uint64_t hash, const char *ptr, size_t len) {
    size_t mask = names->capacity - 1, at = (size_t)(hash ^ hash >> 32) & mask;
    if (!names->capacity) return NULL;
    for (size_t i = 1; i <= PROBES; at = (at + i++) & mask) {
        chat_name *slot = &names->slots[at];
        if (!slot->ptr || (slot->len == len && !memcmp(slot->ptr, ptr, len))) return slot;
    }
    return NULL;
}

/* The name's slot, new where slot->count is 0, or NULL where there is no place for it. */
static sl_status add_name(chat_names *names, const char *ptr, size_t len, chat_name **slot) {
    if (2 * names->count >= names->capacity) {
        chat_names larger = {NULL, names->capacity ? names->capacity * 2 : 64, names->count, names->built};
        if (!(larger.slots = calloc(larger.capacity, sizeof(chat_name)))) return SL_ENOMEM;
        for (size_t i = 0; i < names->capacity; i++) {
            const chat_name *old = &names->slots[i];
            if (!old->ptr) continue;
            chat_name *place = find_name(&larger, hash_name(old->ptr, old->len), old->ptr, old->len);
            if (place) *place = *old;
        }
        free(names->slots);
        *names = larger;
    }
    *slot = find_name(names, hash_name(ptr, len), ptr, len);
    if (*slot && !(*slot)->ptr) {
        **slot = (chat_name){ptr, (uint32_t)len, 0, 0, 0};
        names->count++;
    }
    return SL_OK;
}

static sl_status collect_known(const chat *c, chat_names *names) {
    const char *last = NULL;
    size_t last_len = 0;
    for (size_t i = 0; i < c->count; i++) {
        const char *name = c->start + c->records[i].rest;
        size_t len = c->records[i].colon - c->records[i].rest;
        if (!c->records[i].colon || len > NAME_MAX || (len == last_len && !memcmp(last, name, len))) continue;
        chat_name *slot;
        SL_TRY(add_name(names, name, len, &slot));
        last = name;
        last_len = len;
    }
    return SL_OK;
}

sl_status sl_chat_known(const chat *c, chat_names *names, const char *rest, const char *end, const char **colon) {
    const char *stop = memchr(rest, c->lines, (size_t)(end - rest)), *p = rest;
    if (!stop) stop = end;
    size_t len = (size_t)(stop - rest) <= NAME_MAX ? (size_t)(stop - rest) : NAME_MAX + 1;
    *colon = NULL;
    if (!memchr(rest, ':', len)) return SL_OK;
    for (; (p = memchr(p, ':', (size_t)(stop - p))); p++)
        if (p + 1 < stop && p[1] == ' ') return SL_OK;
    if (!names->built) {
        names->built = 1;
        SL_TRY(collect_known(c, names));
    }
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < len; hash = hash_byte(hash, rest[i++])) {
        if (rest[i] != ':' || !i) continue;
        const chat_name *slot = find_name(names, hash, rest, i);
        if (slot && slot->ptr) {
            *colon = rest + i;
            break;
        }
    }
    return SL_OK;
}

/* ---- names as people see them ------------------------------------------------------------------------------------- */

/* Without what a name does not keep at its ends. */
static sl_str bare(const char *p, const char *end) {
    const char *start = NULL, *stop = p;
    char by;
    for (uint32_t len; p < end; p += len) {
        len = change(p, end, &by);
        int kept = !chat_is_trimmed(len ? by : *p) && (!len || by);
        if (!len) len = 1;
        if (kept && !start) start = p;
        if (kept) stop = p + len;
    }
    return (sl_str){start, start ? (uint32_t)(stop - start) : 0};
}

/* The next byte of a name at *p, or -1. */
static int next_byte(const char **p, const char *end) {
    char by;
    while (*p < end) {
        uint32_t len = change(*p, end, &by);
        int found = (unsigned char)(len ? by : **p);
        *p += len ? len : 1;
        if (!len || by) return found;
    }
    return -1;
}

int sl_chat_is_called(sl_str name, const char *p, const char *end) {
    sl_str other = bare(p, end);
    const char *q = name.ptr, *stop = name.ptr + name.len;
    int a, b;
    p = other.ptr;
    do {
        a = next_byte(&p, other.ptr + other.len);
        b = next_byte(&q, stop);
    } while (a == b && a >= 0);
    return a == b;
}

sl_status sl_chat_find_app(chat *c, chat_names *names, sl_str title) {
    const sl_str app = bare(title.ptr, title.ptr + title.len);
    sl_str other = {NULL, 0};
    size_t others = 0;
    int bracketed = 0;
    for (uint32_t s = 0; s < c->segment_count; s++) {
        uint32_t form = c->segments[s].dialect.bits & CHAT_FORM_FIELD;
        bracketed |= form == CHAT_FORM_BRACKET || form == CHAT_FORM_BRACKET_TIME;
    }
    if (!app.len || !(bracketed || c->any)) return SL_OK;
    for (size_t i = 0; i < c->count; i++) {
        const chat_record *r = &c->records[i];
        const char *name = c->start + r->rest, *colon = r->colon ? c->start + r->colon : NULL;
        size_t len = (size_t)r->colon - r->rest;
        int has_file = (chat_flags(r) & CHAT_MARKED) != 0;
        if (!colon && has_file) {
            SL_TRY(sl_chat_known(c, names, name, chat_end(c, i), &colon));
            len = colon ? (size_t)(colon - name) : 0;
        }
        if (!colon) continue;
        if (len == other.len && !memcmp(name, other.ptr, len)) continue;
        if (others > 1 && !has_file) continue; /* all that is left to know is whether a person has the name */
        if (sl_chat_is_called(app, name, colon)) {
            if (has_file) return SL_OK;
        } else if (others < 2) {
            sl_str found = bare(name, colon);
            others += found.len && !(others && sl_chat_is_called(other, name, colon));
            if (others == 1 && found.len) other = found;
        }
    }
    if (others > 1) c->app = app;
    return SL_OK;
}

/* ---- names that hold a colon and a space -------------------------------------------------------------------------- */

/* What stands before the first ": " of a message, where that could be part of a name: its bytes, or 0. What the app
 * writes of a file, <attached: name>, could not. */
static uint32_t find_prefix(const chat *c, size_t i) {
    const chat_record *r = &c->records[i];
    if (!(chat_flags(r) & CHAT_HAS_COLON)) return 0;
    const char *body = c->start + r->colon + 2, *end = chat_end(c, i);
    const char *p = body;
    while ((p = memchr(p, ':', (size_t)(end - p))) && (p + 1 == end || p[1] != ' ')) p++;
    if (!p || memchr(body, c->lines, (size_t)(p - body)) || memchr(body, '<', (size_t)(p - body))) return 0;
    for (const char *at = body; at < p; at++)
        if (chat_direction(at, p)) return 0;
    return sl_chat_balanced(body, p) ? (uint32_t)(p - body) : 0;
}

/* 1 if the message begins as the first one of its author does. */
static int has_prefix(const chat *c, size_t i, const chat_name *name) {
    const char *body = c->start + c->records[i].colon + 2, *first = name->ptr + name->len + 2;
    return (size_t)(chat_end(c, i) - body) >= name->prefix + 2 && !memcmp(body, first, name->prefix + 2);
}

/* 1 if an address follows the prefix, as in `location: https://maps...`, which many send and nobody is called. */
static int has_address(const chat *c, size_t i, uint32_t prefix) {
    const char *at = c->start + c->records[i].colon + 2 + prefix + 2;
    return chat_end(c, i) - at >= 4 && !memcmp(at, "http", 4);
}

static chat_name *name_of(const chat *c, size_t i, const chat_names *names) {
    const chat_record *r = &c->records[i];
    if (!r->colon) return NULL;
    const char *name = c->start + r->rest;
    size_t len = r->colon - r->rest;
    chat_name *slot = find_name(names, hash_name(name, len), name, len);
    return slot && slot->ptr ? slot : NULL;
}

/* Of most authors one message is enough to see that there is nothing to do, so the messages of those whose messages with
 * a colon all begin alike are looked at until none is left. */
sl_status sl_chat_double_names(chat *c) {
    chat_names names = {NULL, 0, 0, 0};
    size_t alive = 0;
    sl_status status = SL_OK;
    for (size_t i = 0; i < c->count && status == SL_OK; i++) {
        const chat_record *r = &c->records[i];
        uint32_t prefix = r->colon ? find_prefix(c, i) : 0;
        chat_name *slot = NULL;
        if (prefix) status = add_name(&names, c->start + r->rest, r->colon - r->rest, &slot);
        if (!slot) continue;
        if (!slot->count++) slot->prefix = prefix;
        else if (slot->prefix && !has_prefix(c, i, slot)) slot->prefix = 0;
        slot->others += !has_address(c, i, prefix);
    }
    for (size_t i = 0; i < names.capacity; i++) {
        if (names.slots[i].count < 2 || !names.slots[i].others) names.slots[i].prefix = 0;
        alive += names.slots[i].prefix != 0;
    }
    for (size_t i = 0; i < c->count && alive; i++) {
        chat_name *slot = name_of(c, i, &names);
        if (!slot || !slot->prefix || has_prefix(c, i, slot)) continue;
        slot->prefix = 0;
        alive--;
    }
    for (size_t i = 0; i < c->count && alive; i++) {
        chat_name *slot = name_of(c, i, &names);
        if (!slot || !slot->prefix) continue;
        c->records[i].colon += slot->prefix + 2;
        c->records[i].bits &= ~((uint32_t)CHAT_PLAIN << CHAT_SECONDS_BITS);
    }
    free(names.slots);
    return status;
}
