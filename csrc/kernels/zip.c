/* zip.c - ZIP archives: the directory, checked, and members, unpacked.
 * Contract: as in zip.h. Source: PKWARE's APPNOTE.TXT 6.3.10; why each rule is there stands beside the same rule in
 * streamliner_udf/ingest/safezip.py. */
#include "zip.h"

#include <stdlib.h>

#include "inflate.h"
#include "utf8.h"

enum {
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    WIDE_END_SIZE = 56,
    WIDE_PLACE_SIZE = 20,
    ONES_16 = 0xFFFF,
    ENCRYPTED = 0x2041,
    PATCH = 0x20,
    UTF8 = 0x800,
    STORED = 0,
    DEFLATED = 8,
    WIDE_EXTRA = 1,
    KIND_FIELD = 0170000,
    KIND_FILE = 0100000
};
#define ONES_32 UINT32_C(0xFFFFFFFF)

static uint32_t get_16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t get_32(const uint8_t *p) { return get_16(p) | get_16(p + 2) << 16; }
static uint64_t get_64(const uint8_t *p) { return get_32(p) | (uint64_t)get_32(p + 4) << 32; }
static int is_at(const uint8_t *p, char a, char b) { return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b; }

#define BROKEN(...) sl_error_set(error, "expected a ZIP archive, got a broken one: " __VA_ARGS__)

/* ---- names ------------------------------------------------------------------------------------------------------- */

sl_zip_name sl_zip_show(sl_str name) {
    static const char digits[] = "0123456789abcdef";
    sl_zip_name shown;
    size_t used = 0;
    for (uint32_t i = 0; i < name.len;) {
        uint32_t some = 1;
        unsigned char c = (unsigned char)name.ptr[i];
        if (used > sizeof(shown.text) - 8) {
            memcpy(shown.text + used, "...", 3);
            used += 3;
            break;
        }
        if (c >= 0x80) {
            while (some < 4 && i + some < name.len && ((unsigned char)name.ptr[i + some] & 0xC0) == 0x80) some++;
            while (some > 1 && !sl_utf8_valid(name.ptr + i, some)) some--;
            /* C1 controls are two bytes of UTF-8. */
            if (some == 2 && c == 0xC2 && (unsigned char)name.ptr[i + 1] < 0xA0) some = 1;
        }
        if (some > 1 || (c >= 0x20 && c < 0x7F && c != '\\' && c != '\'')) {
            memcpy(shown.text + used, name.ptr + i, some);
            used += some;
        } else {
            memcpy(shown.text + used, "\\x", 2);
            shown.text[used + 2] = digits[c >> 4];
            shown.text[used + 3] = digits[c & 15];
            used += 4;
        }
        i += some;
    }
    shown.text[used] = 0;
    return shown;
}

static sl_status refuse(const sl_zip_member *member, sl_error *error, const char *reason) {
    return sl_error_set(error, "expected '%s' in the ZIP archive to be a plain file, %s", sl_zip_show(member->name).text,
                        reason);
}

static int is_slash(char c) { return c == '/' || c == '\\'; }

static int leaves(sl_str name) {
    char first = name.len ? (char)(name.ptr[0] | 32) : 0;
    if (name.len && is_slash(name.ptr[0])) return 1;
    if (name.len > 1 && first >= 'a' && first <= 'z' && name.ptr[1] == ':') return 1;
    for (uint32_t start = 0; start < name.len;) {
        uint32_t stop = start, end;
        while (stop < name.len && !is_slash(name.ptr[stop])) stop++;
        for (end = stop; end > start && name.ptr[end - 1] == ' '; end--) {}
        if (end - start == 2 && name.ptr[start] == '.' && name.ptr[start + 1] == '.') return 1;
        start = stop + 1;
    }
    return 0;
}

static int has_control(sl_str name, int is_utf8) {
    for (uint32_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x20 || c == 0x7F) return 1;
        if (is_utf8 && c == 0xC2 && (unsigned char)name.ptr[i + 1] < 0xA0) return 1;
    }
    return 0;
}

static sl_status check_name(const sl_zip_member *member, sl_error *error) {
    sl_str name = member->name;
    int is_utf8 = sl_utf8_valid(name.ptr, name.len);
    if (!is_utf8 && member->flags & UTF8)
        return BROKEN("the name '%s' is not the UTF-8 that it says it is", sl_zip_show(name).text);
    if (leaves(name))
        return sl_error_set(error, "expected the names in the ZIP archive to stay inside of it, got '%s'",
                            sl_zip_show(name).text);
    if (!name.len) return refuse(member, error, "got no name");
    return has_control(name, is_utf8) ? refuse(member, error, "got a name with control characters") : SL_OK;
}

