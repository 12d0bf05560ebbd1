/* What a table keeps alive, in bytes. */
#include "column/table.h"

#define MAX_BUFFERS 6 /* data, offsets, validity, and the same of a dictionary */

static int list_buffers(const struct column *column, const struct buffer *buffers[MAX_BUFFERS])
{
    int count = 0;
    for (; column; column = column->dictionary) {
        const struct buffer *parts[3] = {column->data, column->offsets, column->validity};
        for (int i = 0; i < 3; i++) {
            if (parts[i])
                buffers[count++] = parts[i];
        }
    }
    return count;
}

static bool holds(const struct column *column, const struct buffer *buffer)
{
    const struct buffer *buffers[MAX_BUFFERS];
    int count = list_buffers(column, buffers);
    for (int i = 0; i < count; i++) {
        if (buffers[i] == buffer)
            return true;
    }
    return false;
}

/* Column `i`; the index comes after the columns, NULL when there is none. */
static const struct column *column_at(const dk_table *table, int32_t i)
{
    return i < table->ncolumns ? table->columns[i] : table->index;
}

/* Only a buffer or dictionary with several references can also be in a column before. */
static bool counted_before(const dk_table *table, int32_t column, const struct buffer *buffer)
{
    for (int32_t i = 0; i < column; i++) {
        if (holds(table->columns[i], buffer))
            return true;
    }
    return false;
}

static bool is_shared(const struct column *column)
{
    if (atomic_load_explicit(&column->refs, memory_order_relaxed) > 1)
        return true;
    if (column->dictionary && is_shared(column->dictionary))
        return true;
    const struct buffer *buffers[MAX_BUFFERS];
    int count = list_buffers(column, buffers);
    for (int i = 0; i < count; i++) {
        if (atomic_load_explicit(&buffers[i]->refs, memory_order_relaxed) > 1)
            return true;
    }
    return false;
}

int64_t dk_table_nbytes(const dk_table *table)
{
    int64_t nbytes = 0;
    for (int32_t c = 0; c <= table->ncolumns; c++) {
        const struct column *column = column_at(table, c);
        if (!column)
            continue;
        bool shared = is_shared(column);
        const struct buffer *buffers[MAX_BUFFERS];
        int count = list_buffers(column, buffers);
        for (int i = 0; i < count; i++) {
            if (shared && counted_before(table, c, buffers[i]))
                continue;
            nbytes += (int64_t)buffers[i]->nbytes;
        }
    }
    return nbytes;
}
