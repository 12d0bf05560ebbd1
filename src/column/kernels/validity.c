#include "column/kernels/validity.h"

#include <string.h>

/* 64 bits from bit `at` on; all of them must exist, so that no byte behind the bitmap is touched.
 */
static uint64_t load_64(const uint8_t *bits, int64_t at)
{
    uint64_t word;
    memcpy(&word, bits + (at >> 3), sizeof word);
    unsigned shift = (unsigned)(at & 7);
    return shift ? word >> shift | (uint64_t)bits[(at >> 3) + 8] << (64 - shift) : word;
}

/* The `n` (1 to 8) bits from bit `at` on, the rest 0. */
static unsigned load_few(const uint8_t *bits, int64_t at, int64_t n)
{
    unsigned shift = (unsigned)(at & 7);
    unsigned value = (unsigned)bits[at >> 3] >> shift;
    if ((int64_t)shift + n > 8)
        value |= (unsigned)bits[(at >> 3) + 1] << (8 - shift);
    return value & ((1u << n) - 1);
}

/* out &= the `nrows` bits from `at` on; true when a bit of `out` ended up 0 because of them. */
static bool and_bits(uint8_t *out, const uint8_t *bits, int64_t at, int64_t nrows)
{
    uint64_t all = ~UINT64_C(0);
    int64_t i = 0;
    for (; i + 64 <= nrows; i += 64) {
        uint64_t word, more = load_64(bits, at + i);
        memcpy(&word, out + (i >> 3), sizeof word);
        word &= more;
        all &= more;
        memcpy(out + (i >> 3), &word, sizeof word);
    }
    bool cleared = all != ~UINT64_C(0);
    for (; i < nrows; i += 8) {
        int64_t n = nrows - i < 8 ? nrows - i : 8;
        unsigned outside = 0xffu & ~((1u << n) - 1);
        unsigned more = load_few(bits, at + i, n) | outside;
        cleared |= more != 0xffu;
        out[i >> 3] = (uint8_t)(out[i >> 3] & more);
    }
    return cleared;
}

/* Adds the nulls of one input; `*ready` tells whether the bitmap of `out` was already set to all
 * valid. */
static void merge_one(struct vec *out, const struct view *view, bool *ready)
{
    if (!view || !view->validity || out->nrows == 0)
        return;
    bool broadcast = view->nrows == 1 && out->nrows != 1;
    if (broadcast && bit_get(view->validity, view->validity_offset))
        return;
    if (!*ready)
        memset(out->validity, 0xff, (size_t)((out->capacity + 7) / 8));
    *ready = true;
    if (broadcast)
        for (int64_t i = 0; i < out->nrows; i++)
            bit_clear(out->validity, i);
    bool cleared =
        broadcast || and_bits(out->validity, view->validity, view->validity_offset, out->nrows);
    out->has_nulls |= cleared;
}

void validity_merge(struct vec *out, const struct view *a, const struct view *b)
{
    bool ready = false;
    merge_one(out, a, &ready);
    merge_one(out, b, &ready);
}

/* Eight bits to eight bytes of 0 or 1: each byte isolates its own bit, then carries it to the
 * lowest. */
static uint64_t spread(unsigned bits)
{
    uint64_t own = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    return (own + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

void validity_bytes(const struct view *view, int64_t start, int64_t nrows, uint8_t *bytes)
{
    if (!view->validity) {
        memset(bytes, 1, (size_t)nrows);
        return;
    }
    for (int64_t i = 0; i < nrows; i += 8) {
        int64_t n = nrows - i < 8 ? nrows - i : 8;
        uint64_t word = spread(load_few(view->validity, view->validity_offset + start + i, n));
        memcpy(bytes + i, &word, (size_t)n);
    }
}