/* ---- the directory ----------------------------------------------------------------------------------------------- */

int sl_zip_begins(sl_str bytes) {
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    return bytes.len >= 4 && (is_at(p, 3, 4) || is_at(p, 5, 6) || is_at(p, 7, 8));
}

/* Where the record stands that ends at the end of the archive. */
static sl_status find_end(const sl_zip *zip, size_t *end, sl_error *error) {
    size_t last = 0, least = zip->len > END_SIZE + ONES_16 ? zip->len - END_SIZE - ONES_16 : 0;
    for (size_t at = zip->len; at-- > least;) {
        if (zip->len - at < 4 || !is_at(zip->bytes + at, 5, 6)) continue;
        int is_last = !last;
        last = at + 1;
        if (zip->len - at < END_SIZE) continue;
        size_t stop = at + END_SIZE + get_16(zip->bytes + at + 20);
        if (stop == zip->len) {
            *end = at;
            return SL_OK;
        }
        if (is_last && stop < zip->len) return BROKEN("%zu bytes follow its end", zip->len - stop);
    }
    return BROKEN("it has no end; was it cut off?");
}

static sl_status find_directory(sl_zip *zip, uint64_t *count, sl_error *error) {
    static const uint8_t widths[] = {2, 2, 2, 2, 4, 4};
    size_t end = 0;
    SL_TRY(find_end(zip, &end, error));
    /* Disk, disk of the directory, entries on this disk, entries, size, place. */
    uint64_t fields[6];
    const uint8_t *p = zip->bytes + end + 4;
    for (int i = 0; i < 6; p += widths[i++]) fields[i] = widths[i] == 2 ? get_16(p) : get_32(p);
    if (end >= WIDE_PLACE_SIZE && is_at(zip->bytes + end - WIDE_PLACE_SIZE, 6, 7)) {
        end -= WIDE_PLACE_SIZE;
        const uint8_t *place = zip->bytes + end;
        uint64_t at = get_64(place + 8);
        if (get_32(place + 4) || end < WIDE_END_SIZE || at > end - WIDE_END_SIZE ||
            !is_at(zip->bytes + at, 6, 6) || get_64(zip->bytes + at + 4) != end - at - 12)
            return BROKEN("its ZIP64 record is not where it says");
        p = zip->bytes + at + 16;
        for (int i = 0; i < 6; i++) {
            uint64_t wide = i < 2 ? get_32(p + 4 * i) : get_64(p + 8 + 8 * (i - 2));
            if (fields[i] != wide && fields[i] != (widths[i] == 2 ? ONES_16 : ONES_32))
                return BROKEN("its two ends say different things");
            fields[i] = wide;
        }
        end = (size_t)at;
    }
    if (fields[0] || fields[1] || fields[2] != fields[3]) return BROKEN("it is one part of several");
    if (fields[5] > end || fields[4] != end - fields[5]) return BROKEN("its directory is not where it says");
    if (fields[3] > SL_ZIP_MEMBERS)
        return sl_error_set(error, "expected a ZIP archive of at most %d members, got %llu", SL_ZIP_MEMBERS,
                            (unsigned long long)fields[3]);
    zip->directory = fields[5];
    zip->directory_end = end;
    *count = fields[3];
    return SL_OK;
}

/* Sizes and place of a member that do not fit 32 bits. */
static sl_status widen(sl_zip_member *member, const uint8_t *extra, uint32_t len, sl_error *error) {
    uint64_t *fields[3] = {&member->size, &member->packed, &member->offset};
    const uint8_t *wide = NULL;
    uint32_t left = 0;
    for (uint32_t at = 0; at + 4 <= len; at += 4 + get_16(extra + at + 2)) {
        if (get_16(extra + at) != WIDE_EXTRA) continue;
        wide = extra + at + 4;
        left = get_16(extra + at + 2);
        if (left > len - at - 4) left = len - at - 4;
        break;
    }
    for (int i = 0; i < 3; i++) {
        if (*fields[i] != ONES_32) continue;
        if (left < 8) return refuse(member, error, "got no size or place for it");
        *fields[i] = get_64(wide);
        wide += 8;
        left -= 8;
    }
    return SL_OK;
}

