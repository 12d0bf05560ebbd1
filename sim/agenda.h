/* What will happen, and when. Of things at the same time the one that was put down first is first.
 */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include "base/vector.h"

enum sim_kind {
    SIM_LETTER_TO_WORKER,
    SIM_LETTER_FROM_WORKER,
    SIM_LETTER_TO_CLIENT,
    SIM_LETTER_FROM_CLIENT,
    SIM_CONNECT, /* a worker tries to register */
    SIM_RUN_SECEDES,
    SIM_RUN_ENDS,
    SIM_DATA_ASKED,
    SIM_DATA_COMES,
    SIM_WORKER_DEADLINE,
    SIM_UNPAUSE,
    SIM_SUBMIT,
    SIM_CALM, /* the storm is over */
    /* These come again and again, whether there is anything to do or not. */
    SIM_HEARTBEAT,
    SIM_TICK,
    SIM_FAULT
};

struct occasion {
    int64_t at_us;
    uint64_t serial;
    enum sim_kind kind;
    uint32_t who;  /* worker, client or fault */
    uint32_t life; /* of the worker: what belongs to an earlier one is void */
    uint32_t task; /* the worker's number of it; or the graph */
    int64_t run_id;
    struct transfer *transfer;
};

struct agenda {
    struct vector heap; /* of struct occasion */
    uint64_t nserials;
    size_t nserious; /* those that do not come again by themselves */
    size_t nworking; /* runs and transfers */
};

void agenda_init(struct agenda *agenda, struct memory *memory);
void agenda_deinit(struct agenda *agenda);
void agenda_put(struct agenda *agenda, struct occasion occasion);
/* False when there is nothing left. */
bool agenda_take(struct agenda *agenda, struct occasion *out);

#endif
