/* pii_rules.c - every kind but phone: shapes, check digits and checksums.
 * Contract: each rule is given a place and reads a bounded number of characters around it.
 * Source: ISO/IEC 7812-1 (Luhn), ISO 13616-1 (IBAN), RFC 4291 (IPv6), FIPS 180-4, BIP 173 and BIP 350 (bech32). */
#include "pii.h"

int pii_groups(const pii_view *view, size_t start, pii_group groups[PII_GROUPS]) {
    int count = 0;
    size_t i = start;
    while (count < PII_GROUPS) {
        unsigned c = pii_at(view, i);
        char gap = 0, open = 0;
        if (count && (c == ' ' || c == '.' || c == '/' || c == '-')) {
            gap = (char)c;
            c = pii_at(view, ++i);
            if (gap == ' ' && c == ' ') {
                gap = PII_WIDE_SPACE;
                c = pii_at(view, ++i);
            } else if (gap == ' ' && c == '-' && pii_at(view, i + 1) == ' ') {
                gap = PII_WIDE_DASH;
                c = pii_at(view, i += 2);
            }
        }
        if (c == '(') {
            open = 1;
            i++;
        } else if (count && !gap && !groups[count - 1].open) {
            break;
        }
        size_t first = i;
        while (i - first <= PII_RUN_MAX && pii_is(view, i, PII_IS_DIGIT)) i++;
        if (i == first) break;
        if (open && (i - first > PII_RUN_MAX || pii_at(view, i) != ')')) break;
        groups[count++] = (pii_group){first, (uint32_t)(i - first), gap, open};
        if (i - first > PII_RUN_MAX) break;
        i += (size_t)open;
    }
    return count;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

/* 1 if the groups begin with these lengths and gaps: "4-4-4" wants the gap '-' twice. Where `gap` is not 0 it stands
 * for every '?'. */
static int has_shape(const pii_group *groups, int count, const char *shape, char gap) {
    int i = 0;
    for (;; i++, shape += 2) {
        if (i == count || groups[i].open || groups[i].len != (uint32_t)(shape[0] - '0')) return 0;
        if (!shape[1]) return 1;
        if (i + 1 == count || groups[i + 1].gap != (shape[1] == '?' ? gap : shape[1])) return 0;
    }
}

static size_t end_of(const pii_view *view, const pii_group *groups, int count) {
    size_t stop = groups[count - 1].start + groups[count - 1].len;
    return pii_number_after(view, stop) ? stop : 0;
}

/* Digits of the first `count` groups as values. */
static int values_of(const pii_view *view, const pii_group *groups, int count, unsigned char *out) {
    int len = 0;
    for (int i = 0; i < count; i++)
        for (uint32_t j = 0; j < groups[i].len; j++) out[len++] = view->text[groups[i].start + j] - '0';
    return len;
}

/* The two check digits of CPF and CNPJ: weights count down to 2, and begin again at `top`. */
static int has_check_digits(const unsigned char *values, int len, int top) {
    int equal = 1;
    for (int i = 1; i < len; i++) equal &= values[i] == values[0];
    if (equal) return 0;
    for (int size = len - 2; size < len; size++) {
        int sum = 0, weight = 2;
        for (int i = size - 1; i >= 0; i--) {
            sum += values[i] * weight;
            weight = weight == top ? 2 : weight + 1;
        }
        int rest = sum % 11;
        if (values[size] != (rest < 2 ? 0 : 11 - rest)) return 0;
    }
    return 1;
}

static int is_card(const unsigned char *values, int len) {
    enum { ANY = 0xFE000, ANY12 = 0xFF000 }; /* 13 to 19, 12 to 19 */
    static const struct {
        uint16_t low, high;
        uint32_t lengths;
    } issuers[] = {{1800, 1800, 1u << 15}, {2131, 2131, 1u << 15}, {2200, 2205, 1u << 16}, {2221, 2720, 1u << 16},
                   {3000, 3059, 1u << 14 | 1u << 16}, {3095, 3095, 1u << 14 | 1u << 16}, {3400, 3499, 1u << 15},
                   {3500, 3599, 1u << 16 | 1u << 19}, {3600, 3699, 1u << 14 | 1u << 16 | 1u << 19},
                   {3700, 3799, 1u << 15}, {3800, 3999, 1u << 14 | 1u << 16 | 1u << 19},
                   {4000, 4999, 1u << 13 | 1u << 16 | 1u << 19}, {5000, 5099, ANY}, {5018, 5018, ANY12},
                   {5020, 5020, ANY12}, {5038, 5038, ANY12}, {5100, 5599, 1u << 16}, {5600, 5899, ANY12},
                   {6000, 6999, ANY}, {6304, 6304, ANY12}, {6390, 6390, ANY12}, {6759, 6763, ANY12},
                   {8100, 8299, 1u << 16}, {8600, 8600, 1u << 16}, {9792, 9792, 1u << 16}, {9860, 9860, 1u << 16}};
    int issuer = values[0] * 1000 + values[1] * 100 + values[2] * 10 + values[3], known = 0;
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++)
        known |= issuer >= issuers[i].low && issuer <= issuers[i].high && issuers[i].lengths >> len & 1;
    if (!known) return 0;
    int sum = 0;
    for (int i = 0; i < len; i++) {
        int value = values[len - 1 - i];
        if (i & 1) value = value > 4 ? 2 * value - 9 : 2 * value;
        sum += value;
    }
    return sum % 10 == 0;
}