static sl_status read_directory(sl_zip *zip, uint64_t count, sl_error *error) {
    uint64_t place = zip->directory;
    for (; zip->count < count; zip->count++) {
        const uint8_t *p = zip->bytes + place;
        if (zip->directory_end - place < ENTRY_SIZE || !is_at(p, 1, 2))
            return BROKEN("its directory ends after %u of %u members", zip->count, (uint32_t)count);
        uint32_t name_len = get_16(p + 28), extra_len = get_16(p + 30), comment_len = get_16(p + 32), disk = get_16(p + 34);
        place += ENTRY_SIZE;
        if (zip->directory_end - place < (uint64_t)name_len + extra_len + comment_len)
            return BROKEN("its directory ends within member %u", zip->count + 1);
        sl_zip_member *member = &zip->members[zip->count];
        *member = (sl_zip_member){.name = {(const char *)p + ENTRY_SIZE, name_len},
                                  .crc = get_32(p + 16),
                                  .mode = get_32(p + 38) >> 16,
                                  .flags = (uint16_t)get_16(p + 8),
                                  .method = (uint16_t)get_16(p + 10),
                                  .packed = get_32(p + 20),
                                  .size = get_32(p + 24),
                                  .offset = get_32(p + 42)};
        SL_TRY(check_name(member, error));
        SL_TRY(widen(member, p + ENTRY_SIZE + name_len, extra_len, error));
        if (disk && disk != ONES_16) return BROKEN("it is one part of several");
        place += (uint64_t)name_len + extra_len + comment_len;
    }
    return place == zip->directory_end ? SL_OK : BROKEN("its directory goes on after %u members", zip->count);
}

static int by_offset(const void *a, const void *b) {
    const sl_zip_member *const *left = a, *const *right = b;
    return ((*left)->offset > (*right)->offset) - ((*left)->offset < (*right)->offset);
}

/* Where the data of each member begin, and that no two share a byte. */
static sl_status check_layout(sl_zip *zip, sl_error *error) {
    const sl_zip_member **sorted = malloc((zip->count + 1) * sizeof(*sorted));
    if (!sorted) return SL_ENOMEM;
    sl_status status = SL_OK;
    for (uint32_t i = 0; i < zip->count && status == SL_OK; i++) {
        sl_zip_member *member = &zip->members[i];
        const uint8_t *p = zip->bytes + member->offset;
        uint64_t room = member->offset < zip->directory ? zip->directory - member->offset : 0, name_len = 0, header = 0;
        if (room >= LOCAL_SIZE) {
            name_len = get_16(p + 26);
            header = LOCAL_SIZE + name_len + get_16(p + 28);
        }
        if (room < LOCAL_SIZE || !is_at(p, 3, 4) || header > room)
            status = refuse(member, error, "got none at its place in the archive");
        else if (name_len != member->name.len || memcmp(p + LOCAL_SIZE, member->name.ptr, name_len) != 0)
            status = refuse(member, error, "got another name at its place in the archive");
        else if (member->packed > room - header)
            status = refuse(member, error, "got one that overlaps another");
        else
            member->data = p + header;
        sorted[i] = member;
    }
    if (status == SL_OK) qsort(sorted, zip->count, sizeof(*sorted), by_offset);
    for (uint32_t i = 1; i < zip->count && status == SL_OK; i++)
        if (sorted[i - 1]->data + sorted[i - 1]->packed > zip->bytes + sorted[i]->offset)
            status = refuse(sorted[i - 1], error, "got one that overlaps another");
    free(sorted);
    return status;
}

sl_status sl_zip_open(sl_zip *zip, sl_str bytes, sl_error *error) {
    *zip = (sl_zip){.bytes = (const uint8_t *)bytes.ptr, .len = bytes.len};
    uint64_t count = 0;
    if (!sl_zip_begins(bytes)) return BROKEN("it begins with something else");
    SL_TRY(find_directory(zip, &count, error));
    zip->members = malloc((count + 1) * sizeof(*zip->members));
    if (!zip->members) return SL_ENOMEM;
    sl_status status = read_directory(zip, count, error);
    if (status == SL_OK) status = check_layout(zip, error);
    if (status != SL_OK) sl_zip_close(zip);
    return status;
}

void sl_zip_close(sl_zip *zip) {
    free(zip->members);
    zip->members = NULL;
    zip->count = 0;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c; }

/* Without regard to the case of ASCII letters. */
static int is_same_name(sl_str a, sl_str b) {
    if (a.len != b.len) return 0;
    for (uint32_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i])) return 0;
    return 1;
}

