/* win32.h - <windows.h> without the names that it takes from everybody. For doors.
 * Contract: included where Windows is meant only; its TEXT is gone, which is a shape of ours. */
#ifndef SL_WIN32_H
#define SL_WIN32_H

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#undef TEXT

#endif
