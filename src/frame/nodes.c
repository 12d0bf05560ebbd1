#include "frame/nodes.h"

#include <assert.h>
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

/* What is released may let go of nodes of its own: they are still there, and nothing else is freed
 * meanwhile. */
void nodes_deinit(struct nodes *nodes)
{
    nodes_begin(nodes);
    for (size_t i = 0; i < nodes->capacity; i++) {
        if (nodes->slots[i])
            nodes->slots[i]->type->release(nodes->slots[i]);
    }
    for (size_t i = 0; i < nodes->capacity; i++) {
        if (nodes->slots[i])
            free_block(nodes, nodes->slots[i]);
    }
    memory_free(nodes->memory, nodes->slots, nodes->capacity * sizeof(*nodes->slots));
    pthread_mutex_destroy(&nodes->lock);
}

/* ---- the table ---- */

#define SMALLEST_CAPACITY ((size_t)64)

/* Where the node of that token is, or would be: there is room. */
static size_t slot_of(const struct nodes *nodes, struct token token)
{
    size_t mask = nodes->capacity - 1;
    size_t at = token.lo & mask;
    while (nodes->slots[at] && !token_equal(nodes->slots[at]->token, token))
        at = (at + 1) & mask;
    return at;
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
            nodes->slots[slot_of(nodes, old[i]->token)] = old[i];
    }
    memory_free(nodes->memory, old, old_capacity * sizeof(*old));
    return DK_OK;
}

/* Keeps the table at most half full. */
static dk_status make_room(struct nodes *nodes)
{
    if (nodes->count * 2 < nodes->capacity)
        return DK_OK;
    return resize(nodes, nodes->capacity ? nodes->capacity * 2 : SMALLEST_CAPACITY);
}

/* A table that cannot be made smaller is merely large. */
static void give_room_back(struct nodes *nodes)
{
    size_t capacity = nodes->capacity;
    while (capacity > SMALLEST_CAPACITY && nodes->count * 8 < capacity)
        capacity /= 2;
    if (capacity < nodes->capacity)
        (void)resize(nodes, capacity);
}

/* Takes a node out, and moves back those behind it that the gap would hide. */
static void take_out(struct nodes *nodes, const struct node *node)
{
    size_t mask = nodes->capacity - 1;
    size_t gap = slot_of(nodes, node->token);
    for (size_t at = (gap + 1) & mask; nodes->slots[at]; at = (at + 1) & mask) {
        size_t home = nodes->slots[at]->token.lo & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        nodes->slots[gap] = nodes->slots[at];
        gap = at;
    }
    nodes->slots[gap] = NULL;
    nodes->count--;
}

/* ---- counting ---- */

/* The count and the list are the nodes' own, whoever points to a node. */
static struct node *inside_of(const struct node *node)
{
    return (struct node *)(uintptr_t)node;
}

static void put_loose(struct nodes *nodes, struct node *node)
{
    if (node->is_loose)
        return;
    node->is_loose = true;
    node->next = nodes->loose;
    nodes->loose = node;
}

static void count_in(struct nodes *nodes, const struct node *node)
{
    (void)nodes;
    inside_of(node)->refs++;
}

static void count_out(struct nodes *nodes, const struct node *node)
{
    assert(node->refs > 0);
    if (--inside_of(node)->refs == 0)
        put_loose(nodes, inside_of(node));
}

/* Takes out the nodes that nobody needs, and gives them as a list. Their parts may be among them.
 */
static struct node *take_unneeded(struct nodes *nodes)
{
    struct node *unneeded = NULL;
    if (nodes->nbuilding || !nodes->loose)
        return NULL;
    while (nodes->loose) {
        struct node *node = nodes->loose;
        nodes->loose = node->next;
        node->is_loose = false;
        if (node->refs)
            continue;
        take_out(nodes, node);
        node->type->parts(nodes, node, count_out);
        node->next = unneeded;
        unneeded = node;
    }
    give_room_back(nodes);
    return unneeded;
}

/* Without the lock, as objects that are released may come back here. */
static void free_all(struct nodes *nodes, struct node *unneeded)
{
    while (unneeded) {
        struct node *node = unneeded;
        unneeded = node->next;
        node->type->release(node);
        free_block(nodes, node);
    }
}

void nodes_begin(struct nodes *nodes)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->nbuilding++;
    pthread_mutex_unlock(&nodes->lock);
}

void nodes_end(struct nodes *nodes)
{
    pthread_mutex_lock(&nodes->lock);
    nodes->nbuilding--;
    struct node *unneeded = take_unneeded(nodes);
    pthread_mutex_unlock(&nodes->lock);
    free_all(nodes, unneeded);
}

void nodes_ref(struct nodes *nodes, const struct node *node)
{
    pthread_mutex_lock(&nodes->lock);
    count_in(nodes, node);
    pthread_mutex_unlock(&nodes->lock);
}

void nodes_unref(struct nodes *nodes, const struct node *node)
{
    pthread_mutex_lock(&nodes->lock);
    count_out(nodes, node);
    struct node *unneeded = take_unneeded(nodes);
    pthread_mutex_unlock(&nodes->lock);
    free_all(nodes, unneeded);
}

/* ---- interning ---- */

static struct node *find_or_add(struct nodes *nodes, const struct node *wanted, bool *is_new)
{
    *is_new = false;
    if (make_room(nodes) != DK_OK)
        return NULL;
    size_t slot = slot_of(nodes, wanted->token);
    if (nodes->slots[slot])
        return nodes->slots[slot];
    struct node *node = wanted->type->copy(nodes->memory, wanted);
    if (!node)
        return NULL;
    nodes->slots[slot] = node;
    nodes->count++;
    node->type->parts(nodes, node, count_in);
    put_loose(nodes, node);
    *is_new = true;
    return node;
}

const struct node *nodes_intern(struct nodes *nodes, const struct node *wanted, bool *is_new)
{
    pthread_mutex_lock(&nodes->lock);
    assert(nodes->nbuilding > 0);
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
    *node = (struct node){wanted->token, wanted->type, .nbytes = nbytes + behind_nbytes};
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
