/* What strangers put into the buffers of a table. */
#include "column/table_codec.h"

/* Every value true or false, as the loops rely on. */
static bool bools_are_bools(const struct view *view)
{
    const uint8_t *values = view->data;
    uint8_t all = 0;
    for (int64_t i = 0; i < view->nrows; i++)
        all |= values[i];
    return all <= 1;
}

static bool offsets_ascend(const struct column *column)
{
    const int64_t *offsets = column->view.offsets;
    bool ascend = offsets[0] == 0;
    for (int64_t i = 0; i < column->view.nrows; i++)
        ascend &= offsets[i] <= offsets[i + 1];
    return ascend && (uint64_t)offsets[column->view.nrows] <= column->data->nbytes;
}

static bool codes_have_words(const struct view *view)
{
    const int32_t *codes = view->data;
    int64_t nwords = view->dictionary ? view->dictionary->view.nrows : 0;
    for (int64_t i = 0; i < view->nrows; i++) {
        if (!view_is_null(view, i) && (codes[i] < 0 || codes[i] >= nwords))
            return false;
    }
    return true;
}

/* The words of a dictionary are all there. */
static bool words_are_there(const struct column *dictionary)
{
    return !dictionary ||
           (offsets_ascend(dictionary) && view_count_missing(&dictionary->view) == 0);
}

static bool column_is_sound(const struct column *column)
{
    switch (column->view.type) {
    case DK_BOOL:
        return bools_are_bools(&column->view);
    case DK_TEXT:
        return offsets_ascend(column);
    case DK_CATEGORY:
        return codes_have_words(&column->view) && words_are_there(column->view.dictionary);
    default:
        return true;
    }
}

dk_status table_check(const dk_table *table, dk_error *err)
{
    if (table->index && !column_is_sound(table->index))
        return error_set(err, DK_EPARSE, "the index of a table is damaged");
    for (int32_t i = 0; i < table->ncolumns; i++) {
        if (column_is_sound(table->columns[i]))
            continue;
        return error_set(err, DK_EPARSE, "column '%s' of a table is damaged",
                         table->names[i] ? table->names[i] : "");
    }
    return DK_OK;
}
