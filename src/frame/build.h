/* What the builders of expressions share. */
#ifndef FRAME_BUILD_H
#define FRAME_BUILD_H

#include "frame/expression.h"

/* Position of column `name`, or -1. */
int32_t column_find(dk_frame frame, const char *name);
/* A series, scalar or literal: one column expression. */
bool is_series(dk_frame frame);

#endif
