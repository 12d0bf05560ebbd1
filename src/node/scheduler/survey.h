/* One question to many nodes, and what each has answered; payloads are never opened. */
#ifndef NODE_SCHEDULER_SURVEY_H
#define NODE_SCHEDULER_SURVEY_H

#include "node/scheduler/parts.h"

struct survey_answer {
    const char *worker; /* its address, though its nanny may be asked */
    struct message message;
    bool has_message;
    dk_error why; /* DK_OK: the message is the answer. DK_ETASK: the message says what is wrong. */
};

/* Made for a request, which it takes, with its message. */
struct survey {
    struct scheduler_node *node;
    struct request *request;
    struct message question; /* the request's */
    struct arena arena;
    struct survey_answer *answers; /* in the order they were asked */
    uint32_t count;
    uint32_t capacity;
    uint32_t npending;
    int64_t timeout_ms; /* for each; 0: no limit */
    /* Called once, when all have answered: replies, and lets survey_free() be called. */
    void (*finish)(struct survey *survey);
    void *self;
};

/* Room for `capacity` answers. NULL when out of memory, which the request is told. */
struct survey *survey_new(struct scheduler_node *node, struct request *request, uint32_t capacity,
                          void (*finish)(struct survey *survey)) DK_NODISCARD;
/* Asks the node at `address`; what goes wrong becomes its answer. */
void survey_ask(struct survey *survey, const char *worker, const char *address,
                const struct wire_value *question);
/* No more are asked: `finish` is called when the last has answered, perhaps at once. */
void survey_wait(struct survey *survey);
void survey_free(struct survey *survey);
/* Another round, of as many questions: the answers are forgotten. Within `finish`, or before any
 * was asked. */
void survey_again(struct survey *survey);

/* The answer itself; false when there is none. What went wrong in the node asked counts as an
 * answer, unless nothing came of the operation at all. */
bool survey_has_answer(const struct survey_answer *answer);
/* Answers the request; the survey is freed once that is written. */
void survey_reply(struct survey *survey, const struct wire_value *reply);
/* Passes on what has failed. */
void survey_fail(struct survey *survey, const struct survey_answer *answer);
/* {worker: answer}. A failure becomes the whole reply. */
void survey_reply_all(struct survey *survey);

#endif
