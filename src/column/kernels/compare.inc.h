/* Dense comparisons of two types: A values on the left, B values on the right.
 *  LESS(x, y), LESS_EQUAL(x, y), EQUAL(x, y)  on one value of each
 *  NAME  (operation) -> function name */

static void NAME(eq)(const void *restrict left, const void *restrict right, uint8_t *restrict out,
                     int64_t n)
{
    const A *restrict a = left;
    const B *restrict b = right;
    for (int64_t i = 0; i < n; i++)
        out[i] = EQUAL(a[i], b[i]);
}

static void NAME(ne)(const void *restrict left, const void *restrict right, uint8_t *restrict out,
                     int64_t n)
{
    const A *restrict a = left;
    const B *restrict b = right;
    for (int64_t i = 0; i < n; i++)
        out[i] = !EQUAL(a[i], b[i]);
}

static void NAME(lt)(const void *restrict left, const void *restrict right, uint8_t *restrict out,
                     int64_t n)
{
    const A *restrict a = left;
    const B *restrict b = right;
    for (int64_t i = 0; i < n; i++)
        out[i] = LESS(a[i], b[i]);
}

static void NAME(le)(const void *restrict left, const void *restrict right, uint8_t *restrict out,
                     int64_t n)
{
    const A *restrict a = left;
    const B *restrict b = right;
    for (int64_t i = 0; i < n; i++)
        out[i] = LESS_EQUAL(a[i], b[i]);
}

static const test_fn NAME(bodies)[] = {
    [OP_EQ - OP_EQ] = NAME(eq),
    [OP_NE - OP_EQ] = NAME(ne),
    [OP_LT - OP_EQ] = NAME(lt),
    [OP_LE - OP_EQ] = NAME(le),
};

#undef A
#undef B
#undef NAME
