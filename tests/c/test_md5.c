/* test_md5.c - MD5 of many messages: published digests, in every lane and beside messages of other lengths.
 * Contract: the number of messages and their order change no digest.
 * Source: RFC 1321 appendix A.5; a million a is the message that NIST's examples of other hashes have. */
#include "check.h"

#include "kernels/md5.h"

static char million[1000000];
static const struct {
    const char *text;
    size_t len;
    const char *digest;
} KNOWN[] = {
    {"", 0, "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", 1, "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", 3, "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", 14, "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", 26, "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 62, "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890", 80,
     "57edf4a22be3c955ac49da2e2107b67a"},
    {million, sizeof(million), "7707d6ae4e027c70eea2a935c2296f21"},
};
enum { KINDS = sizeof(KNOWN) / sizeof(KNOWN[0]), MOST = 70 };

/* In memory that ends where the padding does. */
static sl_md5_message padded(int kind) {
    size_t size = sl_md5_padded(KNOWN[kind].len);
    uint8_t *message = malloc(size);
    CHECK(message && size % SL_MD5_BLOCK == 0);
    memset(message, 0xFF, size);
    memcpy(message, KNOWN[kind].text, KNOWN[kind].len);
    sl_md5_pad(message, KNOWN[kind].len);
    return (sl_md5_message){message, size / SL_MD5_BLOCK};
}

int main(void) {
    uint64_t scale = check_start("test_md5");
    sl_md5_message known[KINDS], messages[MOST];
    memset(million, 'a', sizeof(million));
    for (int kind = 0; kind < KINDS; kind++) known[kind] = padded(kind);
    for (uint64_t round = 0; round < 200 * scale; round++) {
        int kinds[MOST];
        size_t count = round < KINDS ? 1 : random_below(MOST + 1);
        uint8_t digests[MOST][SL_MD5_DIGEST];
        for (size_t i = 0; i < count; i++) {
            /* The longest is in few rounds: it takes as long as ten thousand of the others. */
            kinds[i] = round < KINDS ? (int)round : (int)random_below(KINDS - (round % 50 != 0));
            messages[i] = known[kinds[i]];
        }
        sl_md5_many(messages, count, digests);
        for (size_t i = 0; i < count; i++) {
            char shown[2 * SL_MD5_DIGEST + 1];
            for (int b = 0; b < SL_MD5_DIGEST; b++) snprintf(shown + 2 * b, 3, "%02x", digests[i][b]);
            check_context = KNOWN[kinds[i]].digest;
            CHECK(strcmp(shown, KNOWN[kinds[i]].digest) == 0);
        }
    }
    for (int kind = 0; kind < KINDS; kind++) free((void *)(uintptr_t)known[kind].ptr);
    return 0;
}
