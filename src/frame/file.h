/* One of the files of a pass: its blocks are partitions, whose tasks carry it and none of the
 * others. */
#ifndef FRAME_FILE_H
#define FRAME_FILE_H

#include "frame/shared.h"
#include "graph/context.h"
#include "io/csv.h"

struct frame_file {
    struct shared shared;
    struct memory *memory;
    struct csv_source *csv; /* of that file alone */
};

extern const dk_object_type file_object;

/* File `number` of `csv` as an object.   Errors: DK_ENOMEM. */
dk_status file_value(struct memory *memory, struct csv_source *csv, int32_t number,
                     dk_value *out) DK_NODISCARD;
/* The source of a value that is such an object; NULL: it is none. */
static inline const struct csv_source *file_of(dk_value value)
{
    const struct frame_file *file = dk_value_as_object(value, &file_object);
    return file ? file->csv : NULL;
}

#endif
