/* The whole compiled part: one source for one library. */
#include "recurrence.c"
