#include "frame/nodes.h"

#include <string.h>

#include "base/error.h"

void nodes_init(struct nodes *nodes, struct memory *memory)
{
    *nodes = (struct nodes){.memory = memory};
    pthread_mutex_init(&nodes->lock, NULL);
}

static void free_block(struct nodes *nodes, struct node *node)
{
    memory_free(nodes->memory, node, node->nbytes);
}

void nodes_deinit(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->capacity; i++) {
        if (!nodes->slots[i])
            continue;
        nodes->slots[i]->type->release(nodes->slots[i]);
        free_block(nodes, nodes->slots[i]);
    }
    memory_free(nodes->memory, nodes->slots, nodes->capacity * sizeof(*nodes->slots));
    pthread_mutex_destroy(&nodes->lock);
}

/* ---- interning ---- */

/* Where the node of that token is, or would be: there is room. */
static struct node **slot_of(const struct nodes *nodes, struct token token)
{
    size_t mask = nodes->capacity - 1;
    size_t at = token.lo & mask;
    while (nodes->slots[at] && !token_equal(nodes->slots[at]->token, token))
        at = (at + 1) & mask;
    return &nodes->slots[at];
}

static dk_status resize(struct nodes *nodes, size_t capacity)
{
    struct node **old = nodes->slots;
    size_t old_capacity = nodes->capacity;
    struct node **slots = memory_calloc(nodes->memory, capacity * sizeof(*slots));
    if (!slots)
        return DK_ENOMEM;
    nodes->slots = slots;
    nodes->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            *slot_of(nodes, old[i]->token) = old[i];
    }
    memory_free(nodes->memory, old, old_capacity * sizeof(*old));
    return DK_OK;
}

/* Keeps the table at most half full. */
static dk_status make_room(struct nodes *nodes)
{
    if (nodes->count * 2 < nodes->capacity)
        return DK_OK;
    return resize(nodes, nodes->capacity ? nodes->capacity * 2 : 64);
}

static struct node *find_or_add(struct nodes *nodes, const struct node *wanted, bool *is_new)
{
    *is_new = false;
    if (make_room(nodes) != DK_OK)
        return NULL;
    struct node **slot = slot_of(nodes, wanted->token);
    if (*slot)
        return *slot;
    struct node *node = wanted->type->copy(nodes->memory, wanted);
    if (!node)
        return NULL;
    *slot = node;
    nodes->count++;
    *is_new = true;
    return node;
}

const struct node *nodes_intern(struct nodes *nodes, const struct node *wanted, bool *is_new)
{
    pthread_mutex_lock(&nodes->lock);
    const struct node *node = find_or_add(nodes, wanted, is_new);
    pthread_mutex_unlock(&nodes->lock);
    return node;
}

/* ---- blocks ---- */

void *node_new(struct memory *memory, const struct node *wanted, size_t nbytes,
               size_t behind_nbytes)
{
    struct node *node = memory_alloc(memory, nbytes + behind_nbytes);
    if (!node)
        return NULL;
    memcpy(node, wanted, nbytes);
    node->nbytes = nbytes + behind_nbytes;
    return node;
}

void *node_put(char **at, const void *bytes, size_t nbytes)
{
    void *to = *at;
    if (nbytes)
        memcpy(to, bytes, nbytes);
    *at += nbytes;
    return to;
}

size_t node_text_nbytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

const char *node_put_text(char **at, const char *text)
{
    return text ? node_put(at, text, node_text_nbytes(text)) : NULL;
}
