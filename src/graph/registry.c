#include "graph/registry.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define SMALLEST_CAPACITY 64

void registry_init(struct registry *registry, struct memory *memory)
{
    *registry = (struct registry){.memory = memory};
    pthread_mutex_init(&registry->lock, NULL);
    arena_init(&registry->arena, memory);
    vector_init(&registry->names, memory, sizeof(const char *));
    vector_init(&registry->types, memory, sizeof(const dk_object_type *));
}

void registry_deinit(struct registry *registry)
{
    vector_deinit(&registry->types);
    vector_deinit(&registry->names);
    memory_free(registry->memory, registry->slots, registry->capacity * sizeof(*registry->slots));
    arena_deinit(&registry->arena);
    pthread_mutex_destroy(&registry->lock);
}

/* Where the function called `name` is, or belongs. */
static struct function **slot_of(const struct registry *registry, const char *name)
{
    size_t mask = registry->capacity - 1;
    size_t slot = hash_bytes(name, strlen(name)) & mask;
    while (registry->slots[slot] && strcmp(registry->slots[slot]->name, name) != 0)
        slot = (slot + 1) & mask;
    return &registry->slots[slot];
}

static const struct function *find(const struct registry *registry, const char *name)
{
    return registry->capacity ? *slot_of(registry, name) : NULL;
}

/* Keeps the table at most half full. */
static dk_status make_room(struct registry *registry)
{
    size_t old_capacity = registry->capacity;
    struct function **old = registry->slots;
    if (registry->count * 2 < old_capacity)
        return DK_OK;
    size_t capacity = old_capacity ? old_capacity * 2 : SMALLEST_CAPACITY;
    struct function **slots = memory_calloc(registry->memory, capacity * sizeof(*slots));
    if (!slots)
        return DK_ENOMEM;
    registry->slots = slots;
    registry->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            *slot_of(registry, old[i]->name) = old[i];
    }
    memory_free(registry->memory, old, old_capacity * sizeof(*old));
    return DK_OK;
}

static dk_status add(struct registry *registry, const char *name, dk_function call, void *user)
{
    DK_TRY(make_room(registry));
    struct function *function = arena_alloc(&registry->arena, sizeof(*function));
    char *copy = arena_strdup(&registry->arena, name);
    if (!function || !copy)
        return DK_ENOMEM;
    const struct function *python = find(registry, REGISTRY_PYTHON);
    bool is_python = python && python->call == call && python->user == user;
    *function = (struct function){copy, is_python ? python->name : copy, call, user};
    *slot_of(registry, name) = function;
    registry->count++;
    return DK_OK;
}

dk_status registry_add(struct registry *registry, const char *name, dk_function call, void *user,
                       dk_error *err)
{
    if (!name || !*name || !call) {
        return error_set(err, DK_EINVAL, "a task function needs a name and a function");
    }
    pthread_mutex_lock(&registry->lock);
    const struct function *known = find(registry, name);
    dk_status status = DK_OK;
    if (!known) {
        status = add(registry, name, call, user);
    } else if (known->call != call || known->user != user) {
        status = DK_EINVAL;
    }
    pthread_mutex_unlock(&registry->lock);

    if (status == DK_ENOMEM)
        return error_nomem(err);
    if (status == DK_EINVAL) {
        return error_set(err, DK_EINVAL, "another task function is registered as '%s'", name);
    }
    return status;
}

const struct function *registry_find(struct registry *registry, const char *name)
{
    pthread_mutex_lock(&registry->lock);
    const struct function *function = find(registry, name);
    pthread_mutex_unlock(&registry->lock);
    return function;
}

static const dk_object_type *find_type(const struct registry *registry, const char *name)
{
    const dk_object_type *const *types = registry->types.data;
    for (size_t i = 0; i < registry->types.count; i++) {
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    }
    return NULL;
}

dk_status registry_add_type(struct registry *registry, const dk_object_type *type, dk_error *err)
{
    if (!type->name || !*type->name || !type->free || !type->pack || !type->unpack) {
        return error_set(err, DK_EINVAL,
                         "an object type needs a name, and functions to free, pack and unpack");
    }
    pthread_mutex_lock(&registry->lock);
    const dk_object_type *known = find_type(registry, type->name);
    dk_status status = known ? DK_OK : vector_append(&registry->types, &type, 1);
    pthread_mutex_unlock(&registry->lock);

    if (status != DK_OK)
        return error_nomem(err);
    if (known && known != type) {
        return error_set(err, DK_EINVAL, "another object type is registered as '%s'", type->name);
    }
    return DK_OK;
}

const dk_object_type *registry_find_type(struct registry *registry, const char *name)
{
    pthread_mutex_lock(&registry->lock);
    const dk_object_type *type = find_type(registry, name);
    pthread_mutex_unlock(&registry->lock);
    return type;
}

const dk_object_type *registry_find_pickle_type(struct registry *registry)
{
    const dk_object_type *found = NULL;
    pthread_mutex_lock(&registry->lock);
    const dk_object_type *const *types = registry->types.data;
    for (size_t i = 0; i < registry->types.count && !found; i++)
        found = types[i]->is_pickle ? types[i] : NULL;
    pthread_mutex_unlock(&registry->lock);
    return found;
}

/* There are as many names as functions and kernels. */
static const char *intern(struct registry *registry, const char *name)
{
    const char *const *names = registry->names.data;
    for (size_t i = 0; i < registry->names.count; i++) {
        if (strcmp(names[i], name) == 0)
            return names[i];
    }
    const char *copy = arena_strdup(&registry->arena, name);
    if (!copy || vector_append(&registry->names, &copy, 1) != DK_OK)
        return NULL;
    return copy;
}

const char *registry_intern(struct registry *registry, const char *name)
{
    pthread_mutex_lock(&registry->lock);
    const struct function *function = find(registry, name);
    const char *interned = function ? function->name : intern(registry, name);
    pthread_mutex_unlock(&registry->lock);
    return interned;
}
