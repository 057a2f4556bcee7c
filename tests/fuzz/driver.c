/* driver.c - runs a fuzz target where libFuzzer is not: needs a compiler with -fsanitize-coverage=trace-pc, as gcc is.
 *   TARGET [-max_total_time=SECONDS] [-seed=N] [-max_len=BYTES] [-artifact_prefix=PATH] [CORPUS] [SEEDS...]
 * Contract: inputs that reach code as no other did join the corpus, in memory and in the folder CORPUS. A crash, a broken
 * law, or an input that takes over ten seconds of processor time leaves the input in a file, names it,
 * and ends with a status other than 0.
 * TARGET FILE... runs these inputs once each. */
#define _GNU_SOURCE

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../c/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* Of the sanitizers' runtime: called when they have told what is wrong. */
void __sanitizer_set_death_callback(void (*callback)(void));
void __sanitizer_cov_trace_pc(void);

enum { MAP = 1 << 21, TOUCHED = 1 << 17, CORPUS_MAX = 1 << 15, LEN_MAX = 1 << 14, SLOW_SECONDS = 10 };

/* ---- what code an input reaches, and how often ---------------------------------------------------------------------- */

static uint8_t hits[MAP], seen[MAP];
static uint32_t touched[TOUCHED], touched_count;

void __sanitizer_cov_trace_pc(void) {
    uint32_t at = (uint32_t)((uintptr_t)__builtin_return_address(0) % MAP);
    if (!hits[at] && touched_count < TOUCHED) touched[touched_count++] = at;
    if (hits[at] < 255) hits[at]++;
}

/* 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more: a bit each. */
static uint8_t bucket(uint8_t count) {
    if (count < 4) return (uint8_t)(1 << (count - 1));
    return count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;
}

static uint64_t places, features;

static int reached_more(void) {
    int more = 0;
    for (uint32_t i = 0; i < touched_count; i++) {
        uint8_t bit = bucket(hits[touched[i]]), *known = &seen[touched[i]];
        places += !*known;
        if (!(*known & bit)) {
            features++;
            more = 1;
        }
        *known |= bit;
        hits[touched[i]] = 0;
    }
    touched_count = 0;
    return more;
}

/* ---- the corpus ------------------------------------------------------------------------------------------------------ */

typedef struct entry {
    uint8_t *bytes;
    size_t len;
} entry;

static entry corpus[CORPUS_MAX];
static uint32_t corpus_count;
static uint64_t executions;
static const char *corpus_folder, *artifacts = "crash-";
static const uint8_t *current;
static size_t current_len, max_len = 4096;
static int running;

static uint64_t name_of(const uint8_t *bytes, size_t len) { /* FNV-1a */
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static void write_file(const char *path, const uint8_t *bytes, size_t len) {
    FILE *file = fopen(path, "wb");
    if (!file) return;
    fwrite(bytes, 1, len, file);
    fclose(file);
}

static void keep_crash(void) {
    char path[600];
    if (!running) return;
    running = 0;
    snprintf(path, sizeof(path), "%s%016llx", artifacts, (unsigned long long)name_of(current, current_len));
    write_file(path, current, current_len);
    fprintf(stderr, "fuzz: after %llu executions; the input is %s\n", (unsigned long long)executions, path);
}

static void too_slow(int number) {
    (void)number;
    fprintf(stderr, "fuzz: one input takes over %d seconds of processor time\n", SLOW_SECONDS);
    keep_crash();
    _exit(1);
}

static void execute(const uint8_t *bytes, size_t len) {
    static const struct itimerval limit = {.it_value = {.tv_sec = SLOW_SECONDS}};
    if (executions++ % 64 == 0) setitimer(ITIMER_VIRTUAL, &limit, NULL);
    current = bytes;
    current_len = len;
    running = 1;
    LLVMFuzzerTestOneInput(bytes, len);
    running = 0;
    if (!reached_more() || corpus_count == CORPUS_MAX) return;
    entry *e = &corpus[corpus_count++];
    *e = (entry){(uint8_t *)exact_copy(bytes, len), len};
    if (corpus_folder) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%016llx", corpus_folder, (unsigned long long)name_of(bytes, len));
        write_file(path, bytes, len);
    }
}

static int load_file(const char *path) {
    static uint8_t room[LEN_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t len = fread(room, 1, max_len, file);
    fclose(file);
    uint8_t *copy = (uint8_t *)exact_copy(room, len);
    execute(copy, len);
    free(copy);
    return 1;
}

static void load_folder(const char *folder) {
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[600];
        if (names[i]->d_name[0] != '.' && snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name) < (int)sizeof(path))
            load_file(path);
        free(names[i]);
    }
    if (count >= 0) free(names);
}

/* ---- new inputs out of old ones -------------------------------------------------------------------------------------- */

