#include "column/kernels/exact_sum.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "column/kernels/exact_batch.h"
#include "column/kernels/exact_wide.h"

static bool is_special(double value)
{
    return exact_split(value).exponent == EXACT_SPECIAL_EXPONENT;
}

void exact_sum_init(struct exact_sum *sum)
{
    *sum = (struct exact_sum){0};
}

void exact_sum_deinit(struct exact_sum *sum, struct memory *memory)
{
    memory_free(memory, sum->wide, sizeof *sum->wide);
    *sum = (struct exact_sum){0};
}

/* `value` shifted left, or right by a negative shift, when that loses no bit. */
static bool shift_exactly(int128 value, int32_t shift, int128 *out)
{
    if (shift >= 0) {
        *out = shift < 128 ? (int128)((uint128)value << shift) : 0;
        return shift < 128 && (*out >> shift) == value;
    }
    *out = shift > -128 ? value >> -shift : 0;
    return shift > -128 && (int128)((uint128)*out << -shift) == value;
}

/* Puts the window's lowest bit at `base`, when what it holds allows it. */
static bool move_window(struct exact_sum *sum, int32_t base)
{
    int128 moved;
    if (!shift_exactly(sum->window, sum->base - base, &moved))
        return false;
    sum->window = moved;
    sum->base = base;
    return true;
}

static bool add_to_window(struct exact_sum *sum, int128 mantissa, int32_t exponent)
{
    int128 shifted, total;
    if (!shift_exactly(mantissa, exponent - sum->base, &shifted))
        return false;
    if (__builtin_add_overflow(sum->window, shifted, &total))
        return false;
    sum->window = total;
    return true;
}

/* Empties the window into the superaccumulator. */
static dk_status flush_window(struct exact_sum *sum, struct memory *memory)
{
    if (!sum->wide) {
        sum->wide = memory_calloc(memory, sizeof *sum->wide);
        if (!sum->wide)
            return DK_ENOMEM;
    }
    exact_wide_add(sum->wide, sum->window, sum->base);
    sum->window = 0;
    return DK_OK;
}

/* The lowest base from which `mantissa`, about 2^bits large, still has room above it. */
static int32_t base_for(int128 mantissa, int32_t exponent)
{
    uint128 magnitude = mantissa < 0 ? -(uint128)mantissa : (uint128)mantissa;
    uint64_t high = (uint64_t)(magnitude >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)magnitude | 1);
    int32_t base = exponent - (127 - bits) / 2;
    return base < EXACT_WIDE_LOWEST ? EXACT_WIDE_LOWEST : base;
}

dk_status exact_sum_add_scaled(struct exact_sum *sum, int128 mantissa, int32_t exponent,
                               struct memory *memory)
{
    if (!mantissa)
        return DK_OK;
    if (!sum->window)
        sum->base = base_for(mantissa, exponent);
    if (add_to_window(sum, mantissa, exponent))
        return DK_OK;
    if (exponent < sum->base && move_window(sum, exponent) &&
        add_to_window(sum, mantissa, exponent))
        return DK_OK;
    DK_TRY(flush_window(sum, memory));
    sum->base = base_for(mantissa, exponent);
    return add_to_window(sum, mantissa, exponent) ? DK_OK : DK_EOVERFLOW;
}

dk_status exact_sum_add(struct exact_sum *sum, double value, struct memory *memory)
{
    struct exact_scaled scaled = exact_split(value);
    if (exact_sum_add_quick(sum, value))
        return DK_OK;
    if (scaled.exponent != EXACT_SPECIAL_EXPONENT)
        return exact_sum_add_scaled(sum, scaled.mantissa, scaled.exponent, memory);
    sum->special += value;
    return DK_OK;
}

dk_status exact_sum_add_int(struct exact_sum *sum, int64_t value, struct memory *memory)
{
    return exact_sum_add_scaled(sum, value, 0, memory);
}

dk_status exact_sum_add_product(struct exact_sum *sum, double a, double b, struct memory *memory)
{
    struct exact_scaled x = exact_split(a), y = exact_split(b);
    int128 mantissa = (int128)x.mantissa * y.mantissa;
    int32_t exponent = x.exponent + y.exponent;
    double product = a * b;
    if (is_special(product)) {
        sum->special += product;
        return DK_OK;
    }
    if (exponent < -1074) {
        int32_t lost = -1074 - exponent;
        mantissa = lost < 127 ? mantissa >> lost : 0;
        exponent = -1074;
    }
    if (exact_sum_fits(sum, mantissa, exponent, 20))
        return DK_OK;
    return exact_sum_add_scaled(sum, mantissa, exponent, memory);
}

