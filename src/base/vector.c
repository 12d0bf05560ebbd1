#include "base/vector.h"

#include <string.h>

#include "base/error.h"

void vector_init(struct vector *vector, struct memory *memory, size_t element_nbytes)
{
    *vector = (struct vector){.memory = memory, .element_nbytes = element_nbytes};
}

void vector_deinit(struct vector *vector)
{
    memory_free(vector->memory, vector->data, vector->capacity * vector->element_nbytes);
    vector->data = NULL;
    vector->count = vector->capacity = 0;
}

dk_status vector_reserve(struct vector *vector, size_t capacity)
{
    if (capacity <= vector->capacity)
        return DK_OK;
    size_t wider = vector->capacity * 2;
    if (wider < capacity)
        wider = capacity;
    if (wider < 8)
        wider = 8;
    if (wider > PTRDIFF_MAX / vector->element_nbytes)
        return DK_ENOMEM;
    void *data =
        memory_resize(vector->memory, vector->data, vector->capacity * vector->element_nbytes,
                      wider * vector->element_nbytes);
    if (!data)
        return DK_ENOMEM;
    vector->data = data;
    vector->capacity = wider;
    return DK_OK;
}

void *vector_push(struct vector *vector)
{
    if (vector_reserve(vector, vector->count + 1) != DK_OK)
        return NULL;
    void *element = (char *)vector->data + vector->count++ * vector->element_nbytes;
    memset(element, 0, vector->element_nbytes);
    return element;
}

dk_status vector_append(struct vector *vector, const void *elements, size_t n)
{
    if (!n)
        return DK_OK;
    DK_TRY(vector_reserve(vector, vector->count + n));
    memcpy((char *)vector->data + vector->count * vector->element_nbytes, elements,
           n * vector->element_nbytes);
    vector->count += n;
    return DK_OK;
}