size_t pii_card(const pii_view *view, const pii_group *groups, int count) {
    static const char *const shapes[] = {"4?4?4?4?3", "4?4?4?4", "4?6?5", "4?6?4"};
    unsigned char values[PII_GROUPS * (PII_RUN_MAX + 1)];
    char gap = count > 1 ? groups[1].gap : 0;
    if (gap == ' ' || gap == '-')
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            if (!has_shape(groups, count, shapes[i], gap)) continue;
            int used = (int)(strlen(shapes[i]) + 1) / 2;
            size_t stop = end_of(view, groups, used);
            if (stop && is_card(values, values_of(view, groups, used, values))) return stop;
        }
    if (groups[0].open || groups[0].len < 12 || groups[0].len > 19) return 0;
    size_t stop = end_of(view, groups, 1);
    if (!stop || !is_card(values, values_of(view, groups, 1, values))) return 0;
    return groups[0].len == 14 && has_check_digits(values, 14, 9) ? 0 : stop; /* a CNPJ: two digits weigh more than one */
}

size_t pii_ssn(const pii_view *view, const pii_group *groups, int count) {
    char gap = count > 1 ? groups[1].gap : 0;
    if ((gap != ' ' && gap != '-') || !has_shape(groups, count, "3?2?4", gap)) return 0;
    unsigned char v[9];
    values_of(view, groups, 3, v);
    int area = v[0] * 100 + v[1] * 10 + v[2];
    if (area == 0 || area == 666 || v[0] == 9 || v[3] + v[4] == 0 || v[5] + v[6] + v[7] + v[8] == 0) return 0;
    return end_of(view, groups, 3);
}

int pii_cpf_groups(const pii_view *view, const pii_group *groups, int count) {
    char first = count > 3 ? groups[1].gap : 0, last = count > 3 ? groups[3].gap : 0;
    int gaps = (first == ' ' || first == '.' || first == '-') &&
               (last == ' ' || last == '.' || last == '-' || last == '/');
    int used = gaps && has_shape(groups, count, "3?3?3", first) && groups[3].len == 2 && !groups[3].open ? 4
               : has_shape(groups, count, "9-2", 0)   ? 2
               : groups[0].len == 11 && !groups[0].open ? 1
                                                        : 0;
    unsigned char values[11];
    if (!used) return 0;
    values_of(view, groups, used, values);
    return has_check_digits(values, 11, 11) ? used : 0;
}

size_t pii_cpf(const pii_view *view, const pii_group *groups, int count) {
    int used = pii_cpf_groups(view, groups, count);
    return used ? end_of(view, groups, used) : 0;
}

