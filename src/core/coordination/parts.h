/* What the primitives are made with: reading messages, answering, and holding results; and the
 * primitives for coordination.c. */
#ifndef CORE_COORDINATION_PARTS_H
#define CORE_COORDINATION_PARTS_H

#include "core/coordination/state.h"
#include "wire/build.h"

/* ---- answer.c: questions read, and answered ---- */

/* The field as a name, valid until the next one is read. False: it is none, which is answered. */
bool coord_read_name(struct coord *coord, const struct coord_ask *ask, const char *field,
                     struct wire_bytes *out);
/* The same for a second name in the same message, and without an asker. */
bool coord_read_key(struct coord *coord, const struct coord_ask *ask, const char *field,
                    struct wire_bytes *out);
bool coord_pack_name(struct coord *coord, const struct wire_value *value, struct wire_bytes *out);
bool coord_pack_key(struct coord *coord, const struct wire_value *value, struct wire_bytes *out);
/* The field; NULL when it is missing or nil. */
const struct wire_value *coord_field(const struct wire_value *message, const char *name);
bool coord_is_true(const struct wire_value *value);

/* All of these are true, so that an attempt ends with them. */
bool coord_answer(struct coord *coord, const struct coord_ask *ask, struct wire_value value);
bool coord_answer_nil(struct coord *coord, const struct coord_ask *ask);
bool coord_raise(struct coord *coord, const struct coord_ask *ask, const char *exception,
                 const char *format, ...) DK_PRINTF(4, 5);
bool coord_fail(struct coord *coord); /* for want of memory */

/* A builder whose values last until the instructions are done. */
struct wire_builder coord_builder(struct coord *coord);
void coord_built(struct coord *coord, const struct wire_builder *builder);
/* What is in the box, for as long. */
struct wire_value coord_boxed(struct coord *coord, struct wire_box *box);

void coord_tell(struct coord *coord, uint32_t client, struct wire_value message);
void coord_desire(struct coord *coord, uint32_t client, struct wire_bytes key);
/* The pseudo-client "KIND-name". */
void coord_hold(struct coord *coord, const char *kind, struct wire_bytes name,
                struct wire_bytes key);
void coord_let_go(struct coord *coord, const char *kind, struct wire_bytes name,
                  struct wire_bytes key);
void coord_dismiss(struct coord *coord, const char *kind, struct wire_bytes name);

/* Is the task known to the scheduler? */
bool coord_knows(const struct coord *coord, struct wire_bytes key);
/* {"type": "Future", "value": key, "state": ..., why it failed}, with room for one more field. */
struct wire_filling coord_describe_future(struct coord *coord, struct wire_builder *builder,
                                          struct wire_bytes key);
/* {"type": "msgpack", "value": data} */
struct wire_value coord_describe_data(struct coord *coord, struct wire_builder *builder,
                                      struct wire_box *data);

/* ---- the primitives: questions, messages, and their ends ---- */

/* A message that is not answered. */
struct coord_saying {
    const char *op;
    void (*take)(struct coord *coord, const struct coord_event *event);
};

#define COORD_PRIMITIVE(name)                                                                      \
    extern const struct coord_question coord_##name##_questions[];                                 \
    extern const struct coord_saying coord_##name##_sayings[];                                     \
    void coord_##name##_init(struct coord *coord);                                                 \
    void coord_##name##_deinit(struct coord *coord);                                               \
    bool coord_##name##_are_valid(const struct coord *coord, dk_error *err);

/* Both arrays end with an entry without a name. */
#define COORD_PRIMITIVES(X)                                                                        \
    X(variables)                                                                                   \
    X(queues)                                                                                      \
    X(semaphores) X(multi_locks) X(flags) X(datasets) X(metadata) X(task_metadata) X(topics)

COORD_PRIMITIVES(COORD_PRIMITIVE)

/* A client has gone: its tokens, its words, its subscriptions. */
void coord_variables_lose_client(struct coord *coord, uint32_t client);
void coord_datasets_lose_client(struct coord *coord, uint32_t client);
void coord_topics_lose_client(struct coord *coord, uint32_t client);

void coord_semaphore_expire(struct coord *coord, struct coord_lease *lease);
void coord_note_task(struct coord *coord, const struct wire_value *message);
void coord_topic_log(struct coord *coord, const struct wire_value *message);

#endif
