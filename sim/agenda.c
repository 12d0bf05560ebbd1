#include "sim/agenda.h"

#include "sim/must.h"

void agenda_init(struct agenda *agenda, struct memory *memory)
{
    *agenda = (struct agenda){0};
    vector_init(&agenda->heap, memory, sizeof(struct occasion));
}

void agenda_deinit(struct agenda *agenda)
{
    vector_deinit(&agenda->heap);
}

static bool is_before(const struct occasion *a, const struct occasion *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

static bool is_serious(const struct occasion *occasion)
{
    return occasion->kind < SIM_HEARTBEAT;
}

static bool is_working(const struct occasion *occasion)
{
    return occasion->kind == SIM_RUN_ENDS || occasion->transfer;
}

void agenda_put(struct agenda *agenda, struct occasion occasion)
{
    occasion.serial = agenda->nserials++;
    agenda->nserious += is_serious(&occasion);
    agenda->nworking += is_working(&occasion);
    must(vector_push(&agenda->heap));
    struct occasion *heap = agenda->heap.data;
    size_t at = agenda->heap.count - 1;
    for (; at && is_before(&occasion, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = occasion;
}

bool agenda_take(struct agenda *agenda, struct occasion *out)
{
    struct occasion *heap = agenda->heap.data;
    if (!agenda->heap.count)
        return false;
    *out = heap[0];
    agenda->nserious -= is_serious(out);
    agenda->nworking -= is_working(out);
    struct occasion last = heap[--agenda->heap.count];
    size_t at = 0, count = agenda->heap.count;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && is_before(&heap[child + 1], &heap[child]);
        if (!is_before(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    if (count)
        heap[at] = last;
    return true;
}