static uint8_t work[LEN_MAX];
static size_t work_len;

static void insert(size_t at, const void *bytes, size_t len) {
    if (len > max_len - work_len) len = max_len - work_len;
    memmove(work + at + len, work + at, work_len - at);
    memcpy(work + at, bytes, len);
    work_len += len;
}

static size_t place(void) { return work_len ? random_below((uint32_t)work_len) : 0; }

static size_t run_length(size_t at) {
    size_t most = work_len - at;
    uint32_t wish = random_below(4) ? 1 + random_below(16) : 1 + random_below(500);
    return wish < most ? wish : most;
}

static void mutate_once(void) {
    size_t at = place(), from = place(), len = run_length(from);
    uint8_t copy[512];
    char point[4];
    const char *piece = sample_pieces[random_below(FLOODS)];
    const entry *other = &corpus[random_below(corpus_count)];
    switch (random_below(12)) {
        case 0: if (work_len) work[at] ^= (uint8_t)(1 << random_below(8)); break;
        case 1: if (work_len) work[at] = (uint8_t)random_word(); break;
        case 2: insert(at, piece, strlen(piece)); break;
        case 3: insert(at, point, sample_point(point)); break;
        case 4: /* out */
            memmove(work + from, work + from + len, work_len - from - len);
            work_len -= len;
            break;
        case 5: /* twice */
            memcpy(copy, work + from, len);
            insert(at, copy, len);
            break;
        case 6: /* many times */
            for (uint32_t times = random_below(40); times; times--) insert(at, piece, strlen(piece));
            break;
        case 7: /* a piece of another input */
            if (!other->len) break;
            from = random_below((uint32_t)other->len);
            insert(at, other->bytes + from, other->len - from < 200 ? other->len - from : 200);
            break;
        case 8: /* its end: function and options */
            if (work_len) work[work_len - 1 - random_below(work_len < 6 ? (uint32_t)work_len : 6)] = (uint8_t)random_word();
            break;
        case 9: /* a digit or a letter for another */
            if (work_len) work[at] = (uint8_t)("0123456789abcxyzABCXYZ"[random_below(22)]);
            break;
        case 10: if (work_len) work_len = from; break;
        default: if (work_len) work[at] = work[from]; break;
    }
}

static void mutate(void) {
    /* Later inputs reach further: half of the time one of the last quarter. */
    uint32_t last = corpus_count / 4 + 1;
    const entry *e = &corpus[random_below(2) ? random_below(corpus_count) : corpus_count - 1 - random_below(last)];
    memcpy(work, e->bytes, e->len);
    work_len = e->len;
    for (uint32_t times = 1u << random_below(5); times; times--) mutate_once();
    if (work_len > max_len) work_len = max_len;
}

/* ---- main ------------------------------------------------------------------------------------------------------------ */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *value_of(const char *argument, const char *name) {
    size_t len = strlen(name);
    return strncmp(argument, name, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

static int is_folder(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

int main(int argc, char **argv) {
    double seconds = 60, started = now();
    const char *program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], *value;
    check_seed = check_state = 1;
    LLVMFuzzerInitialize(&argc, &argv);
    __sanitizer_set_death_callback(keep_crash);
    atexit(keep_crash);
    signal(SIGVTALRM, too_slow);
    int first = 1, files = 0;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if ((value = value_of(argv[first], "-max_total_time"))) seconds = atof(value);
        else if ((value = value_of(argv[first], "-seed"))) check_seed = check_state = strtoull(value, NULL, 10);
        else if ((value = value_of(argv[first], "-artifact_prefix"))) artifacts = value;
        else if ((value = value_of(argv[first], "-max_len"))) max_len = (size_t)strtoull(value, NULL, 10);
        else {
            fprintf(stderr, "fuzz: expected -max_total_time, -seed, -max_len or -artifact_prefix, got %s\n", argv[first]);
            return 2;
        }
    }
    if (max_len > LEN_MAX) max_len = LEN_MAX;
    for (int i = first; i < argc; i++) {
        if (is_folder(argv[i])) {
            load_folder(argv[i]);
            if (i == first) corpus_folder = argv[i];
        } else if (load_file(argv[i])) {
            files++;
        } else {
            fprintf(stderr, "fuzz: expected a file or a folder, got %s\n", argv[i]);
            return 2;
        }
    }
    if (files) return 0;
    execute((const uint8_t *)"", 0);
    while (now() - started < seconds) {
        mutate();
        execute(work, work_len);
    }
    printf("%-10s %9llu executions in %5.1f s, %5u inputs kept, %5llu places, %6llu features\n", program,
           (unsigned long long)executions, now() - started, corpus_count, (unsigned long long)places,
           (unsigned long long)features);
    return 0;
}
