/* chat_file.h - the text of a chat export out of the bytes of its file. */
#ifndef SL_CHAT_FILE_H
#define SL_CHAT_FILE_H

#include "../streamliner.h"

/* UTF-16 as UTF-8 at the end of `out`. A half of a pair alone becomes U+FFFD and, with `bad`, its place is told there, or
 * SIZE_MAX where there is none. */
sl_status sl_utf16_decode(const uint8_t *bytes, size_t len, int big_endian, sl_buf *out, size_t *bad);

/* 1 if the bytes are neither an archive nor UTF-16: then `text` is what stands in them, behind its mark. */
int sl_chat_plain(sl_str bytes, sl_str *text);

#endif
