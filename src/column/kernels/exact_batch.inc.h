/* One instruction set's exact_batch_sum(): define BATCH(name) to name its functions and
 * BATCH_TARGET to select the instructions, both undefined at the end. */

/* The largest magnitude and the number of values; NaNs are passed over, as no comparison with them
 * holds. */
BATCH_TARGET static double BATCH(largest)(const double *values, int64_t n, int64_t *nvalues)
{
    lanes top[2] = {{0}, {0}};
    mask present[2] = {{0}, {0}};
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        for (int k = 0; k < 2; k++) {
            lanes x = *(const unaligned_lanes *)(values + i + k * LANES);
            lanes magnitude = (lanes)((mask)x & magnitude_bits);
            top[k] = pick(magnitude > top[k], magnitude, top[k]);
            present[k] += x == x;
        }
    }
    double result = 0;
    int64_t count = 0;
    for (int k = 0; k < 2 * LANES; k++) {
        result = fmax(result, top[k / LANES][k % LANES]);
        count -= present[k / LANES][k % LANES];
    }
    for (; i < n; i++) {
        result = fabs(values[i]) > result ? fabs(values[i]) : result;
        count += values[i] == values[i];
    }
    *nvalues = count;
    return result;
}

/* Sums the two cuts of every value; false when something was left below the second. */
BATCH_TARGET static bool BATCH(cut)(const double *values, int64_t n, double first, double second,
                                    struct exact_batch *out)
{
    lanes high[2] = {{0}, {0}}, low[2] = {{0}, {0}}, left[2] = {{0}, {0}};
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        for (int k = 0; k < 2; k++) {
            lanes x = *(const unaligned_lanes *)(values + i + k * LANES);
            x = (lanes)((mask)x & (x == x));
            lanes head = (x + first) - first;
            x -= head;
            lanes next = (x + second) - second;
            high[k] += head;
            low[k] += next;
            left[k] += (lanes)((mask)(x - next) & magnitude_bits);
        }
    }
    double heads = 0, nexts = 0, rest = 0;
    for (int k = 0; k < 2 * LANES; k++) {
        heads += high[k / LANES][k % LANES];
        nexts += low[k / LANES][k % LANES];
        rest += left[k / LANES][k % LANES];
    }
    for (; i < n; i++) {
        double x = values[i] == values[i] ? values[i] : 0;
        double head = (x + first) - first;
        double next = ((x - head) + second) - second;
        heads += head;
        nexts += next;
        rest += fabs((x - head) - next);
    }
    out->high = heads;
    out->low = nexts;
    return rest == 0;
}

#undef BATCH
#undef BATCH_TARGET
