/* Dense sign operations of one type.
 *  T         the type
 *  MINUS(x)  its negation
 *  MAGNITUDE(x)  its absolute value
 *  NAME      (operation) -> function name */

static void NAME(neg)(const void *restrict values, void *restrict result, int64_t n)
{
    const T *restrict in = values;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = MINUS(in[i]);
}

static void NAME(abs)(const void *restrict values, void *restrict result, int64_t n)
{
    const T *restrict in = values;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = MAGNITUDE(in[i]);
}

#undef T
#undef MINUS
#undef MAGNITUDE
#undef NAME
