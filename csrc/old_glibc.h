/* old_glibc.h - what glibc 2.34 moved between its libraries, asked for by its older version. For doors.
 * Contract: a library that is built on a new system then runs on glibc 2.28 too, as its wheel's tag promises. */
#ifndef SL_OLD_GLIBC_H
#define SL_OLD_GLIBC_H

#include <stdlib.h> /* defines __GLIBC__ where it is */

/* The sanitizers put their own functions in place of these, by name and without a version. */
#if defined(__GLIBC__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__x86_64__)
#define SL_OLD_GLIBC(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5")
#elif defined(__aarch64__)
#define SL_OLD_GLIBC(name) __asm__(".symver " #name "," #name "@GLIBC_2.17")
#endif
#endif
#if !defined(SL_OLD_GLIBC)
#define SL_OLD_GLIBC(name) struct sl_no_old_##name
#endif

#endif
