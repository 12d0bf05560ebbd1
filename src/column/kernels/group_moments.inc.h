/* Exact sums of integers of one type: define T, NAME(function), LOW(value) and HIGH(value), whose
 * sums over a block fit an int64 and for which value = HIGH * 2^32 + LOW, and SQUARE(value);
 * undefined at the end. */

static dk_status NAME(add_slice)(struct moment *moment, struct exact_sum *square, const void *data,
                                 int64_t n, struct memory *memory)
{
    const T *values = data;
    int64_t low = 0, high = 0;
    for (int64_t i = 0; i < n; i++) {
        low += LOW(values[i]);
        high += HIGH(values[i]);
    }
    moment->count += n;
    DK_TRY(exact_sum_add_scaled(&moment->sum, (int128)high * ((int64_t)1 << 32) + low, 0, memory));
    for (int64_t i = 0; square && i < n; i++)
        DK_TRY(SQUARE(square, values[i], memory));
    return DK_OK;
}

#undef T
#undef NAME
#undef LOW
#undef HIGH
#undef SQUARE