static dk_status add_each(struct exact_sum *sum, const double *values, int64_t n, bool skip_nan,
                          int64_t *added, struct memory *memory)
{
    for (int64_t i = 0; i < n; i++) {
        if (skip_nan && isnan(values[i]))
            continue;
        if (!exact_sum_add_quick(sum, values[i]))
            DK_TRY(exact_sum_add(sum, values[i], memory));
        ++*added;
    }
    return DK_OK;
}

dk_status exact_sum_add_many(struct exact_sum *sum, const double *values, int64_t n, bool skip_nan,
                             int64_t *added, struct memory *memory)
{
    *added = 0;
    for (int64_t at = 0; at < n; at += EXACT_BATCH_MAX) {
        int64_t count = n - at < EXACT_BATCH_MAX ? n - at : EXACT_BATCH_MAX;
        struct exact_batch batch;
        if (count < EXACT_BATCH_MIN || !exact_batch_sum(values + at, count, &batch) ||
            (!skip_nan && batch.nvalues < count)) {
            DK_TRY(add_each(sum, values + at, count, skip_nan, added, memory));
            continue;
        }
        DK_TRY(exact_sum_add(sum, batch.high, memory));
        DK_TRY(exact_sum_add(sum, batch.low, memory));
        *added += batch.nvalues;
    }
    return DK_OK;
}

dk_status exact_sum_merge(struct exact_sum *sum, const struct exact_sum *other,
                          struct memory *memory)
{
    sum->special += other->special;
    if (other->wide) {
        DK_TRY(flush_window(sum, memory));
        exact_wide_merge(sum->wide, other->wide);
    }
    return exact_sum_add_scaled(sum, other->window, other->base, memory);
}

/* True when the window is all there is and lies well inside the range of doubles, where it can be
 * rounded as an integer and every rounding of what is left takes 53 bits away. */
bool exact_sum_is_narrow(const struct exact_sum *sum)
{
    int128 limit = (int128)1 << 126;
    return !sum->wide && sum->base < 800 && sum->window < limit && sum->window > -limit;
}

static void collect(const struct exact_sum *sum, struct exact_wide *out)
{
    if (sum->wide)
        *out = *sum->wide;
    else
        memset(out, 0, sizeof *out);
    exact_wide_add(out, sum->window, sum->base);
}

double exact_sum_round(const struct exact_sum *sum)
{
    struct exact_wide total;
    if (sum->special != 0 || isnan(sum->special))
        return sum->special;
    if (exact_sum_is_narrow(sum))
        return exact_scale((double)sum->window, sum->base);
    collect(sum, &total);
    return exact_wide_round(&total);
}

float exact_sum_round_float(const struct exact_sum *sum)
{
    double parts[EXACT_SUM_MAX_PARTS];
    int nparts = exact_sum_parts(sum, parts);
    double head = parts[0];
    uint64_t bits;
    memcpy(&bits, &head, sizeof bits);
    if (nparts > 1 && !(bits & 1) && isfinite(head)) {
        /* Rounding to odd first: a double whose last bit says that something was cut off below
         * rounds to the same float as the exact sum does. Toward zero, then odd. */
        bits = signbit(parts[1]) == signbit(head) ? bits | 1 : bits - 1;
        memcpy(&head, &bits, sizeof head);
    }
    return (float)head;
}

static int narrow_parts(const struct exact_sum *sum, double *parts)
{
    int128 rest = sum->window;
    int n = 0;
    do {
        double head = (double)rest;
        parts[n++] = exact_scale(head, sum->base);
        rest -= (int128)head;
    } while (rest);
    return n;
}

static int wide_parts(struct exact_wide *rest, double *parts)
{
    double head = exact_wide_round(rest);
    int n = 0;
    parts[0] = 0;
    for (; head != 0 && n < EXACT_SUM_MAX_PARTS; head = exact_wide_round(rest)) {
        /* A sum beyond the largest double is cut into powers of two that are in range. */
        if (isinf(head))
            head = copysign(0x1p1023, head);
        struct exact_scaled scaled = exact_split(head);
        exact_wide_add(rest, -(int128)scaled.mantissa, scaled.exponent);
        parts[n++] = head;
    }
    if (head != 0)
        parts[0] = copysign(INFINITY, parts[0]);
    return head != 0 || n == 0 ? 1 : n;
}

int exact_sum_parts(const struct exact_sum *sum, double parts[EXACT_SUM_MAX_PARTS])
{
    struct exact_wide total;
    if (sum->special != 0 || isnan(sum->special)) {
        parts[0] = sum->special;
        return 1;
    }
    if (exact_sum_is_narrow(sum))
        return narrow_parts(sum, parts);
    collect(sum, &total);
    return wide_parts(&total, parts);
}
