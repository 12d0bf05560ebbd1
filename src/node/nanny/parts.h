/* The inside of a nanny, for the files of this folder. */
#ifndef NODE_NANNY_PARTS_H
#define NODE_NANNY_PARTS_H

#include "node/logs.h"
#include "node/nanny/nanny.h"
#include "node/server.h"

/* A question that is answered when the worker has ended, or when the next one is registered. */
struct waiting {
    struct waiting *next;
    struct nanny *nanny;
    struct request *request;
    bool is_for_next;  /* "restart", "instantiate" */
    const char *reply; /* NULL: nil */
    uv_timer_t timer;
};

struct nanny {
    struct nanny_options options;
    struct logs logs;
    uv_loop_t *loop;
    struct server *server;
    struct waiting *waiting;
    uv_timer_t monitor;
    uv_timer_t patience; /* of a worker that was told to end */
    uv_poll_t words;     /* from the worker */
    int fd;
    pid_t pid;
    uint64_t started_ns;
    uint32_t nshort; /* lives in a row that ended at once */
    bool is_registered;
    bool leaves;       /* the worker, for a reason of its own */
    bool was_told;     /* the worker, to end: another is to follow */
    bool is_last;      /* no other is to follow */
    bool starts_again; /* when what belongs to the last one is closed */
    bool is_closing;
    int exit_status;
    int nopen;
};

/* nanny.c */
void nanny_say(struct nanny *nanny, const char *level, const char *format, ...) DK_PRINTF(3, 4);
/* Nobody follows the worker that has ended. */
void nanny_end(struct nanny *nanny, int exit_status);
/* Of the parts that `nopen` counts. */
void nanny_part_closed(void *self);

/* process.c: the worker's process */
bool nanny_start_worker(struct nanny *nanny);
void nanny_tell(const struct nanny *nanny, char word);
/* It is gone after so long: before that it is killed. */
void nanny_end_worker(struct nanny *nanny, double timeout_s);
void nanny_look_at_memory(uv_timer_t *timer);

/* questions.c: what schedulers ask */
dk_status nanny_listen(struct nanny *nanny, dk_error *err) DK_NODISCARD;
/* Those that wait for the end of the worker, or for the next one. `otherwise` is the answer if the
 * nanny closes; NULL: what each has asked for. */
void nanny_answer(struct nanny *nanny, bool are_for_next, const char *otherwise);

#endif
