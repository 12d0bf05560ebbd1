/* Dense arithmetic of one float type.
 *  T     the type
 *  F     (function) -> the C library's function for the type
 *  NAME  (operation) -> function name */

static void NAME(add)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

static void NAME(sub)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] - b[i];
}

static void NAME(mul)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] * b[i];
}

static void NAME(div)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] / b[i];
}

/* Python's remainder: the sign of the divisor, also for a zero. */
static inline T NAME(rest)(T a, T b)
{
    T rest = F(fmod)(a, b);
    if (rest == 0)
        return F(copysign)(0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

static void NAME(mod)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = NAME(rest)(a[i], b[i]);
}

/* The quotient is taken of what the remainder leaves, so that a == (a // b) * b + a % b also where
 * a / b rounds up to an integer; x // 0 is x / 0. */
static inline T NAME(quotient)(T a, T b)
{
    if (b == 0)
        return a / b;
    T rest = F(fmod)(a, b);
    T exact = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0))
        exact -= 1;
    if (exact == 0)
        return F(copysign)(0, a / b);
    T below = F(floor)(exact);
    return exact - below > (T)0.5 ? below + 1 : below;
}

static void NAME(floordiv)(const void *restrict left, const void *restrict right,
                           void *restrict result, int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = NAME(quotient)(a[i], b[i]);
}

static void NAME(pow)(const void *restrict left, const void *restrict right, void *restrict result,
                      int64_t n)
{
    const T *restrict a = left, *restrict b = right;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = F(pow)(a[i], b[i]);
}

/* The powers 2, 0.5 and -1 as literals, as numpy computes them: faster, and sqrt(-0.0) is -0.0. */
static void NAME(square)(const void *restrict left, const void *restrict right,
                         void *restrict result, int64_t n)
{
    (void)right;
    NAME(mul)(left, left, result, n);
}

static void NAME(root)(const void *restrict left, const void *restrict right, void *restrict result,
                       int64_t n)
{
    (void)right;
    const T *restrict a = left;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = F(sqrt)(a[i]);
}

static void NAME(reciprocal)(const void *restrict left, const void *restrict right,
                             void *restrict result, int64_t n)
{
    (void)right;
    const T *restrict a = left;
    T *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = 1 / a[i];
}

static dense_fn NAME(pow_literal)(T exponent)
{
    if (exponent == 2)
        return NAME(square);
    if (exponent == (T)0.5)
        return NAME(root);
    return exponent == -1 ? NAME(reciprocal) : NAME(pow);
}

static const dense_fn NAME(bodies)[] = {
    [OP_ADD] = NAME(add), [OP_SUB] = NAME(sub),           [OP_MUL] = NAME(mul),
    [OP_DIV] = NAME(div), [OP_FLOORDIV] = NAME(floordiv), [OP_MOD] = NAME(mod),
    [OP_POW] = NAME(pow),
};

#undef T
#undef F
#undef NAME
