/* The registry of named task functions and object types. Entries never move or go away, so a graph
 * keeps pointers to them. */
#ifndef GRAPH_REGISTRY_H
#define GRAPH_REGISTRY_H

#include <pthread.h>

#include <cdask/graph.h>

#include "base/arena.h"
#include "base/vector.h"

/* What calls Python's callables, under this and other names. */
#define REGISTRY_PYTHON "python"

struct function {
    const char *name;
    const char *sent_name; /* what other processes know it by */
    dk_function call;
    void *user;
};

struct registry {
    pthread_mutex_t lock;
    struct memory *memory;
    struct arena arena;
    struct function **slots; /* the functions: open addressing by name */
    size_t capacity;
    size_t count;
    struct vector names; /* of const char *: see registry_intern() */
    struct vector types; /* of const dk_object_type * */
};

void registry_init(struct registry *registry, struct memory *memory);
void registry_deinit(struct registry *registry);
/* Registering the same function again under its name changes nothing. */
dk_status registry_add(struct registry *registry, const char *name, dk_function call, void *user,
                       dk_error *err) DK_NODISCARD;
/* NULL when there is none of that name. */
const struct function *registry_find(struct registry *registry, const char *name);
/* The same for types of objects that can leave their process. */
dk_status registry_add_type(struct registry *registry, const dk_object_type *type,
                            dk_error *err) DK_NODISCARD;
const dk_object_type *registry_find_type(struct registry *registry, const char *name);
/* The one whose bytes are pickles; NULL when there is none. */
const dk_object_type *registry_find_pickle_type(struct registry *registry);
/* The registry's own copy of `name`, which lives as long as it: for names that come from another
 * process. NULL when out of memory. */
const char *registry_intern(struct registry *registry, const char *name);

#endif
