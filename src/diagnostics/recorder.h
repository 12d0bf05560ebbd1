/* What a recorder holds. */
#ifndef DIAGNOSTICS_RECORDER_H
#define DIAGNOSTICS_RECORDER_H

#include <cdask/diagnostics.h>

#include "base/arena.h"
#include "base/vector.h"

struct dk_recorder {
    struct arena keys;
    struct vector records; /* of dk_task_record */
    int64_t ndropped;
};

#endif
