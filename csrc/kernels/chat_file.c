/* chat_file.c - the text of a chat export out of the bytes of its file: UTF-8, UTF-16, or a ZIP archive.
 * Contract: the text is valid UTF-8 and lies in `bytes` or in `out`; of an archive one member is unpacked, and the beginnings
 * of those before it. Which one it is: streamliner_udf/ingest/whatsapp.py, read_export. */
#include "chat_file.h"

#include <stdlib.h>

#include "utf8.h"
#include "zip.h"

enum { SAMPLE = 1 << 16, COLUMNS_MAX = 16 };
#define EXAMPLE "'05/03/2024, 09:15 - Ana: hi' or '[05/03/2024, 09:15:20] Ana: hi'"

/* ---- encodings --------------------------------------------------------------------------------------------------- */

sl_status sl_utf16_decode(const uint8_t *bytes, size_t len, int big_endian, sl_buf *out, size_t *bad) {
    /* A unit is at most three bytes of UTF-8, and so is an odd byte at the end. */
    SL_TRY(sl_buf_reserve(out, len / 2 * 3 + 3));
    const uint8_t *high = bytes + !big_endian, *low = bytes + (big_endian != 0);
    char *to = out->ptr + out->len;
    *bad = SIZE_MAX;
    for (size_t at = 0; at < len;) {
        uint32_t point = 0xFFFD, units = 1;
        if (at + 1 < len) {
            uint32_t unit = (uint32_t)(high[at] << 8 | low[at]), next = 0;
            if (unit < 0xD800 || unit > 0xDFFF) {
                point = unit;
            } else if (unit < 0xDC00 && at + 3 < len) {
                next = (uint32_t)(high[at + 2] << 8 | low[at + 2]);
                if (next >= 0xDC00 && next <= 0xDFFF) {
                    point = 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00);
                    units = 2;
                }
            }
            if (point == 0xFFFD && unit != 0xFFFD && *bad == SIZE_MAX) *bad = at;
        } else if (*bad == SIZE_MAX) {
            *bad = at;
        }
        to += sl_utf8_put(to, point);
        at += 2 * units;
    }
    out->len = (size_t)(to - out->ptr);
    return SL_OK;
}

typedef enum encoding { ENCODING_UTF8, ENCODING_MARKED, ENCODING_LITTLE, ENCODING_BIG } encoding;

static encoding find_encoding(const uint8_t *p, size_t len) {
    if (len >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF) return ENCODING_MARKED;
    if (len >= 2 && p[0] == 0xFF && p[1] == 0xFE) return ENCODING_LITTLE;
    return len >= 2 && p[0] == 0xFE && p[1] == 0xFF ? ENCODING_BIG : ENCODING_UTF8;
}

int sl_chat_plain(sl_str bytes, sl_str *text) {
    encoding found = find_encoding((const uint8_t *)bytes.ptr, bytes.len);
    uint32_t mark = found == ENCODING_MARKED ? 3 : 0;
    *text = (sl_str){bytes.ptr + mark, bytes.len - mark};
    return found <= ENCODING_MARKED && !sl_zip_begins(bytes);
}

/* Where the first invalid bytes are. */
static size_t first_invalid(const char *ptr, size_t len) {
    enum { STEP = 1 << 16 };
    size_t at = 0;
    for (size_t stop = at + STEP; stop < len; stop = at + STEP) {
        while ((ptr[stop] & 0xC0) == 0x80 && stop > at + STEP - 4) stop--;
        if (!sl_utf8_valid(ptr + at, stop - at)) break;
        at = stop;
    }
    while (at < len) {
        uint32_t some = 1;
        while (some < 4 && at + some < len && (ptr[at + some] & 0xC0) == 0x80) some++;
        if (!sl_utf8_valid(ptr + at, some)) break;
        at += some;
    }
    return at;
}

