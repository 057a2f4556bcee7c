/* cpu.c - how far the processor goes beyond the plain one that everything is compiled for.
 * Contract: found once; STREAMLINER_UDF_CPU (plain, ssse3 or avx2) in the environment lowers it, which is how the tests
 * reach the paths of other processors. */
#include "streamliner.h"

#include <stdatomic.h>
#include <stdlib.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

/* By CPUID and not __builtin_cpu_supports, which does not know "sha" in every supported compiler. */
static int detect_sha(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}
#else
static int detect_sha(void) { return 0; }
#endif

static int detect(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("ssse3") || !__builtin_cpu_supports("popcnt")) return SL_CPU_PLAIN;
    if (!__builtin_cpu_supports("avx2")) return SL_CPU_SSSE3;
    if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("bmi2"))
        return SL_CPU_AVX2;
    return SL_CPU_AVX512;
#else
    return SL_CPU_PLAIN;
#endif
}

static int limit(void) {
    static const char *const names[] = {[SL_CPU_PLAIN] = "plain", [SL_CPU_SSSE3] = "ssse3", [SL_CPU_AVX2] = "avx2"};
    const char *wanted = getenv("STREAMLINER_UDF_CPU");
    for (int level = SL_CPU_PLAIN; wanted && level <= SL_CPU_AVX2; level++)
        if (strcmp(wanted, names[level]) == 0) return level;
    return SL_CPU_AVX512;
}

int sl_cpu_level(void) {
    static atomic_int known;
    int level = atomic_load_explicit(&known, memory_order_relaxed);
    if (SL_LIKELY(level)) return level;
    int most = limit();
    level = detect();
    if (level > most) level = most;
    atomic_store_explicit(&known, level, memory_order_relaxed);
    return level;
}

int sl_cpu_has_sha(void) {
    static atomic_int known; /* 1: no, 2: yes. To ask costs tens of microseconds within a virtual machine. */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (SL_LIKELY(answer)) return answer - 1;
    answer = sl_cpu_level() > SL_CPU_PLAIN && detect_sha() ? 2 : 1;
    atomic_store_explicit(&known, answer, memory_order_relaxed);
    return answer - 1;
}
