#include "graph/registry.h"

#include <string.h>

#include "base/error.h"

void registry_init(struct registry *registry, struct memory *memory)
{
    pthread_mutex_init(&registry->lock, NULL);
    arena_init(&registry->arena, memory);
    vector_init(&registry->functions, memory, sizeof(struct function *));
    vector_init(&registry->names, memory, sizeof(const char *));
    vector_init(&registry->types, memory, sizeof(const dk_object_type *));
}

void registry_deinit(struct registry *registry)
{
    vector_deinit(&registry->types);
    vector_deinit(&registry->names);
    vector_deinit(&registry->functions);
    arena_deinit(&registry->arena);
    pthread_mutex_destroy(&registry->lock);
}

/* A program registers tens of functions, and a graph looks each name up once: a scan is fast
 * enough. */
static const struct function *find(const struct registry *registry, const char *name)
{
    struct function *const *functions = registry->functions.data;
    for (size_t i = 0; i < registry->functions.count; i++) {
        if (strcmp(functions[i]->name, name) == 0)
            return functions[i];
    }
    return NULL;
}

static dk_status add(struct registry *registry, const char *name, dk_function call, void *user)
{
    struct function *function = arena_alloc(&registry->arena, sizeof(*function));
    char *copy = arena_strdup(&registry->arena, name);
    if (!function || !copy)
        return DK_ENOMEM;
    *function = (struct function){copy, call, user};
    return vector_append(&registry->functions, &function, 1);
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
