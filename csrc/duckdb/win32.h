/* win32.h - <windows.h>, without its macro TEXT, which is a shape of ours.
 * Contract: the one place in which it is included. */
#ifndef SL_DUCKDB_WIN32_H
#define SL_DUCKDB_WIN32_H

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#undef TEXT

#endif
