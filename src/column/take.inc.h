/* Parameters: TAKE (name of the function), TYPE (of the same width as the values). */

static void TAKE(void *to_values, const void *from_values, const int64_t *rows, int64_t nrows,
                 bool holes)
{
    TYPE *to = to_values;
    const TYPE *from = from_values;
    if (!holes) {
        for (int64_t i = 0; i < nrows; i++)
            to[i] = from[rows[i]];
        return;
    }
    for (int64_t i = 0; i < nrows; i++)
        to[i] = rows[i] < 0 ? 0 : from[rows[i]];
}

#undef TAKE
#undef TYPE
