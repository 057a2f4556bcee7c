/* test_zip.c - archives and deflate data, whole and damaged, in memory of exact size: the sanitizers see any byte read or
 * written beside it. Whether answers are right is told elsewhere.
 * Reads the archives that tests/archives.py wrote into build/archives. */
#include "check.h"

#include <dirent.h>

#include "kernels/inflate.h"
#include "kernels/utf8.h"
#include "kernels/zip.h"

enum { ARCHIVES_MAX = 256, DAMAGED = 150, FLIPPED = 4000 };

static sl_str archives[ARCHIVES_MAX];
static uint32_t archive_count;
static uint64_t opened, refused, unpacked, broken;

static void load(const char *folder) {
    DIR *directory = opendir(folder);
    struct dirent *entry;
    CHECK(directory != NULL);
    while ((entry = readdir(directory))) {
        char path[512];
        if (!strstr(entry->d_name, ".zip")) continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        CHECK(file != NULL && archive_count < ARCHIVES_MAX);
        CHECK(fseek(file, 0, SEEK_END) == 0);
        size_t len = (size_t)ftell(file);
        rewind(file);
        char *bytes = malloc(len);
        CHECK(bytes != NULL && fread(bytes, 1, len, file) == len);
        fclose(file);
        archives[archive_count++] = (sl_str){bytes, (uint32_t)len};
    }
    closedir(directory);
    CHECK(archive_count > 80);
}

/* Through the door that functions use, and then every member by itself, media too. */
static void read_archive(const char *bytes, size_t len) {
    char *copy = exact_copy(bytes, len);
    sl_str content = {copy, (uint32_t)len}, text = {NULL, 0};
    sl_buf out = SL_BUF_HEAP;
    sl_error error = {{0}};
    sl_status status = sl_open_whatsapp(content, &out, &text, &error);
    if (status == SL_OK) {
        CHECK(sl_utf8_valid(text.ptr, text.len));
        opened++;
    } else {
        CHECK(status != SL_ENOMEM && error.text[0] && strlen(error.text) < sizeof(error.text));
        CHECK(sl_utf8_valid(error.text, strlen(error.text)));
        refused++;
    }
    sl_buf_free(&out);
    sl_zip zip;
    if (sl_zip_open(&zip, content, &error) == SL_OK) {
        for (uint32_t i = 0; i < zip.count && i < 20; i++) {
            uint8_t sample[100];
            size_t made = 0;
            sl_buf member = SL_BUF_HEAP;
            if (sl_zip_read(&zip, &zip.members[i], &member, &error) == SL_OK) CHECK(member.len == zip.members[i].size);
            if (sl_zip_peek(&zip, &zip.members[i], sample, sizeof(sample), &made, &error) == SL_OK)
                CHECK(made <= sizeof(sample));
            sl_buf_free(&member);
        }
        sl_zip_close(&zip);
    }
    free(copy);
}

static void damage_archives(uint64_t scale) {
    for (uint32_t a = 0; a < archive_count; a++) {
        sl_str archive = archives[a];
        int large = archive.len > 10000;
        read_archive(archive.ptr, archive.len);
        for (uint32_t cut = 0; cut < archive.len; cut += large ? 1 + random_below(archive.len / 20) : 1 + cut / 40)
            read_archive(archive.ptr, cut);
        char *copy = malloc(archive.len + 1);
        CHECK(copy != NULL);
        for (uint64_t i = 0; i < (large ? 10 : DAMAGED) * scale; i++) {
            memcpy(copy, archive.ptr, archive.len);
            for (uint32_t times = 1 + random_below(3); times && archive.len; times--) {
                uint32_t back = archive.len < 200 || random_below(2) ? archive.len : 200;
                char *at = copy + archive.len - 1 - random_below(back);
                *at = random_below(2) ? (char)(*at ^ 1 << random_below(8)) : (char)(random_below(2) ? 0xFF : random_word());
            }
            read_archive(copy, archive.len);
        }
        free(copy);
    }
}

static void inflate_exactly(const uint8_t *packed, size_t len, size_t room) {
    uint8_t *in = (uint8_t *)exact_copy(packed, len), *out = malloc(room ? room : 1);
    size_t made = SIZE_MAX;
    CHECK(out != NULL);
    /* A room of nothing is a pointer behind the last byte. */
    sl_inflated end = sl_inflate(in, len, room ? out : out + 1, room, &made);
    CHECK(made <= room);
    CHECK(end != SL_INFLATED_FULL || made == room);
    unpacked += end == SL_INFLATED;
    broken += end == SL_INFLATED_BROKEN;
    free(in);
    free(out);
}

static void damage_streams(uint64_t scale) {
    for (uint32_t a = 0; a < archive_count; a++) {
        sl_zip zip;
        sl_error error;
        if (sl_zip_open(&zip, archives[a], &error) != SL_OK) continue;
        for (uint32_t i = 0; i < zip.count && i < 3; i++) {
            const sl_zip_member *member = &zip.members[i];
            size_t len = (size_t)member->packed, size = member->size < 100000 ? (size_t)member->size : 100000;
            if (member->method != 8 || !len || len > 100000) continue;
            for (size_t cut = 0; cut <= len && cut < 3000; cut++) inflate_exactly(member->data, cut, size);
            uint8_t *copy = malloc(len);
            CHECK(copy != NULL);
            uint32_t times = (uint32_t)(len > 5000 ? FLIPPED / 40 : FLIPPED / 8);
            for (uint64_t n = 0; n < times * scale; n++) {
                memcpy(copy, member->data, len);
                copy[random_below(random_below(2) ? (uint32_t)len : 1 + (uint32_t)(len - 1) / 8)] ^=
                    (uint8_t)(1 << random_below(8));
                inflate_exactly(copy, len, random_below((uint32_t)size + 300));
            }
            free(copy);
        }
        sl_zip_close(&zip);
    }
    /* Noise that begins with a block of each kind. */
    for (uint64_t n = 0; n < 20 * FLIPPED * scale; n++) {
        uint8_t noise[400];
        uint32_t len = 1 + random_below(sizeof(noise));
        for (uint32_t i = 0; i < len; i++) noise[i] = (uint8_t)random_word();
        noise[0] = (uint8_t)((noise[0] & ~7u) | (n % 3 << 1));
        inflate_exactly(noise, len, random_below(3000));
    }
}

int main(void) {
    uint64_t scale = check_start("test_zip");
    load("build/archives");
    damage_archives(scale);
    damage_streams(scale);
    CHECK(opened > 20 && refused > 1000 && unpacked > 100 && broken > 1000);
    printf("test_zip: %u archives, %llu opened, %llu refused; %llu streams unpacked, %llu broken\n", archive_count,
           (unsigned long long)opened, (unsigned long long)refused, (unsigned long long)unpacked,
           (unsigned long long)broken);
    return 0;
}
