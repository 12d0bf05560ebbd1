#include "column/kernels/exact_wide.h"

#include <math.h>
#include <string.h>

#define LIMB_BITS 64

/* limb += addend + carry; returns the new carry. */
static unsigned add_limb(uint64_t *limb, uint64_t addend, unsigned carry)
{
    unsigned long long sum;
    bool over = __builtin_add_overflow((unsigned long long)*limb, addend, &sum);
    bool more = __builtin_add_overflow(sum, (unsigned long long)carry, &sum);
    *limb = sum;
    return (unsigned)(over | more);
}

void exact_wide_add(struct exact_wide *wide, int128 value, int32_t exponent)
{
    unsigned position = (unsigned)(exponent - EXACT_WIDE_LOWEST);
    unsigned i = position / LIMB_BITS, shift = position % LIMB_BITS;
    uint64_t sign = value < 0 ? UINT64_MAX : 0;
    uint128 low = (uint128)value << shift;
    /* The bits that the shift pushed out, under the sign. */
    uint64_t top = shift ? (uint64_t)(value >> (2 * LIMB_BITS - shift)) : sign;
    unsigned carry = add_limb(&wide->limbs[i], (uint64_t)low, 0);
    carry = add_limb(&wide->limbs[i + 1], (uint64_t)(low >> LIMB_BITS), carry);
    carry = add_limb(&wide->limbs[i + 2], top, carry);
    /* Above, the sign's limbs and the carry: they cancel when they are -1 and 1. */
    for (i += 3; i < EXACT_WIDE_LIMBS && carry != (sign & 1); i++)
        carry = add_limb(&wide->limbs[i], sign, carry);
}

void exact_wide_merge(struct exact_wide *wide, const struct exact_wide *other)
{
    unsigned carry = 0;
    for (int i = 0; i < EXACT_WIDE_LIMBS; i++)
        carry = add_limb(&wide->limbs[i], other->limbs[i], carry);
}

static void negate(struct exact_wide *wide)
{
    unsigned carry = 1;
    for (int i = 0; i < EXACT_WIDE_LIMBS; i++) {
        uint64_t limb = ~wide->limbs[i];
        carry = add_limb(&limb, 0, carry);
        wide->limbs[i] = limb;
    }
}

double exact_scale(double value, int32_t exponent)
{
    /* One multiplication by a power of two where the power is a normal number. */
    if (exponent >= -1022 && exponent <= 1023) {
        uint64_t bits = (uint64_t)(exponent + 1023) << 52;
        double power;
        memcpy(&power, &bits, sizeof power);
        return value * power;
    }
    return ldexp(value, exponent);
}

/* The magnitude's leading 128 bits, with everything below them in the lowest bit; 128 bits are so
 * many more than the 53 kept that this bit only breaks ties. */
static uint128 leading_bits(const struct exact_wide *magnitude, int top, int32_t *exponent)
{
    const uint64_t *limbs = magnitude->limbs;
    int shift = __builtin_clzll(limbs[top]);
    uint128 head = (uint128)limbs[top] << LIMB_BITS | (top > 0 ? limbs[top - 1] : 0);
    uint64_t rest = top > 1 ? limbs[top - 2] : 0;
    if (shift) {
        head = head << shift | rest >> (LIMB_BITS - shift);
        rest <<= shift;
    }
    for (int i = top - 3; i >= 0 && !rest; i--)
        rest = limbs[i];
    *exponent = EXACT_WIDE_LOWEST + (top - 1) * LIMB_BITS - shift;
    return head | (rest != 0);
}

double exact_wide_round(const struct exact_wide *wide)
{
    struct exact_wide magnitude = *wide;
    bool negative = wide->limbs[EXACT_WIDE_LIMBS - 1] >> (LIMB_BITS - 1);
    int top = EXACT_WIDE_LIMBS - 1;
    int32_t exponent;
    if (negative)
        negate(&magnitude);
    while (top >= 0 && !magnitude.limbs[top])
        top--;
    if (top < 0)
        return 0;
    /* A result below 2^-1022 is a multiple of 2^-1074 with fewer than 53 bits: nothing is rounded,
     * so scaling after the rounding is right there too. */
    uint128 head = leading_bits(&magnitude, top, &exponent);
    double value = exact_scale((double)head, exponent);
    return negative ? -value : value;
}
