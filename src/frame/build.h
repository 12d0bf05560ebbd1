/* What the builders of expressions share. */
#ifndef FRAME_BUILD_H
#define FRAME_BUILD_H

#include "frame/expression.h"

/* What the public functions do, for those that need it on the way. */
dk_frame pick_column(dk_frame frame, const char *name);
dk_frame pick_columns(dk_frame frame, dk_names names);
dk_frame float_literal(dk_context *dk, double value);

/* Position of column `name`, or -1. */
int32_t column_find(dk_frame frame, const char *name);
/* A series, scalar or literal: one column expression. */
bool is_series(dk_frame frame);

/* The task, or what dk_lazy() made, that `value` is or has inside; NULL: none. (delayed.c) */
const dk_value *value_find_lazy(const dk_value *value);

/* The columns of a frame under construction. */
struct columns {
    struct memory *memory;
    size_t room;
    int32_t count;
    const char **names;
    const struct col **columns;
};

/* Room for so many, all NULL. To be followed by columns_deinit() also when it fails. */
dk_status columns_init(struct columns *columns, struct memory *memory, int32_t room) DK_NODISCARD;
void columns_deinit(struct columns *columns);

#endif
