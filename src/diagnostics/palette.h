/* The colours of all pictures. */
#ifndef DIAGNOSTICS_PALETTE_H
#define DIAGNOSTICS_PALETTE_H

#include <stdbool.h>
#include <stddef.h>

#define PALETTE_INK  "#2b2b2b" /* texts */
#define PALETTE_LINE "#9a9a9a" /* edges, axes */
#define PALETTE_GRID "#e6e6e6"

/* Things that differ: ten colours, then again from the first. */
const char *palette_at(size_t i);

/* A ramp from pale (0) to dark (1), "#rrggbb"; true when texts on it should be white. */
bool palette_ramp(double t, char out[8]);

#endif
