/* test_utf8_plain.c - test_utf8.c once more, over the build that a CPU without known vector instructions gets. */
#define SL_TEST_PLAIN 1
#include "test_utf8.c"
