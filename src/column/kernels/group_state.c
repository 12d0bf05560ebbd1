#include "column/kernels/group_state.h"

#include <string.h>

#define CAPACITY_MIN 16
/* About a second level cache. */
#define CACHED_NBYTES (1 << 18)

dk_status group_array_reserve(struct group_array *array, struct memory *memory,
                              size_t element_nbytes, int64_t n)
{
    if (n <= array->capacity)
        return DK_OK;
    int64_t old = array->capacity, capacity = old ? 2 * old : CAPACITY_MIN;
    if (capacity < n)
        capacity = n;
    char *data = memory_resize(memory, array->data, (size_t)old * element_nbytes,
                               (size_t)capacity * element_nbytes);
    if (!data)
        return DK_ENOMEM;
    memset(data + (size_t)old * element_nbytes, 0, (size_t)(capacity - old) * element_nbytes);
    array->data = data;
    array->capacity = capacity;
    return DK_OK;
}

void group_array_prefetch(const struct group_array *array, size_t element_nbytes,
                          const struct group_rows *rows)
{
    const char *data = array->data;
    if (!rows->scattered || (size_t)array->capacity * element_nbytes <= CACHED_NBYTES)
        return;
    for (int64_t i = 0; i < rows->nrows; i++)
        if (rows->groups[i] != GROUP_NONE)
            __builtin_prefetch(data + rows->groups[i] * element_nbytes, 1);
}

void group_array_free(struct group_array *array, struct memory *memory, size_t element_nbytes)
{
    memory_free(memory, array->data, (size_t)array->capacity * element_nbytes);
    *array = (struct group_array){0};
}
