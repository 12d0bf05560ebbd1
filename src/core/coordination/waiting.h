/* Those who ask for what is not there yet: where they wait, how they are woken, and when they give
 * up.
 *
 * Each question has one function, its attempt: it answers, or it says where to wait. When something
 * comes there, all who wait make their attempt again, in the order in which they came. */
#ifndef CORE_COORDINATION_WAITING_H
#define CORE_COORDINATION_WAITING_H

#include "core/coordination/event.h"
#include "core/coordination/instruction.h"
#include "core/heap.h"
#include "core/list.h"
#include "wire/box.h"

struct coord;
struct coord_place;

/* Where questions wait, in a thing that they wait for. It is empty again before the thing goes. */
struct coord_place {
    struct list waiting; /* of struct coord_ask */
    struct list woken;   /* among those that are to be served in this step */
    bool is_fair;        /* when one must go on waiting, so must all behind it */
    /* Nobody waits here any more: time to remove a thing that is nothing else. May be NULL. */
    void (*emptied)(struct coord *coord, struct coord_place *place);
};

void coord_place_init(struct coord_place *place, bool is_fair,
                      void (*emptied)(struct coord *coord, struct coord_place *place));
/* Is the place needed, by those who wait or because it is about to be served? */
bool coord_place_is_used(const struct coord_place *place);
/* Something has come: whoever waits there tries again before the step ends. */
void coord_wake(struct coord *coord, struct coord_place *place);

/* What happens at a time: a question gives up, or a lease ends. */
struct coord_timer {
    int64_t at_us;
    uint32_t place; /* in the heap */
    bool is_lease;
};

/* `seconds` from now; what is too far away or no number is never. */
int64_t coord_after(const struct coord *coord, double seconds);
/* At `at_us`, which may be INT64_MAX: never. A timer that was set is moved. */
void coord_timer_set(struct coord *coord, struct coord_timer *timer, int64_t at_us);
void coord_timer_stop(struct coord *coord, struct coord_timer *timer);

/* A question that is not answered yet. */
struct coord_ask {
    struct list link;   /* among those who wait at `place` */
    struct list of_all; /* among all who wait */
    const struct coord_question *question;
    const struct wire_value *message;
    struct wire_box *copy; /* of the message, once it waits */
    struct coord_asker *asker;
    struct coord_place *place; /* where it waits */
    struct coord_timer timer;
    int64_t begun_us;  /* its first attempt */
    double timeout_s;  /* counted from that; negative: none */
    struct list taken; /* of struct coord_record: what it has of a queue so far */
    uint32_t ntaken;
    bool has_waited; /* this is not its first attempt */
};

enum coord_late { COORD_LATE_RAISES, COORD_LATE_FALSE };

struct coord_question {
    const char *op;
    /* True when it is answered, or cannot be for want of memory; false after coord_wait(). */
    bool (*attempt)(struct coord *coord, struct coord_ask *ask);
    enum coord_late late; /* what it is answered when its time is up: TimeoutError, or false */
    /* It ends unanswered, by time or with its peer: undoes what its attempts did. If the place
     * goes, too, it is taken from there. May be NULL. */
    void (*give_up)(struct coord *coord, struct coord_ask *ask);
};

/* Waits at `place` for at most what the message has as "timeout", counted from its first attempt.
 * Always false; true when that was no timeout, which is then answered. */
bool coord_wait(struct coord *coord, struct coord_ask *ask, struct coord_place *place);

/* Makes the first attempt. */
void coord_take_question(struct coord *coord, const struct coord_question *question,
                         const struct coord_event *event);
/* The peer has gone. */
void coord_lose(struct coord *coord, struct coord_asker *asker);
/* Lets all who were woken try, and whom they wake in turn. */
void coord_settle(struct coord *coord);
/* Does what is due at `coord->now_us`. */
void coord_tick(struct coord *coord);
/* Frees all who wait, unanswered, at the very end. */
void coord_forget_waiting(struct coord *coord);

#endif
