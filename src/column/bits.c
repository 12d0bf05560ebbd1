#include "column/bits.h"

#include <string.h>

#include "column/column.h"

/* The eight bits from bit `start` on; the last of them must lie inside the bitmap. */
static uint8_t byte_at(const uint8_t *bits, int64_t start)
{
    unsigned shift = (unsigned)(start & 7);
    unsigned low = bits[start >> 3];
    if (!shift)
        return (uint8_t)low;
    unsigned high = bits[(start >> 3) + 1];
    return (uint8_t)(low >> shift | high << (8 - shift));
}

static void copy_bit(uint8_t *to, int64_t to_at, const uint8_t *from, int64_t from_at)
{
    if (bit_get(from, from_at)) {
        bit_set(to, to_at);
    } else {
        bit_clear(to, to_at);
    }
}

void bits_copy(uint8_t *to, int64_t to_start, const uint8_t *from, int64_t from_start,
               int64_t nbits)
{
    int64_t i = 0;
    for (; i < nbits && ((to_start + i) & 7); i++)
        copy_bit(to, to_start + i, from, from_start + i);
    uint8_t *to_byte = to + ((to_start + i) >> 3);
    int64_t nbytes = (nbits - i) / 8;
    if (((from_start + i) & 7) == 0 && nbytes) {
        memcpy(to_byte, from + ((from_start + i) >> 3), (size_t)nbytes);
    } else {
        for (int64_t b = 0; b < nbytes; b++)
            to_byte[b] = byte_at(from, from_start + i + b * 8);
    }
    for (i += nbytes * 8; i < nbits; i++)
        copy_bit(to, to_start + i, from, from_start + i);
}

void bits_set(uint8_t *bits, int64_t start, int64_t nbits)
{
    int64_t i = 0;
    for (; i < nbits && ((start + i) & 7); i++)
        bit_set(bits, start + i);
    int64_t nbytes = (nbits - i) / 8;
    if (nbytes)
        memset(bits + ((start + i) >> 3), 0xff, (size_t)nbytes);
    for (i += nbytes * 8; i < nbits; i++)
        bit_set(bits, start + i);
}

int64_t bits_count_zeros(const uint8_t *bits, int64_t start, int64_t nbits)
{
    int64_t i = 0;
    int64_t ones = 0;
    for (; i < nbits && ((start + i) & 7); i++)
        ones += bit_get(bits, start + i);
    for (; i + 64 <= nbits; i += 64) {
        uint64_t word;
        memcpy(&word, bits + ((start + i) >> 3), sizeof(word));
        ones += __builtin_popcountll(word);
    }
    for (; i < nbits; i++)
        ones += bit_get(bits, start + i);
    return nbits - ones;
}

void bits_unpack(uint8_t *to, const uint8_t *bits, int64_t start, int64_t nbits)
{
    for (int64_t i = 0; i < nbits; i++)
        to[i] = bit_get(bits, start + i);
}

void bits_pack(uint8_t *to, const uint8_t *bytes, int64_t nbits)
{
    int64_t i = 0;
    for (; i + 8 <= nbits; i += 8) {
        unsigned byte = 0;
        for (unsigned b = 0; b < 8; b++)
            byte |= (unsigned)(bytes[i + b] != 0) << b;
        to[i >> 3] = (uint8_t)byte;
    }
    if (i == nbits)
        return;
    to[i >> 3] = 0;
    for (; i < nbits; i++)
        to[i >> 3] = (uint8_t)(to[i >> 3] | (unsigned)(bytes[i] != 0) << (i & 7));
}
