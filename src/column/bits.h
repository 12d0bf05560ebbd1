/* Runs of bits: validity bitmaps, and packed booleans of other Arrow libraries. */
#ifndef COLUMN_BITS_H
#define COLUMN_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Copies `nbits` bits from bit `from_start` of `from` to bit `to_start` of `to`; the bits around
 * them stay. */
void bits_copy(uint8_t *to, int64_t to_start, const uint8_t *from, int64_t from_start,
               int64_t nbits);
/* Sets `nbits` bits from bit `start` on. */
void bits_set(uint8_t *bits, int64_t start, int64_t nbits);
int64_t bits_count_zeros(const uint8_t *bits, int64_t start, int64_t nbits);
/* One byte a bit (0 or 1), and back; `to` of pack is written in whole bytes. */
void bits_unpack(uint8_t *to, const uint8_t *bits, int64_t start, int64_t nbits);
void bits_pack(uint8_t *to, const uint8_t *bytes, int64_t nbits);

#endif
