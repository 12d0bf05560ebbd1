/* Adding integers of one type: define T and NAME(function), undefined at the end. Sums wrap as
 * 64-bit integers do, numpy's semantics. */

static void NAME(sum)(uint64_t *sums, const struct group_rows *rows, const void *data)
{
    const T *values = data;
    if (rows->scattered) {
        for (int64_t i = 0; i < rows->nrows; i++)
            if (rows->groups[i] != GROUP_NONE)
                sums[rows->groups[i]] += (uint64_t)values[i];
        return;
    }
    for (int32_t i = 0; i < rows->nruns; i++) {
        uint64_t sum = 0;
        for (int32_t row = rows->starts[i]; row < rows->ends[i]; row++)
            sum += (uint64_t)values[row];
        sums[rows->groups[i]] += sum;
    }
}

#undef T
#undef NAME