int pii_cnpj_groups(const pii_view *view, const pii_group *groups, int count) {
    int used = has_shape(groups, count, "2.3.3/4-2", 0) ? 5
               : has_shape(groups, count, "8/4-2", 0)   ? 3
               : groups[0].len == 14 && !groups[0].open ? 1
                                                        : 0;
    unsigned char values[14];
    if (!used) return 0;
    values_of(view, groups, used, values);
    return has_check_digits(values, 14, 9) ? used : 0;
}

size_t pii_cnpj(const pii_view *view, const pii_group *groups, int count) {
    int used = pii_cnpj_groups(view, groups, count);
    return used ? end_of(view, groups, used) : 0;
}

/* 12.ABC.345/01DE-35 around the '/' at `place`: letters count as their ASCII code less that of 0. */
int pii_cnpj_letters(const pii_view *view, size_t place, pii_finding *finding) {
    static const char shape[] = "__.___.___/____-00";
    size_t start = place - 10, stop = start + sizeof shape - 1;
    unsigned char values[14];
    int len = 0;
    if (place < 10 || stop > view->len || !pii_number_before(view, start) || !pii_number_after(view, stop)) return 0;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        unsigned c = view->text[start + i];
        if (shape[i] != '_' && shape[i] != '0') {
            if (c != (unsigned)shape[i]) return 0;
        } else if (c - '0' < 10u || (shape[i] == '_' && c - 'A' < 26u)) {
            values[len++] = (unsigned char)(c - '0');
        } else {
            return 0;
        }
    }
    *finding = (pii_finding){start, stop, PII_BR_CNPJ};
    return has_check_digits(values, 14, 9);
}

static int is_octet(const pii_view *view, size_t start, size_t len) {
    if (len < 1 || len > 3 || (len > 1 && pii_at(view, start) == '0')) return 0;
    unsigned value = 0;
    for (size_t i = 0; i < len; i++) {
        if (!pii_is(view, start + i, PII_IS_DIGIT)) return 0;
        value = value * 10 + pii_at(view, start + i) - '0';
    }
    return value <= 255;
}

static int follows(const pii_view *view, size_t i, const char *word) {
    size_t len = strlen(word);
    if (i < len) return 0;
    for (size_t k = 0; k < len; k++)
        if (pii_lower(view->text[i - len + k]) != (unsigned char)word[k]) return 0;
    return 1;
}

size_t pii_ipv4(const pii_view *view, const pii_group *groups, int count) {
    if (count < 4) return 0;
    for (int i = 0; i < 4; i++)
        if (groups[i].open || (i && groups[i].gap != '.') || !is_octet(view, groups[i].start, groups[i].len)) return 0;
    size_t start = groups[0].start, stop = groups[3].start + groups[3].len;
    unsigned c = pii_at(view, start - 1);
    if (pii_class[c] & PII_IS_WORD || (c == '.' && pii_is(view, start - 2, PII_IS_DIGIT)) ||
        (c == '-' && pii_is(view, start - 2, PII_IS_WORD) && !pii_is(view, start - 2, PII_IS_DIGIT)))
        return 0;
    if (c == ' ' && (follows(view, start, "version ") || follows(view, start, "release "))) return 0;
    if (pii_is(view, stop, PII_IS_WORD) || (pii_at(view, stop) == '.' && pii_is(view, stop + 1, PII_IS_DIGIT)))
        return 0;
    return stop;
}

/* ---- IBAN ------------------------------------------------------------------------------------------------------ */

