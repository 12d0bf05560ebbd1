/* Dense arithmetic of one integer type.
 *  T     the type
 *  W     an unsigned type at least as wide as int and T: computing in it wraps without undefined
 * behaviour NAME  (operation) -> function name SIGNED  defined for signed types: floor division
 * then follows Python's sign rule */

static void NAME(add)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = (T)((W)a[i] + (W)b[i]);
}

static void NAME(sub)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = (T)((W)a[i] - (W)b[i]);
}

static void NAME(mul)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = (T)((W)a[i] * (W)b[i]);
}

/* Divisors 0 give 0 here; the caller marks those rows. -1 is left to negation, which wraps where
 * the processor's division would trap. */
static void NAME(floordiv)(const void *restrict left, const void *restrict right,
                           void *restrict result, int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++) {
        if (b[i] == 0) {
            out[i] = 0;
#ifdef SIGNED
        } else if (b[i] == -1) {
            out[i] = (T)(0 - (W)a[i]);
        } else {
            bool below = a[i] % b[i] != 0 && (a[i] < 0) != (b[i] < 0);
            out[i] = (T)(a[i] / b[i] - below);
        }
#else
        } else {
            out[i] = a[i] / b[i];
        }
#endif
    }
}

static void NAME(mod)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++) {
#ifdef SIGNED
        T rest = 0;
        if (b[i] != 0 && b[i] != -1)
            rest = (T)(a[i] % b[i]);
        out[i] = (T)(rest != 0 && (rest < 0) != (b[i] < 0) ? rest + b[i] : rest);
#else
        out[i] = b[i] == 0 ? 0 : a[i] % b[i];
#endif
    }
}

/* By squaring; exponents are not negative where the row counts, and any value may stand where it
 * does not. */
static void NAME(pow)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++) {
        W base = (W)a[i], power = 1;
        for (W exponent = (W)b[i]; exponent; exponent >>= 1) {
            if (exponent & 1)
                power *= base;
            base *= base;
        }
        out[i] = (T)power;
    }
}

static const dense_fn NAME(bodies)[] = {
    [OP_ADD] = NAME(add),           [OP_SUB] = NAME(sub), [OP_MUL] = NAME(mul),
    [OP_FLOORDIV] = NAME(floordiv), [OP_MOD] = NAME(mod), [OP_POW] = NAME(pow),
};

#undef T
#undef W
#undef NAME
#undef SIGNED
