/* CPU and memory over time, as part of a picture. */
#ifndef DIAGNOSTICS_CURVES_H
#define DIAGNOSTICS_CURVES_H

#include <cdask/diagnostics.h>

#include "diagnostics/svg.h"

/* What curves_put() takes below its top. */
#define CURVES_HEIGHT 212.0

void curves_put(struct svg *svg, const dk_resources *resources, double top);

#endif
