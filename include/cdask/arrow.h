/* Exchange with any Arrow library in this process, by the Arrow C data interface. */
#ifndef CDASK_ARROW_H
#define CDASK_ARROW_H

#include <cdask/context.h>
#include <cdask/table.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

/* Layouts fixed by the specification (https://arrow.apache.org/docs/format/CDataInterface.html). */
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

/* Exports `table` as a struct array: the columns, then the index as a last column when the table
 * has one (named as the index, "__index_level_0__" when unnamed). Schema metadata key "cdask.index"
 * holds that column's name, "cdask.series" is "1" for a series. Buffers are shared, except that
 * bool columns are packed.
 *
 * Ownership: the caller releases both structures by their release callbacks; they keep the buffers
 * alive, also beyond dk_table_unref().   Thread: any; release may be called from any thread, before
 * dk_close(). Errors: DK_ENOMEM. */
DK_API dk_status dk_table_to_arrow(dk_table *table, struct ArrowSchema *schema,
                                   struct ArrowArray *array, dk_error *err) DK_NODISCARD;

/* Imports a struct array (a record batch) as a table of the context's ledger. Types that have an
 * equal in cdask share their buffers; others are converted (packed bools, 32-bit text offsets,
 * unsigned 8 to 32 bits to the next wider signed type, timestamps of other units to ns, float nulls
 * to NaN) or refused by name. `index` names the column that becomes the index; NULL: rows are
 * numbered.
 *
 * Ownership: takes both structures (their release becomes NULL), also on failure; `*out` is the
 * caller's. Thread: any. Errors: DK_ENOTSUP (names column and format), DK_ECOLUMN, DK_EOVERFLOW,
 * DK_ENOMEM. */
DK_API dk_status dk_table_from_arrow(dk_context *dk, struct ArrowSchema *schema,
                                     struct ArrowArray *array, const char *index, dk_table **out,
                                     dk_error *err) DK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
