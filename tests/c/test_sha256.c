/* test_sha256.c - SHA-256 and HMAC: published digests, and the processor's instructions against plain C.
 * Contract: every digest whole, though pseudonyms show only half of it.
 * Source: FIPS 180-4 examples of NIST (abc, 448 bits, 896 bits, a million a); RFC 4231 sections 4.2 to 4.8. */
#include "check.h"

#include "kernels/sha256.h"

static void check_digest(const uint8_t digest[SL_SHA256_SIZE], const char *expected) {
    char shown[2 * SL_SHA256_SIZE + 1];
    for (int i = 0; i < SL_SHA256_SIZE; i++) snprintf(shown + 2 * i, 3, "%02x", digest[i]);
    CHECK(strcmp(shown, expected) == 0);
}

static void check_sha256(const sl_sha256 *sha256, const char *text, size_t len, const char *expected) {
    uint8_t digest[SL_SHA256_SIZE];
    char *copy = exact_copy(text, len);
    sl_sha256_digest(sha256, copy, len, digest);
    check_digest(digest, expected);
    free(copy);
}

static void check_examples(const sl_sha256 *sha256) {
    static char million[1000000];
    memset(million, 'a', sizeof(million));
    check_sha256(sha256, "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256(sha256, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256(sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_sha256(sha256,
                 "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
                 "nopqrstu",
                 112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    check_sha256(sha256, million, sizeof(million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void check_hmac(const sl_sha256 *sha256, const char *key, size_t key_len, const char *text, size_t len,
                       const char *expected) {
    sl_hmac hmac;
    uint8_t digest[SL_SHA256_SIZE];
    sl_hmac_start(&hmac, sha256, key, key_len);
    sl_hmac_digest(&hmac, text, len, digest);
    check_digest(digest, expected);
}

static void check_rfc_4231(const sl_sha256 *sha256) {
    static const char larger[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const char both[] =
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
        "hashed before being used by the HMAC algorithm.";
    char key[131], data[50], counted[25];
    memset(key, 0x0b, 20);
    check_hmac(sha256, key, 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check_hmac(sha256, "Jefe", 4, "what do ya want for nothing?", 28,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    check_hmac(sha256, key, 20, data, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    for (int i = 0; i < 25; i++) counted[i] = (char)(i + 1);
    memset(data, 0xcd, sizeof(data));
    check_hmac(sha256, counted, 25, data, 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    check_hmac(sha256, key, 131, larger, sizeof(larger) - 1,
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    check_hmac(sha256, key, 131, both, sizeof(both) - 1,
               "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    /* Section 4.6 shows 128 bits only, as a pseudonym does. */
    sl_hmac hmac;
    uint8_t digest[SL_SHA256_SIZE];
    memset(key, 0x0c, 20);
    sl_hmac_start(&hmac, sha256, key, 20);
    sl_hmac_digest(&hmac, "Test With Truncation", 20, digest);
    CHECK(memcmp(digest, "\xa3\xb6\x16\x74\x73\x10\x0e\xe0\x6e\x0c\x79\x6c\x29\x55\x55\x2b", 16) == 0);
}

/* Every length around the borders of blocks, of text and of key, from memory of exact size. */
static void check_equal(const sl_sha256 *best) {
    char bytes[300];
    for (uint32_t len = 0; len < sizeof(bytes); len++) {
        for (size_t i = 0; i < len; i++) bytes[i] = (char)random_word();
        char *copy = exact_copy(bytes, len);
        uint8_t digests[2][SL_SHA256_SIZE];
        sl_hmac hmac;
        sl_sha256_digest(&sl_sha256_plain, copy, len, digests[0]);
        sl_sha256_digest(best, copy, len, digests[1]);
        CHECK(memcmp(digests[0], digests[1], SL_SHA256_SIZE) == 0);
        sl_hmac_start(&hmac, &sl_sha256_plain, copy, len);
        sl_hmac_digest(&hmac, copy, len, digests[0]);
        sl_hmac_start(&hmac, best, copy, len);
        sl_hmac_digest(&hmac, copy, len, digests[1]);
        CHECK(memcmp(digests[0], digests[1], SL_SHA256_SIZE) == 0);
        free(copy);
    }
}

int main(void) {
    check_start(__FILE__);
    const sl_sha256 *ways[] = {&sl_sha256_plain, sl_sha256_best()};
    for (int i = 0; i < 2; i++) {
        check_context = i ? "best" : "plain";
        check_examples(ways[i]);
        check_rfc_4231(ways[i]);
    }
    check_equal(ways[1]);
    return 0;
}
