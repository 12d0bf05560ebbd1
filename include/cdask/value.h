/* Values: what tasks take and give. Immutable and reference counted; small ones live in the struct
 * itself.
 *
 * A dk_value is passed by value and owns at most one reference. Functions borrow the values they
 * are given unless they say *Takes*.   Thread: any function, any thread.
 */
#ifndef CDASK_VALUE_H
#define CDASK_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cdask/context.h>
#include <cdask/table.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dk_kind {
    DK_KIND_NULL,
    DK_KIND_BOOL,
    DK_KIND_INT,
    DK_KIND_FLOAT,
    DK_KIND_TEXT,   /* UTF-8 */
    DK_KIND_BYTES,  /* anything */
    DK_KIND_LIST,   /* of values */
    DK_KIND_MAP,    /* values, alternately a text key and what it maps to, in insertion order */
    DK_KIND_TABLE,  /* one partition */
    DK_KIND_OBJECT, /* something of the program's own, see dk_value_object() */
    DK_KIND_TASK    /* in the arguments of a task only: the result of another task */
} dk_kind;

typedef struct dk_value {
    dk_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct dk_block *block; /* text, bytes, list, map, object */
        dk_table *table;
        uint32_t task;
    } as;
} dk_value;

static inline dk_value dk_value_null(void)
{
    dk_value value = {DK_KIND_NULL, {0}};
    return value;
}

static inline dk_value dk_value_bool(bool boolean)
{
    dk_value value = {DK_KIND_BOOL, {0}};
    value.as.boolean = boolean;
    return value;
}

static inline dk_value dk_value_int(int64_t integer)
{
    dk_value value = {DK_KIND_INT, {0}};
    value.as.integer = integer;
    return value;
}

static inline dk_value dk_value_float(double real)
{
    dk_value value = {DK_KIND_FLOAT, {0}};
    value.as.real = real;
    return value;
}

/* *Takes* one reference of `table`. */
static inline dk_value dk_value_table(dk_table *table)
{
    dk_value value = {DK_KIND_TABLE, {0}};
    value.as.table = table;
    return value;
}

/* Makes a text value from `nbytes` bytes of UTF-8 (copied).   Errors: DK_ENOMEM. */
DK_API dk_status dk_value_text(dk_context *dk, const char *text, size_t nbytes,
                               dk_value *out) DK_NODISCARD;

/* Makes a bytes value (copied).   Errors: DK_ENOMEM. */
DK_API dk_status dk_value_bytes(dk_context *dk, const void *bytes, size_t nbytes,
                                dk_value *out) DK_NODISCARD;

/* Makes a list, or a map from `count` items that alternate text key and value.
 * Ownership: *takes* the items, also on failure.   Errors: DK_ENOMEM, DK_EINVAL (a map's key is no
 * text). */
DK_API dk_status dk_value_list(dk_context *dk, const dk_value *items, size_t count,
                               dk_value *out) DK_NODISCARD;
DK_API dk_status dk_value_map(dk_context *dk, const dk_value *items, size_t count,
                              dk_value *out) DK_NODISCARD;

/* A type of opaque things that tasks hand to each other: inside one process and to its forked
 * workers as they are, between processes as the bytes that `pack` makes of them (an interpreter's
 * objects, by its own pickling). `pack` and `unpack` are NULL together: such objects stay where
 * they are.
 *
 * `pack` gives a bytes value, which the caller takes; `unpack` makes an object of such bytes, which
 * are valid during the call only. Both fill `err` on failure, which becomes the
 * error of the task whose result it is.   Thread: any, also several at once; every process calls
 * them in the thread that runs tasks or asks for results.
 *
 * Of one type a context may say that its bytes are Python's pickles: then results that are such
 * objects travel as Python's own processes send them, and what those send, beyond the values that
 * are everybody's, becomes such an object. */
typedef struct dk_part {
    const void *data;
    size_t nbytes;
} dk_part;
/* What a packed object consists of, while it is on its way. */
typedef struct dk_parts dk_parts;
/* Adds bytes that stay where they are until `release` is called, by any thread.
 * Ownership: *takes* them, also on failure.   Errors: DK_ENOMEM. */
DK_API dk_status dk_parts_add(dk_parts *parts, const void *data, size_t nbytes,
                              void (*release)(void *self), void *self) DK_NODISCARD;

typedef struct dk_object_type {
    const char *name;
    void (*free)(void *object);
    dk_status (*pack)(dk_context *dk, void *object, dk_value *bytes, dk_error *err);
    dk_status (*unpack)(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                        dk_error *err);
    int64_t (*nbytes)(void *object); /* what it takes; NULL: nobody knows */
    bool is_pickle;
    /* Of pickles, both or neither: what is large need not be copied into one. The first part is the
     * pickle, the others are its buffers (protocol 5), in its order. A result that is such an
     * object travels so, and what Python's own processes send so is made an object. */
    dk_status (*pack_parts)(dk_context *dk, void *object, dk_parts *parts, dk_error *err);
    dk_status (*unpack_parts)(dk_context *dk, const dk_part *parts, size_t nparts, void **object,
                              dk_error *err);
} dk_object_type;

/* Wraps `object`, which `type->free` frees with the last reference (`type` must live as long).
 * Ownership: *takes* the object, also on failure.   Errors: DK_ENOMEM. */
DK_API dk_status dk_value_object(dk_context *dk, const dk_object_type *type, void *object,
                                 dk_value *out) DK_NODISCARD;

/* Makes objects of `type` able to leave their process: there the type is found by its name, so
 * every process registers it. It must live as long as the context. Errors: DK_EINVAL (another type
 * has the name; a name or a function is missing), DK_ENOMEM. */
DK_API dk_status dk_register_type(dk_context *dk, const dk_object_type *type,
                                  dk_error *err) DK_NODISCARD;

/* Adds a reference. */
DK_API dk_value dk_value_ref(dk_value value);
/* Drops one; the value must not be used after. */
DK_API void dk_value_unref(dk_value value);

/* The bytes of a text or bytes value, `*nbytes` long (texts are also terminated); NULL for other
 * kinds. Ownership: borrowed from the value. */
DK_API const char *dk_value_data(dk_value value, size_t *nbytes);

/* The items of a list or map, `*count` of them; NULL for other kinds.   Ownership: borrowed. */
DK_API const dk_value *dk_value_items(dk_value value, size_t *count);

/* What a map has under `key`; a null value when there is nothing.   Ownership: borrowed. */
DK_API dk_value dk_value_find(dk_value map, const char *key);

/* The object of an object value of `type`; NULL for anything else.   Ownership: borrowed. */
DK_API void *dk_value_as_object(dk_value value, const dk_object_type *type);

/* Bytes the value holds on the ledger, tables and items included, and what objects say. */
DK_API int64_t dk_value_nbytes(dk_value value);

/* Name of a kind ("text"), never NULL. */
DK_API const char *dk_kind_name(dk_kind kind);

#ifdef __cplusplus
}
#endif
#endif
