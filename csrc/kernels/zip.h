/* zip.h - ZIP archives from strangers, in memory: the directory, checked, and members, unpacked.
 * Contract: the rules of streamliner_udf/ingest/safezip.py with its default limits; nothing is read outside of the archive
 * and nothing unpacked that nobody asked for; memory and time are bounded by the limits, whatever the archive says. */
#ifndef SL_ZIP_H
#define SL_ZIP_H

#include "../streamliner.h"

enum {
    SL_ZIP_MEMBERS = 2000,
    SL_ZIP_MEMBER_BYTES = 50 << 20,
    SL_ZIP_TOTAL_BYTES = 500 << 20,
    SL_ZIP_RATIO = 100
};

typedef struct sl_zip_member {
    sl_str name; /* as it stands in the archive */
    uint32_t crc, mode;
    uint16_t flags, method;
    uint64_t packed, size, offset;
    const uint8_t *data;
} sl_zip_member;

typedef struct sl_zip {
    const uint8_t *bytes;
    size_t len;
    uint64_t directory, directory_end, read_bytes;
    sl_zip_member *members;
    uint32_t count;
} sl_zip;

/* Whether bytes begin as an archive does. */
int sl_zip_begins(sl_str bytes);

/* Checks the whole directory. After an error there is nothing to close. */
sl_status sl_zip_open(sl_zip *zip, sl_str bytes, sl_error *error);
void sl_zip_close(sl_zip *zip);

/* A whole member, its length and CRC-32 checked, at the end of `out`. */
sl_status sl_zip_read(sl_zip *zip, const sl_zip_member *member, sl_buf *out, sl_error *error);
/* At most the first `room` bytes of a member, which are all that is unpacked. */
sl_status sl_zip_peek(const sl_zip *zip, const sl_zip_member *member, uint8_t *out, size_t room, size_t *made,
                      sl_error *error);

/* The name for a sentence: cut, and what cannot be shown as \xNN. */
typedef struct sl_zip_name {
    char text[120];
} sl_zip_name;
sl_zip_name sl_zip_show(sl_str name);

#endif
