/* The parts of an import: who keeps the foreign bytes, what a format means, one column. */
#ifndef IO_ARROW_IMPORT_H
#define IO_ARROW_IMPORT_H

#include <cdask/arrow.h>

#include "column/table.h"

/* The foreign array, alive until the last buffer that borrows from it has gone. */
struct arrow_owner {
    atomic_int refs;
    struct memory *memory;
    struct ArrowArray array;
};

/* Moves `array` in, also on failure (it is released then). */
struct arrow_owner *arrow_owner_new(struct memory *memory, struct ArrowArray *array) DK_NODISCARD;
struct arrow_owner *arrow_owner_ref(struct arrow_owner *owner);
void arrow_owner_unref(void *ptr);

/* How the values come over. */
enum arrow_way {
    ARROW_SHARE,
    ARROW_NOTHING, /* type null */
    ARROW_BITS,    /* packed booleans */
    ARROW_UINT8,   /* to the next wider signed type */
    ARROW_UINT16,
    ARROW_UINT32,
    ARROW_SCALE32, /* times `factor` to nanoseconds */
    ARROW_SCALE64,
    ARROW_TEXT32, /* offsets widened */
    ARROW_TEXT64,
    ARROW_TEXT_VIEW,
};

struct arrow_format {
    dk_type type;
    enum arrow_way way;
    int64_t factor;
};

/* False when no column type of ours can hold the format. Dictionaries: the format of the codes or
 * words. */
bool arrow_format_find(const char *format, struct arrow_format *out);

/* One column to import: rows [offset, offset + nrows) of `array`. */
struct arrow_source {
    struct arrow_owner *owner;
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    struct arrow_format format;
    int64_t offset;
    int64_t nrows;
    const char *name; /* for errors */
    dk_error *err;
};

dk_status arrow_import_column(struct arrow_source *source, struct column **out) DK_NODISCARD;
/* A column whose schema has a dictionary. */
dk_status arrow_import_dictionary(const struct arrow_source *source,
                                  struct column **out) DK_NODISCARD;
/* Text of any layout. */
dk_status arrow_import_text(const struct arrow_source *source, struct column **out) DK_NODISCARD;

/* A buffer of foreign bytes that keeps the owner. */
struct buffer *arrow_share(const struct arrow_source *source, const void *bytes,
                           size_t nbytes) DK_NODISCARD;
/* The same for values of `width` bytes. Bytes that come from a file or a message may lie at any
 * address, and our loops want whole values: those are copied. */
struct buffer *arrow_share_aligned(const struct arrow_source *source, const void *bytes,
                                   size_t nbytes, size_t width) DK_NODISCARD;
bool arrow_has_nulls(const struct arrow_source *source);
/* A column of `type` on `data` (and `offsets`; taken also on failure) with the source's nulls. */
dk_status arrow_make_column(const struct arrow_source *source, dk_type type, struct buffer *data,
                            struct buffer *offsets, struct column **out) DK_NODISCARD;
/* A column of no rows, or of missing values only. */
dk_status arrow_make_empty(const struct arrow_source *source, dk_type type, int64_t nmissing,
                           struct column **out) DK_NODISCARD;

#endif
