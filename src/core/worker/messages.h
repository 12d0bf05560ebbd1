/* What a worker tells its scheduler, as messages.   Source: PROTOCOL of distributed 2026. */
#ifndef CORE_WORKER_MESSAGES_H
#define CORE_WORKER_MESSAGES_H

#include "core/worker/worker.h"
#include "wire/build.h"

/* What a value is, in Python's words. */
struct wkr_type {
    const char *name;         /* "int" */
    struct wire_bytes pickle; /* of the class */
};

/* An instruction of the kind WKR_SEND_..., or WKR_RELEASE_DATA, as the message to be sent. `type`
 * is that of a finished task's value. Lives as long as the builder's arena, the instructions and
 * the error; whoever asks looks at builder->failed. */
struct wire_value wkr_message(struct wire_builder *builder, const struct wkr *worker,
                              const struct wkr_instructions *instructions,
                              const struct wkr_instruction *instruction, struct wire_bytes stimulus,
                              struct wkr_type type);

/* An error as it goes out and is kept: an opaque map. `exception` is the pickle of one.
 * NULL when out of memory. */
struct wire_box *wkr_error_new(struct memory *memory, struct wire_bytes exception,
                               struct wire_bytes traceback, const char *text) DK_NODISCARD;

#endif
