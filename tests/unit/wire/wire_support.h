/* Messages from the bytes of their frames, and back. */
#ifndef WIRE_SUPPORT_H
#define WIRE_SUPPORT_H

#include <string.h>

#include "base/error.h"
#include "wire/message.h"

/* Frames as a reader gives them; false when out of memory. */
static inline bool make_frames(struct memory *memory, const struct wire_bytes *list, size_t count,
                               struct frames *out)
{
    size_t nbytes = 0;
    for (size_t i = 0; i < count; i++)
        nbytes += list[i].nbytes;
    char *bytes = memory_alloc(memory, nbytes);
    struct wire_bytes *copies = memory_alloc(memory, count * sizeof(*copies));
    *out = (struct frames){memory, bytes, nbytes, copies, count};
    if (!bytes || !copies) {
        frames_deinit(out);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].nbytes)
            memcpy(bytes, list[i].data, list[i].nbytes);
        copies[i] = (struct wire_bytes){bytes, list[i].nbytes};
        bytes += list[i].nbytes;
    }
    return true;
}

static inline dk_status decode_frames(struct memory *memory, const struct wire_bytes *list,
                                      size_t count, struct message *out, dk_error *err)
{
    struct frames frames;
    return make_frames(memory, list, count, &frames) ? message_decode(out, frames, err)
                                                     : error_nomem(err);
}

#endif