static sl_status check_member(const sl_zip *zip, const sl_zip_member *member, sl_error *error) {
    uint32_t kind = member->mode & KIND_FIELD;
    for (uint32_t i = 0; i < zip->count; i++)
        if (&zip->members[i] != member && is_same_name(zip->members[i].name, member->name))
            return refuse(member, error, "got several members of that name");
    if (member->flags & ENCRYPTED)
        return refuse(member, error, "got an encrypted one; export the chat without a password");
    if (member->flags & PATCH) return refuse(member, error, "got a patch for another file");
    if (member->method != STORED && member->method != DEFLATED)
        return sl_error_set(error,
                            "expected '%s' in the ZIP archive to be a plain file, got compression method %u, neither "
                            "stored nor deflate",
                            sl_zip_show(member->name).text, member->method);
    if ((kind && kind != KIND_FILE) || member->name.ptr[member->name.len - 1] == '/')
        return refuse(member, error, "got a link, a folder or a device");
    if (member->method == STORED && member->packed != member->size)
        return refuse(member, error, "got two sizes for a member that is not packed");
    if (member->size > SL_ZIP_MEMBER_BYTES)
        return sl_error_set(error, "expected '%s' in the ZIP archive to have at most %d bytes, got %llu",
                            sl_zip_show(member->name).text, SL_ZIP_MEMBER_BYTES, (unsigned long long)member->size);
    if (zip->read_bytes + member->size > SL_ZIP_TOTAL_BYTES)
        return sl_error_set(error, "expected the members of the ZIP archive to have %d bytes or fewer, got %llu",
                            SL_ZIP_TOTAL_BYTES, (unsigned long long)(zip->read_bytes + member->size));
    if (member->packed && member->size > SL_ZIP_RATIO * member->packed)
        return sl_error_set(error, "expected '%s' in the ZIP archive to be packed at most %d:1, got %llu:1",
                            sl_zip_show(member->name).text, SL_ZIP_RATIO,
                            (unsigned long long)(member->size / member->packed));
    return SL_OK;
}

static sl_inflated unpack(const sl_zip_member *member, uint8_t *out, size_t room, size_t *made) {
    if (!member->size && !member->packed) {
        *made = 0;
        return SL_INFLATED;
    }
    if (member->method == DEFLATED) return sl_inflate(member->data, (size_t)member->packed, out, room, made);
    *made = member->size < room ? (size_t)member->size : room;
    if (*made) memcpy(out, member->data, *made);
    return *made < member->size ? SL_INFLATED_FULL : SL_INFLATED;
}

static sl_status check_unpacked(const sl_zip_member *member, sl_inflated result, sl_error *error) {
    if (result == SL_INFLATED_CUT) return refuse(member, error, "got packed data without an end");
    if (result == SL_INFLATED_BROKEN) return refuse(member, error, "got data that cannot be unpacked");
    return SL_OK;
}

sl_status sl_zip_read(sl_zip *zip, const sl_zip_member *member, sl_buf *out, sl_error *error) {
    SL_TRY(check_member(zip, member, error));
    SL_TRY(sl_buf_reserve(out, (size_t)member->size + 1));
    size_t made = 0;
    sl_inflated result = unpack(member, (uint8_t *)out->ptr + out->len, (size_t)member->size, &made);
    SL_TRY(check_unpacked(member, result, error));
    if (result == SL_INFLATED_FULL)
        return sl_error_set(error,
                            "expected '%s' in the ZIP archive to be a plain file, got more bytes than the %llu"
                            " that the directory says",
                            sl_zip_show(member->name).text, (unsigned long long)member->size);
    if (made != member->size)
        return sl_error_set(error,
                            "expected '%s' in the ZIP archive to be a plain file, got %zu bytes where the directory "
                            "says %llu",
                            sl_zip_show(member->name).text, made, (unsigned long long)member->size);
    if (sl_crc32((const uint8_t *)out->ptr + out->len, made) != member->crc)
        return refuse(member, error, "got a wrong CRC-32 checksum");
    zip->read_bytes += made;
    out->len += made;
    return SL_OK;
}

sl_status sl_zip_peek(const sl_zip *zip, const sl_zip_member *member, uint8_t *out, size_t room, size_t *made,
                      sl_error *error) {
    SL_TRY(check_member(zip, member, error));
    /* No more than there may be, so that data which go on behind their end are seen to here as well. */
    size_t most = member->size < room ? (size_t)member->size : room;
    sl_inflated result = unpack(member, out, most, made);
    if (result == SL_INFLATED_FULL && most < room)
        return sl_error_set(error,
                            "expected '%s' in the ZIP archive to be a plain file, got more bytes than the %llu"
                            " that the directory says",
                            sl_zip_show(member->name).text, (unsigned long long)member->size);
    return check_unpacked(member, result, error);
}
