/* A record batch of four rows as another library hands it over: a column of each layout that is
 * shared, widened, scaled, unpacked or copied, some with nulls. */
#ifndef FOREIGN_TABLE_H
#define FOREIGN_TABLE_H

#include "out_of_memory.h"

enum { FOREIGN_NCOLUMNS = 10, FOREIGN_NROWS = 4 };

struct foreign {
    struct ArrowSchema schema;
    struct ArrowSchema child_schemas[FOREIGN_NCOLUMNS];
    struct ArrowSchema *schemas[FOREIGN_NCOLUMNS];
    struct ArrowArray array;
    struct ArrowArray children[FOREIGN_NCOLUMNS];
    struct ArrowArray *arrays[FOREIGN_NCOLUMNS];
    struct ArrowSchema words_schema;
    struct ArrowArray words;
};

static inline void foreign_release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static inline void foreign_release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static inline void foreign_column(struct foreign *foreign, size_t i, const char *name,
                                  const char *format, int64_t nbuffers, const void **buffers)
{
    foreign->child_schemas[i] = (struct ArrowSchema){.format = format, .name = name};
    foreign->schemas[i] = &foreign->child_schemas[i];
    foreign->children[i] = (struct ArrowArray){
        .length = FOREIGN_NROWS, .null_count = -1, .n_buffers = nbuffers, .buffers = buffers};
    foreign->arrays[i] = &foreign->children[i];
}

static inline void foreign_init(struct foreign *foreign)
{
    static const uint8_t not_the_third[] = {0x0b};
    static const uint8_t bits[] = {0x05};
    static const uint8_t codes[] = {1, 0, 0, 1};
    static const int32_t ends32[] = {0, 1, 2, 2, 5};
    static const int64_t ends64[] = {0, 1, 2, 2, 5};
    static const uint32_t small[] = {1, 2, 3, 4000000000u};
    static const int64_t numbers[] = {40, 10, 0, 20};
    static const double prices[] = {1.5, -2.5, 0, 1e20};
    static const struct {
        int32_t length;
        char text[12];
    } views[] = {{2, "ab"}, {0, ""}, {3, "cde"}, {1, "f"}};
    static const void *at[] = {NULL, numbers};
    static const void *flag[] = {NULL, bits};
    static const void *number[] = {not_the_third, numbers};
    static const void *count[] = {NULL, small};
    static const void *price[] = {not_the_third, prices};
    static const void *name[] = {not_the_third, ends32, "abcde"};
    static const void *title[] = {NULL, ends64, "vwxyz"};
    static const void *view[] = {NULL, views};
    static const void *code[] = {NULL, codes};
    static const void *rows[] = {NULL};
    *foreign = (struct foreign){.schema = {.format = "+s"}};
    foreign_column(foreign, 0, "at", "tsm:UTC", 2, at);
    foreign_column(foreign, 1, "flag", "b", 2, flag);
    foreign_column(foreign, 2, "number", "l", 2, number);
    foreign_column(foreign, 3, "count", "I", 2, count);
    foreign_column(foreign, 4, "price", "g", 2, price);
    foreign_column(foreign, 5, "name", "u", 3, name);
    foreign_column(foreign, 6, "title", "U", 3, title);
    foreign_column(foreign, 7, "view", "vu", 2, view);
    foreign_column(foreign, 8, "code", "C", 2, code);
    foreign_column(foreign, 9, "nothing", "n", 0, NULL);
    foreign->words_schema = (struct ArrowSchema){.format = "u"};
    foreign->words =
        (struct ArrowArray){.length = 3, .null_count = -1, .n_buffers = 3, .buffers = name};
    foreign->child_schemas[8].dictionary = &foreign->words_schema;
    foreign->children[8].dictionary = &foreign->words;
    foreign->schema.n_children = FOREIGN_NCOLUMNS;
    foreign->schema.children = foreign->schemas;
    foreign->schema.release = foreign_release_schema;
    foreign->array = (struct ArrowArray){.length = FOREIGN_NROWS,
                                         .n_buffers = 1,
                                         .n_children = FOREIGN_NCOLUMNS,
                                         .buffers = rows,
                                         .children = foreign->arrays,
                                         .release = foreign_release_array};
}

/* The batch as a table whose index is `index`, NULL: none. */
static inline dk_status foreign_table(dk_context *dk, const char *index, dk_table **out,
                                      dk_error *err)
{
    struct foreign foreign;
    foreign_init(&foreign);
    dk_status status = dk_table_from_arrow(dk, &foreign.schema, &foreign.array, index, out, err);
    assert_null(foreign.schema.release);
    assert_null(foreign.array.release);
    return status;
}

/* The same as a frame of `npartitions`. */
static inline dk_status foreign_frame(dk_context *dk, const char *index, int32_t npartitions,
                                      dk_frame *frame)
{
    dk_table *table = NULL;
    DK_TRY(foreign_table(dk, index, &table, NULL));
    *frame = dk_from_table(dk, table, npartitions);
    dk_table_unref(table);
    return DK_OK;
}

#endif
