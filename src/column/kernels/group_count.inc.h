/* Counting floats that are not NaN: define T and NAME(function), undefined at the end. */

static void NAME(count)(uint64_t *counts, const struct group_rows *rows, const void *data)
{
    const T *values = data;
    if (rows->scattered) {
        for (int64_t i = 0; i < rows->nrows; i++)
            if (rows->groups[i] != GROUP_NONE)
                counts[rows->groups[i]] += !isnan(values[i]);
        return;
    }
    for (int32_t i = 0; i < rows->nruns; i++) {
        uint64_t count = 0;
        for (int32_t row = rows->starts[i]; row < rows->ends[i]; row++)
            count += !isnan(values[row]);
        counts[rows->groups[i]] += count;
    }
}

#undef T
#undef NAME
