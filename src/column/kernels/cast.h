/* The families of casts; cast_apply chooses. Each fills `out`, whose type is the target. */
#ifndef KERNELS_CAST_H
#define KERNELS_CAST_H

#include "column/kernels/elementwise.h"

/* Numbers, booleans, timestamps and durations among each other. */
dk_status cast_numbers(const struct view *in, struct vec *out, dk_error *err) DK_NODISCARD;
/* Anything but category to text. */
dk_status cast_to_text(const struct view *in, struct vec *out, dk_error *err) DK_NODISCARD;
/* Text, or the words of a category, to numbers, booleans, timestamps or text. */
dk_status cast_from_words(const struct view *in, struct vec *out, dk_error *err) DK_NODISCARD;
/* Text to a category whose words are sorted. */
dk_status cast_to_category(const struct view *in, struct vec *out, dk_error *err) DK_NODISCARD;

#endif
