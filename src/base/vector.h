/* A growable array of fixed-size elements, on the ledger. */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include "base/memory.h"

struct vector {
    struct memory *memory;
    void *data;
    size_t count;
    size_t capacity;
    size_t element_nbytes;
};

void vector_init(struct vector *vector, struct memory *memory, size_t element_nbytes);
void vector_deinit(struct vector *vector);
dk_status vector_reserve(struct vector *vector, size_t capacity) DK_NODISCARD;
/* Appends a cleared element and returns it; NULL when out of memory. */
void *vector_push(struct vector *vector) DK_NODISCARD;
/* Appends `n` elements copied from `elements`. */
dk_status vector_append(struct vector *vector, const void *elements, size_t n) DK_NODISCARD;

#endif
