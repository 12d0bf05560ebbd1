/* Values to send, and whether what came back is the same. */
#ifndef PAYLOAD_SUPPORT_H
#define PAYLOAD_SUPPORT_H

#include <string.h>

#include "../column/column_support.h"
#include "column/table_codec.h"
#include "graph/value.h"

/* Bit for bit, tables included: what is written of both is the same. */
static inline bool tables_equal(const dk_table *a, const dk_table *b)
{
    struct writer writers[2];
    struct pieces pieces[2];
    const dk_table *tables[2] = {a, b};
    char *buffers[2];
    for (int i = 0; i < 2; i++) {
        writer_init(&writers[i], a->memory);
        pieces_init(&pieces[i], a->memory);
        assert_int_equal(table_put(&writers[i], &pieces[i], tables[i]), DK_OK);
        buffers[i] = malloc(pieces[i].nbytes + 1);
        pieces_copy(&pieces[i], buffers[i]);
    }
    bool equal = writers[0].bytes.count == writers[1].bytes.count &&
                 memcmp(writers[0].bytes.data, writers[1].bytes.data, writers[0].bytes.count) == 0;
    equal = equal && pieces[0].nbytes == pieces[1].nbytes &&
            memcmp(buffers[0], buffers[1], pieces[0].nbytes) == 0;
    for (int i = 0; i < 2; i++) {
        free(buffers[i]);
        pieces_deinit(&pieces[i]);
        writer_deinit(&writers[i]);
    }
    return equal;
}

static inline bool values_equal(dk_value a, dk_value b)
{
    size_t na = 0;
    size_t nb = 0;
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case DK_KIND_NULL:
        return true;
    case DK_KIND_BOOL:
        return a.as.boolean == b.as.boolean;
    case DK_KIND_INT:
    case DK_KIND_FLOAT:
        return a.as.integer == b.as.integer;
    case DK_KIND_TEXT:
    case DK_KIND_BYTES: {
        const char *bytes = dk_value_data(a, &na);
        const char *others = dk_value_data(b, &nb);
        return na == nb && memcmp(bytes, others, na) == 0;
    }
    case DK_KIND_TABLE:
        return tables_equal(a.as.table, b.as.table);
    case DK_KIND_TASK:
        return a.as.task == b.as.task;
    default: {
        const dk_value *items = dk_value_items(a, &na);
        const dk_value *others = dk_value_items(b, &nb);
        bool equal = na == nb && items && others;
        for (size_t i = 0; equal && i < na; i++)
            equal = values_equal(items[i], others[i]);
        return equal;
    }
    }
}

#endif