static uint32_t iban_length(const pii_view *view, size_t start) {
    static const char table[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
        "GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
        "MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28"
        "TL23TN24TR26UA29VA22VG24XK20YE30";
    char a = (char)(pii_at(view, start) & ~32u), b = (char)(pii_at(view, start + 1) & ~32u);
    for (const char *p = table; *p; p += 4)
        if (p[0] == a && p[1] == b) return (uint32_t)((p[2] - '0') * 10 + p[3] - '0');
    return 0;
}

size_t pii_iban(const pii_view *view, size_t start) {
    uint32_t len = iban_length(view, start);
    if (!len) return 0;
    int spaced = pii_at(view, start + 4) == ' ';
    unsigned char characters[34];
    size_t i = start;
    uint32_t numbers = 0;
    for (uint32_t k = 0; k < len; k++, i++) {
        if (spaced && k && k % 4 == 0 && pii_at(view, i++) != ' ') return 0;
        if (!pii_is(view, i, PII_IS_DIGIT | PII_IS_LETTER)) return 0;
        characters[k] = (unsigned char)pii_lower(pii_at(view, i));
        numbers += characters[k] <= '9';
    }
    if (numbers < 8 || pii_is(view, i, PII_IS_WORD)) return 0;
    unsigned rest = 0;
    for (uint32_t k = 0; k < len; k++) {
        unsigned c = characters[(k + 4) % len];
        rest = c <= '9' ? (rest * 10 + c - '0') % 97 : (rest * 100 + c - 'a' + 10) % 97;
    }
    return rest == 1 ? i : 0;
}

/* ---- machines -------------------------------------------------------------------------------------------------- */

static int is_ipv6(const pii_view *view, size_t start, size_t stop) {
    int groups = 0, written = 0, gap = 0, digit = 0;
    if (stop - start == 3 && view->text[start] == ':' && view->text[start + 1] == ':' && view->text[start + 2] == '1')
        return 1;
    size_t i = start;
    if (pii_at(view, i) == ':' && pii_at(view, i + 1) == ':') {
        gap = 1;
        i += 2;
    }
    while (i < stop) {
        size_t first = i;
        while (i < stop && pii_is(view, i, PII_IS_HEX)) digit |= pii_class[view->text[i++]] & PII_IS_DIGIT;
        if (i < stop && view->text[i] == '.') { /* the last four bytes as an IPv4 address */
            if (!groups && !gap) return 0;
            size_t octet = first;
            for (int k = 0; k < 4; k++) {
                size_t len = 0;
                while (octet + len < stop && pii_is(view, octet + len, PII_IS_DIGIT)) len++;
                if (!is_octet(view, octet, len)) return 0;
                octet += len;
                if (k < 3 && (octet >= stop || view->text[octet++] != '.')) return 0;
            }
            if (octet != stop) return 0;
            groups += 2;
            written += 4;
            digit = 1;
            break;
        }
        if (i == first || i - first > 4) return 0;
        groups++;
        written++;
        if (i == stop) break;
        i++; /* a colon */
        if (i == stop) return 0;
        if (view->text[i] == ':') {
            if (gap) return 0;
            gap = 1;
            i++;
        }
    }
    return digit && written >= 2 && (gap ? groups <= 7 : groups == 8);
}

int pii_ipv6(const pii_view *view, size_t place, size_t from, pii_finding *finding, size_t *end) {
    const unsigned char *text = view->text;
    size_t start = place, stop = place;
    while (start > from && (pii_is(view, start - 1, PII_IS_HEX) || text[start - 1] == '.')) start--;
    while (pii_is(view, stop, PII_IS_HEX) || pii_at(view, stop) == ':' || pii_at(view, stop) == '.') stop++;
    *end = stop;
    while (start < stop && text[start] == '.') start++;
    while (start < stop && text[stop - 1] == '.') stop--;
    if (start < stop && text[start] == ':' && !(start + 1 < view->len && text[start + 1] == ':')) start++;
    if (start < stop && text[stop - 1] == ':' && !(stop - start >= 2 && text[stop - 2] == ':')) stop--;
    if (stop - start > 45 || start == stop) return 0;
    if (pii_is(view, start - 1, PII_IS_WORD) || pii_is(view, stop, PII_IS_WORD)) return 0;
    *finding = (pii_finding){start, stop, PII_IP};
    return is_ipv6(view, start, stop);
}

size_t pii_mac(const pii_view *view, size_t start) {
    unsigned c = pii_at(view, start - 1);
    if (pii_class[c] & PII_IS_WORD || ((c == ':' || c == '-') && pii_is(view, start - 2, PII_IS_WORD))) return 0;
    size_t stop = 0;
    for (size_t step = 2; step <= 4 && !stop; step += 2) { /* aa:bb:cc:dd:ee:ff, then aabb.ccdd.eeff */
        unsigned gap = step == 4 ? '.' : pii_at(view, start + 2);
        if (step == 2 && gap != ':' && gap != '-') continue;
        size_t len = step == 2 ? 17 : 14, i = 0;
        while (i < len && (i % (step + 1) == step ? pii_at(view, start + i) == gap
                                                  : pii_is(view, start + i, PII_IS_HEX) != 0))
            i++;
        if (i == len) stop = start + len;
    }
    if (!stop || pii_is(view, stop, PII_IS_WORD)) return 0;
    c = pii_at(view, stop);
    return (c == ':' || c == '-') && pii_is(view, stop + 1, PII_IS_WORD) ? 0 : stop;
}

/* ---- wallets --------------------------------------------------------------------------------------------------- */

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

/* SHA-256 of at most 55 bytes: one block. */
static void sha256_short(const unsigned char *data, size_t len, unsigned char out[32]) {
    static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    static const uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char block[64] = {0};
    memcpy(block, data, len);
    block[len] = 0x80;
    block[62] = (unsigned char)(len >> 5);
    block[63] = (unsigned char)(len << 3);
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + w[i];
        uint32_t t2 = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        uint32_t word = state[i] + v[i];
        for (int k = 0; k < 4; k++) out[4 * i + k] = (unsigned char)(word >> (24 - 8 * k));
    }
}