/* The text of bytes that are no archive. */
static sl_status read_text(sl_str bytes, sl_buf *out, sl_str *text, sl_error *error) {
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    encoding found = find_encoding(p, bytes.len);
    if (found <= ENCODING_MARKED) {
        uint32_t mark = found == ENCODING_MARKED ? 3 : 0;
        *text = (sl_str){bytes.ptr + mark, bytes.len - mark};
        if (SL_LIKELY(sl_utf8_valid(text->ptr, text->len))) return SL_OK;
        (void)sl_error_set(error,
                           "expected valid UTF-8, UTF-16 with a byte order mark or a ZIP archive, got invalid bytes at %zu",
                           first_invalid(text->ptr, text->len) + mark);
        return SL_EUTF8;
    }
    size_t start = out->len, bad = 0;
    SL_TRY(sl_utf16_decode(p + 2, bytes.len - 2, found == ENCODING_BIG, out, &bad));
    if (bad != SIZE_MAX) {
        (void)sl_error_set(error, "expected valid UTF-16 after its byte order mark, got invalid bytes at %zu", bad + 2);
        return SL_EUTF8;
    }
    if (out->len - start > SL_TEXT_MAX) return SL_ERANGE;
    *text = (sl_str){out->ptr + start, (uint32_t)(out->len - start)};
    return SL_OK;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* The second row is not needed. */
static sl_status stop(sl_rows *rows) {
    (void)rows;
    return SL_ENOMEM;
}

/* Whether the beginning of a text, which may end within a character, holds a message. */
static sl_status has_message(const char *ptr, size_t len, int *found) {
    sl_cell cells[COLUMNS_MAX];
    sl_rows rows = {.cells = cells, .columns = COLUMNS_MAX, .capacity = 1, .flush = stop};
    sl_value none = {.type = SL_TYPE_TEXT, .text = SL_STR("")};
    sl_options options = {{0}, NULL, NULL};
    sl_error error;
    SL_TRY(sl_prepare_whatsapp(&none, &options, &error));
    sl_status status = sl_parse_whatsapp((sl_str){ptr, (uint32_t)len}, &options, &rows);
    if (options.release) options.release(options.object);
    sl_rows_free(&rows);
    *found = rows.count > 0;
    return *found ? SL_OK : status; /* with a message there it was stopped on purpose */
}

static sl_status sample_has_message(const uint8_t *bytes, size_t len, int *found) {
    encoding kind = find_encoding(bytes, len);
    *found = 0;
    if (kind <= ENCODING_MARKED) return has_message((const char *)bytes, len, found);
    sl_buf text = SL_BUF_HEAP;
    size_t bad = 0;
    sl_status status = sl_utf16_decode(bytes + 2, len - 2, kind == ENCODING_BIG, &text, &bad);
    if (status == SL_OK) status = has_message(text.ptr, text.len, found);
    sl_buf_free(&text);
    return status;
}

/* ---- archives ---------------------------------------------------------------------------------------------------- */

static int is_slash(char c) { return c == '/' || c == '\\'; }

static int is_like(const char *ptr, const char *word, size_t len) {
    for (size_t i = 0; i < len; i++)
        if ((ptr[i] >= 'A' && ptr[i] <= 'Z' ? ptr[i] | 32 : ptr[i]) != word[i]) return 0;
    return 1;
}

/* 0 for `_chat.txt`, 1 for a text with WhatsApp in its path, 2 for another text; 3 for what cannot be a chat. */
static int rank(sl_str name) {
    uint32_t len = name.len, start;
    if (len && name.ptr[len - 1] == '/') return 3;
    while (len && is_slash(name.ptr[len - 1])) len--;
    for (start = len; start && !is_slash(name.ptr[start - 1]);) start--;
    for (uint32_t at = 0; at < start; at++) {
        static const char folder[] = "__MACOSX";
        if ((!at || is_slash(name.ptr[at - 1])) && start - at > 8 && !memcmp(name.ptr + at, folder, 8) &&
            is_slash(name.ptr[at + 8]))
            return 3;
    }
    const char *own = name.ptr + start;
    len -= start;
    if (len < 5 || *own == '.' || !is_like(own + len - 4, ".txt", 4)) return 3;
    if (len == 9 && !memcmp(own, "_chat.txt", 9)) return 0;
    for (uint32_t at = 0; at + 8 <= name.len; at++)
        if (is_like(name.ptr + at, "whatsapp", 8)) return 1;
    return 2;
}

static int by_rank(const void *a, const void *b) {
    const sl_zip_member *left = *(const sl_zip_member *const *)a, *right = *(const sl_zip_member *const *)b;
    int order = rank(left->name) - rank(right->name);
    if (order) return order;
    if (left->size != right->size) return left->size < right->size ? 1 : -1;
    uint32_t len = left->name.len < right->name.len ? left->name.len : right->name.len;
    order = memcmp(left->name.ptr, right->name.ptr, len);
    if (order) return order;
    return (left->name.len > right->name.len) - (left->name.len < right->name.len);
}

/* The likeliest member with a message in its beginning; NULL, and why, if there is none. */
static sl_status choose(const sl_zip *zip, const sl_zip_member **candidates, uint8_t *sample,
                        const sl_zip_member **chosen, sl_error *error) {
    uint32_t count = 0, files = 0;
    sl_error refused = {{0}};
    *chosen = NULL;
    for (uint32_t i = 0; i < zip->count; i++) {
        sl_str name = zip->members[i].name;
        files += name.ptr[name.len - 1] != '/';
        if (rank(name) < 3) candidates[count++] = &zip->members[i];
    }
    if (count) qsort(candidates, count, sizeof(*candidates), by_rank);
    for (uint32_t i = 0; i < count; i++) {
        size_t made = 0;
        sl_error why = {{0}};
        sl_status status = sl_zip_peek(zip, candidates[i], sample, SAMPLE, &made, &why);
        if (status == SL_ENOMEM) return status;
        /* What is an archive itself is not opened, and no text either. */
        int nested = status == SL_OK && sl_zip_begins((sl_str){(const char *)sample, (uint32_t)made});
        int found = 0;
        /* For want of memory nothing is known of it, and the next one may be the wrong one. */
        if (status == SL_OK && !nested && sample_has_message(sample, made, &found) == SL_ENOMEM) return SL_ENOMEM;
        if (found) {
            *chosen = candidates[i];
            return SL_OK;
        }
        if (status != SL_OK && !refused.text[0]) refused = why;
    }
    if (refused.text[0]) {
        *error = refused;
        return SL_EARG;
    }
    if (count)
        return sl_error_set(error, "expected the ZIP archive to hold a .txt with messages like %s, got none in '%s'",
                            EXAMPLE, sl_zip_show(candidates[0]->name).text);
    return sl_error_set(error, "expected the ZIP archive to hold a .txt with messages like %s, got %u files and no .txt",
                        EXAMPLE, files);
}

static sl_status read_archive(sl_zip *zip, sl_buf *out, sl_str *text, sl_error *error) {
    const sl_zip_member **candidates = malloc((zip->count + 1) * sizeof(*candidates)), *chosen = NULL;
    uint8_t *sample = malloc(SAMPLE);
    sl_status status = candidates && sample ? choose(zip, candidates, sample, &chosen, error) : SL_ENOMEM;
    free(candidates);
    free(sample);
    if (status != SL_OK) return status;
    sl_buf member = SL_BUF_HEAP;
    status = sl_zip_read(zip, chosen, &member, error);
    if (status == SL_OK) {
        /* Most members are UTF-8 already, and stay where they are. */
        status = read_text((sl_str){member.ptr, (uint32_t)member.len}, out, text, error);
        if (status == SL_OK && find_encoding((const uint8_t *)member.ptr, member.len) <= ENCODING_MARKED) {
            sl_buf_free(out);
            *out = member;
            return SL_OK;
        }
        if (status == SL_EUTF8) {
            sl_error why = *error;
            (void)sl_error_set(error, "%.150s in '%s'", why.text, sl_zip_show(chosen->name).text);
        }
    }
    sl_buf_free(&member);
    return status;
}

sl_status sl_open_whatsapp(sl_str bytes, sl_buf *out, sl_str *text, sl_error *error) {
    if (!sl_zip_begins(bytes)) return read_text(bytes, out, text, error);
    sl_zip zip;
    SL_TRY(sl_zip_open(&zip, bytes, error));
    sl_status status = read_archive(&zip, out, text, error);
    sl_zip_close(&zip);
    return status;
}
