/* A question to the scheduler under construction, whose answer becomes a value. */
#ifndef NODE_CLIENT_QUESTION_H
#define NODE_CLIENT_QUESTION_H

#include "node/client/client.h"
#include "wire/build.h"

struct question_form {
    dk_client *client;
    struct arena arena;
    struct wire_builder builder;
    struct wire_filling fields;
};

/* Room for `nfields` beside the operation. Ends by one of the last three. */
void question_begin(struct question_form *form, dk_client *client, const char *op, size_t nfields);
struct wire_value question_keys(struct question_form *form, dk_future *const *futures,
                                size_t nfutures);
/* NULL for none: nil, which means all of them. */
struct wire_value question_texts(struct question_form *form, const char *const *texts,
                                 size_t count);
/* `answer` NULL: of no interest.   Errors: as dk_client_ask(). */
dk_status question_ask(struct question_form *form, dk_value *answer, dk_error *err) DK_NODISCARD;
/* The answer as it came.   Ownership: the caller's. */
dk_status question_receive(struct question_form *form, struct message *answer,
                           dk_error *err) DK_NODISCARD;
/* Tells instead, in the order of all that the client does.   Errors: as dk_client_say(). */
dk_status question_say(struct question_form *form, dk_error *err) DK_NODISCARD;

#endif