/* A Bitcoin address of version 0 or 5: 21 bytes and the first four of their doubled SHA-256. */
static int is_base58check(const unsigned char *text, size_t len) {
    static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    unsigned char raw[25] = {0}, hash[32];
    for (size_t i = 0; i < len; i++) {
        const char *found = strchr(alphabet, text[i]);
        if (!found) return 0;
        unsigned carry = (unsigned)(found - alphabet);
        for (int k = 24; k >= 0; k--) {
            carry += raw[k] * 58u;
            raw[k] = (unsigned char)carry;
            carry >>= 8;
        }
        if (carry) return 0;
    }
    size_t ones = 0, zeros = 0;
    while (ones < len && text[ones] == '1') ones++;
    while (zeros < 25 && !raw[zeros]) zeros++;
    if ((raw[0] != 0 && raw[0] != 5) || ones != zeros) return 0;
    sha256_short(raw, 21, hash);
    sha256_short(hash, 32, hash);
    return !memcmp(raw + 21, hash, 4);
}

static int is_segwit(const unsigned char *text, size_t len) {
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    static const uint32_t generators[5] = {0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3};
    unsigned char values[5 + 71] = {3, 3, 0, 2, 3}; /* "bc", expanded */
    size_t count = 5;
    int upper = text[0] == 'B';
    for (size_t i = 0; i < len; i++) {
        if ((unsigned)(text[i] - (upper ? 'a' : 'A')) < 26u) return 0; /* mixed case */
        if (i < 3) continue;
        const char *found = strchr(alphabet, (int)pii_lower(text[i]));
        if (!found) return 0;
        values[count++] = (unsigned char)(found - alphabet);
    }
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t top = state >> 25;
        state = (state & 0x1FFFFFF) << 5 ^ values[i];
        for (int k = 0; k < 5; k++) state ^= top >> k & 1 ? generators[k] : 0;
    }
    size_t bits = (len - 3 - 7) * 5, bytes = bits / 8, spare = bits % 8; /* without version and checksum */
    if (values[5] > 16 || spare > 4 || bytes > 40 || values[count - 7] & ((1u << spare) - 1)) return 0;
    return values[5] ? state == 0x2BC830A3 : state == 1 && (bytes == 20 || bytes == 32);
}

size_t pii_wallet(const pii_view *view, size_t start) {
    size_t len = 0;
    while (len < 75 && pii_is(view, start + len, PII_IS_DIGIT | PII_IS_LETTER)) len++;
    if (len < 26 || pii_is(view, start - 1, PII_IS_WORD) || pii_is(view, start + len, PII_IS_WORD)) return 0;
    const unsigned char *text = view->text + start;
    switch (text[0]) {
    case '0':
        if (len != 42 || text[1] != 'x') return 0;
        for (size_t i = 2; i < len; i++)
            if (!(pii_class[text[i]] & PII_IS_HEX)) return 0;
        return start + len;
    case '1':
    case '3': return len <= 35 && is_base58check(text, len) ? start + len : 0;
    default: return len <= 74 && is_segwit(text, len) ? start + len : 0;
    }
}

