/* The whole compiled part: one source for one library. */
#include "norm_lstm.c"
#include "scan.c"
