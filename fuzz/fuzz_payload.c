/* Any bytes, as a native task, as the bytes of a frame's program, as a pickle, and as a value: they
 * are refused, or make something that can be packed again and comes back the same. */
#include <stdlib.h>
#include <string.h>

#include <cdask/cdask.h>

#include "frame/program.h"
#include "graph/context.h"
#include "payload/task.h"
#include "payload/value.h"
#include "wire/pickle.h"
#include "wire/unpickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

static struct wire_bytes bytes_of(const struct vector *vector)
{
    return (struct wire_bytes){vector->data, vector->count};
}

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void pack_again(dk_context *dk, const struct payload_task *task, struct vector *out)
{
    check(payload_pack_task(dk, task->function->name, task->args, task->nargs, task->keys, out,
                            NULL) == DK_OK);
}

static void read_task(dk_context *dk, struct wire_bytes bytes)
{
    struct payload_task first;
    struct payload_task second;
    struct vector packed[2];
    if (payload_unpack_task(dk, bytes, &first, NULL) != DK_OK)
        return;
    for (int i = 0; i < 2; i++)
        vector_init(&packed[i], dk->memory, 1);
    pack_again(dk, &first, &packed[0]);
    check(payload_unpack_task(dk, bytes_of(&packed[0]), &second, NULL) == DK_OK);
    pack_again(dk, &second, &packed[1]);
    check(packed[0].count == packed[1].count &&
          memcmp(packed[0].data, packed[1].data, packed[0].count) == 0);
    payload_task_deinit(&first);
    payload_task_deinit(&second);
    for (int i = 0; i < 2; i++)
        vector_deinit(&packed[i]);
}

static void read_program(dk_context *dk, struct wire_bytes bytes)
{
    struct program *program = NULL;
    if (program_get(dk, bytes.data, bytes.nbytes, &program, NULL) == DK_OK)
        program_unref(program);
}

/* What is read can be written, and is then read as the same. */
static void read_pickle(struct memory *memory, struct wire_bytes bytes)
{
    struct arena arena;
    struct vector packed[2];
    struct wire_value value;
    arena_init(&arena, memory);
    for (int i = 0; i < 2; i++)
        vector_init(&packed[i], memory, 1);
    if (pickle_unpack(&arena, bytes, &value, NULL) == DK_OK) {
        check(pickle_pack(&packed[0], &value, NULL) == DK_OK);
        check(pickle_unpack(&arena, bytes_of(&packed[0]), &value, NULL) == DK_OK);
        check(pickle_pack(&packed[1], &value, NULL) == DK_OK);
        check(packed[0].count == packed[1].count &&
              memcmp(packed[0].data, packed[1].data, packed[0].count) == 0);
    }
    struct wire_bytes found;
    if (pickle_find_bytes(bytes, &found))
        check(found.data >= bytes.data && found.data + found.nbytes <= bytes.data + bytes.nbytes);
    for (int i = 0; i < 2; i++)
        vector_deinit(&packed[i]);
    arena_deinit(&arena);
}

/* A header of so many bytes, and the rest in two frames. */
static void read_value(dk_context *dk, struct wire_bytes bytes)
{
    size_t nheader = bytes.nbytes ? (unsigned char)*bytes.data % 64 : 0;
    if (bytes.nbytes < nheader + 2)
        return;
    size_t nfirst = (unsigned char)bytes.data[1] % (bytes.nbytes - nheader - 1);
    const char *at = bytes.data + 2;
    size_t left = bytes.nbytes - 2 - nheader;
    nfirst = nfirst < left ? nfirst : left;
    struct wire_bytes frames[] = {{at + nheader, nfirst}, {at + nheader + nfirst, left - nfirst}};
    struct wire_payload payload = {{at, nheader}, frames, 2};
    struct wire_value from = {.kind = WIRE_SERIALIZED, .as.payload = &payload};
    dk_value value = dk_value_null();
    if (payload_unpack_value(dk, &from, NULL, &value, NULL) == DK_OK)
        dk_value_unref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    static dk_context *dk;
    if (!dk)
        dk = dk_open(NULL);
    check(dk != NULL);
    int64_t before = memory_use(dk->memory).blocks;
    struct wire_bytes all = {(const char *)bytes, nbytes};
    read_task(dk, all);
    read_program(dk, all);
    read_pickle(dk->memory, all);
    read_value(dk, all);
    /* Names of kernels that are seen first stay with the context. */
    check(memory_use(dk->memory).blocks <= before + 64);
    return 0;
}