/* ---- around an '@' --------------------------------------------------------------------------------------------- */

int pii_credentials(const pii_view *view, size_t place, pii_finding *finding) {
    size_t start = place, colon = 0;
    while (start && place - start <= 256 && pii_is(view, start - 1, PII_IS_USER)) {
        start--;
        if (view->text[start] == ':') colon = start + 1; /* at last the first one */
    }
    if (!colon || place - start > 256 || colon == place || start < 4) return 0;
    *finding = (pii_finding){start, place, PII_URL_CREDENTIALS};
    return view->text[start - 1] == '/' && view->text[start - 2] == '/' && view->text[start - 3] == ':' &&
           pii_is(view, start - 4, PII_IS_DIGIT | PII_IS_LETTER);
}

/* The end of an internationalised last label, xn--..., at `i`, or 0. */
static size_t xn_end(const pii_view *view, size_t i) {
    if (pii_lower(pii_at(view, i)) != 'x' || pii_lower(pii_at(view, i + 1)) != 'n' || pii_at(view, i + 2) != '-' ||
        pii_at(view, i + 3) != '-')
        return 0;
    size_t best = 0;
    for (size_t stop = i + 4; stop - i < 63; stop++) {
        int inside = pii_is(view, stop, PII_IS_DIGIT | PII_IS_LETTER);
        if (!inside && pii_at(view, stop) != '-') break;
        if (inside && stop - i >= 5 && !pii_is(view, stop + 1, PII_IS_WORD)) best = stop + 1;
    }
    return best;
}

/* icon@2x.png is no address: no domain ends in the name of a format of pictures. */
static int is_picture(const pii_view *view, size_t start, size_t len) {
    static const char formats[][5] = {"avif", "bmp", "gif", "heic", "jpg", "jpeg", "png", "svg", "webp"};
    if (len != 3 && len != 4) return 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t k = 0;
        while (k < len && pii_lower(view->text[start + k]) == (unsigned char)formats[i][k]) k++;
        if (k == len && !formats[i][k]) return 1;
    }
    return 0;
}

/* The end of the domain at `i`, or 0: labels and a last one of letters, as many as fit. */
static size_t domain_end(const pii_view *view, size_t i) {
    size_t best = 0;
    for (int label = 0;; label = 1) {
        size_t stop = i;
        if (label) {
            while (stop - i <= 63 && (pii_is(view, stop, PII_IS_LETTER) || pii_at(view, stop) == PII_WORD)) stop++;
            if (stop - i >= 2 && stop - i <= 63 && !pii_is(view, stop, PII_IS_WORD) && !is_picture(view, i, stop - i))
                best = stop;
            size_t xn = xn_end(view, i);
            if (xn) best = xn;
        }
        stop = i;
        if (pii_at(view, i) == PII_UNSPACED)
            while (stop - i <= 63 && pii_at(view, stop) == PII_UNSPACED) stop++;
        else
            while (stop - i <= 63 && (pii_is(view, stop, PII_IS_WORD) || pii_at(view, stop) == '-')) stop++;
        if (stop == i || stop - i > 63 || pii_at(view, stop) != '.' || view->text[i] == '-' ||
            view->text[stop - 1] == '-')
            return best;
        i = stop + 1;
    }
}

int pii_email(const pii_view *view, size_t place, size_t from, pii_finding *finding) {
    size_t start = place, best = place;
    while (start > from && place - start < 64) {
        unsigned c = view->text[start - 1];
        if (!(pii_class[c] & PII_IS_LOCAL)) break;
        if (c == '.' && (start == place || view->text[start] == '.')) break;
        start--;
        if ((pii_class[c] & PII_IS_WORD || c == '_') && !pii_is(view, start - 1, PII_IS_WORD)) best = start;
    }
    if (best == place) return 0;
    size_t stop = domain_end(view, place + 1);
    *finding = (pii_finding){best, stop, PII_EMAIL};
    return stop != 0;
}
