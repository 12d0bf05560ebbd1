/* Boxes: objects that can travel between processes, by bytes that tell whether they came whole. */
#ifndef SUPPORT_BOXES_H
#define SUPPORT_BOXES_H

#include <stdatomic.h>
#include <unistd.h>

#include "support/tasks.h"

/* Packs to `nbytes` bytes that count from `first`. */
struct box {
    struct memory *memory;
    size_t nbytes;
    unsigned char first;
};

/* These cannot be packed, or unpacked. */
#define BOX_SHUT   ((unsigned char)251)
#define BOX_SEALED ((unsigned char)252)

/* How many boxes the process `watched` has packed and unpacked. */
static pid_t boxes_watched;
static atomic_int boxes_npacked;
static atomic_int boxes_nunpacked;

static inline void box_free(void *object)
{
    struct box *box = object;
    memory_free(box->memory, box, sizeof(*box));
}

static inline struct box *box_new(struct memory *memory, size_t nbytes, unsigned char first)
{
    struct box *box = memory_alloc(memory, sizeof(*box));
    if (box)
        *box = (struct box){memory, nbytes, first};
    return box;
}

static inline dk_status box_pack(dk_context *context, void *object, dk_value *bytes, dk_error *err)
{
    const struct box *box = object;
    boxes_npacked += getpid() == boxes_watched;
    if (box->first == BOX_SHUT)
        return error_set(err, DK_ETASK, "it is shut");
    unsigned char *content = memory_alloc(context->memory, box->nbytes);
    if (!content)
        return error_nomem(err);
    for (size_t i = 0; i < box->nbytes; i++)
        content[i] = (unsigned char)(box->first + i);
    dk_status status = dk_value_bytes(context, content, box->nbytes, bytes);
    memory_free(context->memory, content, box->nbytes);
    return status;
}

static inline dk_status box_unpack(dk_context *context, const void *bytes, size_t nbytes,
                                   void **object, dk_error *err)
{
    const unsigned char *content = bytes;
    boxes_nunpacked += getpid() == boxes_watched;
    if (nbytes && content[0] == BOX_SEALED)
        return DK_ETASK; /* without a word */
    for (size_t i = 0; i < nbytes; i++) {
        if (content[i] != (unsigned char)(content[0] + i))
            return error_set(err, DK_EPARSE, "byte %zu is wrong", i);
    }
    *object = box_new(context->memory, nbytes, nbytes ? content[0] : 0);
    return *object ? DK_OK : DK_ENOMEM;
}

static const dk_object_type box_type = {
    .name = "box", .free = box_free, .pack = box_pack, .unpack = box_unpack};

static inline dk_status box_value(struct dk_context *context, size_t nbytes, unsigned char first,
                                  dk_value *out)
{
    struct box *box = box_new(context->memory, nbytes, first);
    return box ? dk_value_object(context, &box_type, box, out) : DK_ENOMEM;
}

/* A box of args[0] bytes from args[1]. */
static inline dk_status boxes_make(dk_task *task, const dk_value *args, size_t nargs,
                                   dk_value *result, dk_error *err)
{
    (void)nargs;
    unsigned char first = (unsigned char)args[1].as.integer;
    dk_status status = box_value(dk_task_context(task), (size_t)args[0].as.integer, first, result);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

#endif
