/* Rounding to multiples of a fixed step. In a time series the next row nearly always rounds to what
 * the row before did, so the bounds of that answer are remembered and the division is left out. */
#include "column/kernels/datetime.h"
#include "column/kernels/validity.h"

/* Wide enough for every product here; the standard has no name for it. */
__extension__ typedef __int128 wide;

/* The values `first` to `last` all round to `result`. */
struct period {
    int64_t first;
    int64_t last;
    int64_t result;
};

static int64_t clamp(wide value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* `below` and `above`: how far from the result values still round to it. */
static bool make_period(wide result, int64_t below, int64_t above, struct period *out)
{
    out->first = clamp(result - below);
    out->last = clamp(result + above);
    out->result = clamp(result);
    return result > INT64_MIN && result <= INT64_MAX;
}

/* False when the result is out of range. */
static bool find_period(enum round_mode mode, int64_t value, int64_t unit, struct period *out)
{
    int64_t count = value / unit - (value % unit < 0);
    wide base = (wide)count * unit;
    int64_t rest = (int64_t)(value - base), half = unit / 2;
    if (mode == ROUND_FLOOR)
        return make_period(base, 0, unit - 1, out);
    if (mode == ROUND_CEIL)
        return make_period(base + (rest ? unit : 0), unit - 1, 0, out);
    bool even_unit = unit % 2 == 0, odd_count = count & 1;
    bool up = rest > half || (rest == half && even_unit && odd_count);
    /* A tie belongs to the even neighbour, so an odd count reaches one nanosecond less far. */
    int64_t reach = half - (even_unit && odd_count != up);
    return make_period(base + (up ? unit : 0), reach, reach, out);
}

/* Rounds rows from `i` on until one does not fall into `period`; returns its number. */
static int64_t round_run(const int64_t *restrict in, int64_t *restrict out, int64_t i,
                         int64_t nrows, const struct period *period)
{
    uint64_t first = (uint64_t)period->first, span = (uint64_t)period->last - first;
    int64_t result = period->result;
    while (i < nrows && (uint64_t)in[i] - first <= span)
        out[i++] = result;
    return i;
}

static bool round_rows(enum round_mode mode, const struct view *in, int64_t unit, int64_t *out)
{
    const int64_t *values = in->data;
    struct period period;
    for (int64_t i = 0; i < in->nrows;) {
        if (view_is_null(in, i)) {
            out[i++] = 0;
            continue;
        }
        if (!find_period(mode, values[i], unit, &period))
            return false;
        i = round_run(values, out, i, in->nrows, &period);
    }
    return true;
}

dk_status round_apply(enum round_mode mode, const struct view *in, int64_t unit_ns, struct vec *out,
                      dk_error *err)
{
    if (in->type != DK_TIMESTAMP && in->type != DK_DURATION)
        return error_set(err, DK_ETYPE,
                         "cannot round %s: only timestamps and durations have a step",
                         dk_type_name(in->type));
    if (unit_ns <= 0)
        return error_set(err, DK_EINVAL, "cannot round to a step of %lld ns: it must be positive",
                         (long long)unit_ns);
    if (vec_reset(out, in->nrows) != DK_OK)
        return error_nomem(err);
    if (!round_rows(mode, in, unit_ns, out->data))
        return error_set(err, DK_EOVERFLOW,
                         "a rounded value is outside the range of 64-bit nanoseconds "
                         "(1677-09-21 to 2262-04-11)");
    validity_merge(out, in, NULL);
    return DK_OK;
}
