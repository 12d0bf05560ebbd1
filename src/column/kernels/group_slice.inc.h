/* The best value of a slice, with one instruction set: define SLICE (the function's name),
 * SLICE_TARGET, T, MASK (the signed integer as wide as T), BETTER(a, b) and WORST (never better
 * than a value); the first two and BETTER and WORST are undefined at the end. NaN is never better,
 * so it is passed over. */

SLICE_TARGET static T SLICE(const T *values, int64_t n)
{
    enum { LANES = 32 / sizeof(T), UNROLL = 4 };
    typedef T lanes __attribute__((vector_size(32)));
    typedef T unaligned_lanes __attribute__((vector_size(32), aligned(sizeof(T))));
    typedef MASK mask __attribute__((vector_size(32)));
    T result = WORST;
    int64_t i = 0;
    if (n >= UNROLL * LANES) {
        lanes best[UNROLL];
        for (int k = 0; k < UNROLL; k++)
            best[k] = (lanes){0} + (T)(WORST);
        for (; i + UNROLL * LANES <= n; i += UNROLL * LANES) {
            for (int k = 0; k < UNROLL; k++) {
                lanes x = *(const unaligned_lanes *)(values + i + k * LANES);
                mask better = (mask)(BETTER(x, best[k]));
                best[k] = (lanes)(((mask)x & better) | ((mask)best[k] & ~better));
            }
        }
        for (int k = 0; k < UNROLL; k++)
            for (int lane = 0; lane < LANES; lane++)
                result = BETTER(best[k][lane], result) ? best[k][lane] : result;
    }
    for (; i < n; i++)
        result = BETTER(values[i], result) ? values[i] : result;
    return result;
}

#undef SLICE
#undef SLICE_TARGET
#undef BETTER
#undef WORST
