/* Variable: a value that anyone may set and get; getting waits until it is set for the first time.
 *
 * A result that it is set to is held by the pseudo-client "variable-NAME". When another one takes
 * its place, it stays held until all clients that were told of it have said that they hold it
 * themselves.
 *
 * Source: distributed.variable.VariableExtension. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/coordination/parts.h"

static struct wire_bytes name_of(const struct coord *coord, const struct coord_variable *variable)
{
    return coord_table_name(&coord->variables, variable);
}

/* ---- the end of variables and of what they hold ---- */

static void free_holds(struct coord_variable *variable)
{
    COORD_EACH(struct coord_variable_hold, hold, &variable->holds)
    vector_deinit(&hold->tokens);
    coord_table_deinit(&variable->holds);
}

static void tidy(struct coord *coord, struct coord_variable *variable)
{
    if (variable->is_set || coord_table_count(&variable->holds) ||
        coord_place_is_used(&variable->place))
        return;
    if (variable->has_held)
        coord_dismiss(coord, "variable", name_of(coord, variable));
    free_holds(variable);
    coord_table_remove(&coord->variables, variable);
}

static void on_emptied(struct coord *coord, struct coord_place *place)
{
    tidy(coord, LIST_ENTRY(place, struct coord_variable, place));
}

/* Once it is replaced, and all who were told of it hold it themselves. */
static void drop_hold(struct coord *coord, struct coord_variable *variable,
                      struct coord_variable_hold *hold)
{
    if (variable->hold == hold || hold->tokens.count)
        return;
    coord_let_go(coord, "variable", name_of(coord, variable),
                 coord_table_name(&variable->holds, hold));
    vector_deinit(&hold->tokens);
    coord_table_remove(&variable->holds, hold);
}

static void unset(struct coord *coord, struct coord_variable *variable)
{
    struct coord_variable_hold *hold = variable->hold;
    wire_box_unref(variable->data);
    variable->data = NULL;
    variable->hold = NULL;
    variable->is_set = false;
    if (hold)
        drop_hold(coord, variable, hold);
}

/* ---- setting ---- */

static struct coord_variable *get_variable(struct coord *coord, struct wire_bytes name)
{
    struct coord_variable *variable = coord_table_get(&coord->variables, name);
    if (!variable) {
        coord_fail(coord);
    } else if (!variable->place.emptied) {
        coord_place_init(&variable->place, false, on_emptied);
        coord_table_init(&variable->holds, coord->memory, sizeof(struct coord_variable_hold));
    }
    return variable;
}

/* The result that it is set to; NULL when out of memory. */
static struct coord_variable_hold *hold_key(struct coord *coord, struct coord_variable *variable,
                                            struct wire_bytes key)
{
    struct coord_variable_hold *hold = coord_table_get(&variable->holds, key);
    if (!hold) {
        coord_fail(coord);
        return NULL;
    }
    if (!hold->tokens.element_nbytes)
        vector_init(&hold->tokens, coord->memory, sizeof(struct coord_token));
    variable->has_held = true;
    coord_hold(coord, "variable", name_of(coord, variable), key);
    return hold;
}

static void set_to(struct coord *coord, struct coord_variable *variable,
                   struct coord_variable_hold *hold, struct wire_box *data)
{
    struct coord_variable_hold *old = variable->hold;
    wire_box_unref(variable->data);
    variable->data = data;
    variable->hold = hold;
    variable->is_set = true;
    if (old)
        drop_hold(coord, variable, old);
    coord_wake(coord, &variable->place);
}

static void set_data(struct coord *coord, const struct coord_ask *ask,
                     struct coord_variable *variable)
{
    const struct wire_value *given = wire_find(ask->message, "data");
    struct wire_value nothing = wire_nil();
    struct wire_box *data = wire_box_new(coord->memory, given ? given : &nothing);
    if (data)
        set_to(coord, variable, NULL, data);
    else
        coord_fail(coord);
}

static void set_key(struct coord *coord, struct coord_variable *variable, struct wire_bytes key)
{
    struct coord_variable_hold *hold = hold_key(coord, variable, key);
    if (hold)
        set_to(coord, variable, hold, NULL);
}

static bool try_set(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name, key;
    bool has_key = coord_field(ask->message, "key") != NULL;
    if (has_key) {
        if (!coord_read_key(coord, ask, "key", &key))
            return true;
        if (!coord_knows(coord, key))
            return coord_wait(coord, ask, &coord->unknown_tasks);
    }
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_variable *variable = get_variable(coord, name);
    if (!variable)
        return true;
    if (has_key)
        set_key(coord, variable, key);
    else
        set_data(coord, ask, variable);
    tidy(coord, variable);
    return coord_answer_nil(coord, ask);
}

/* ---- getting ---- */

static uint32_t asking_client(const struct coord *coord, const struct coord_ask *ask)
{
    char name[256];
    struct wire_bytes text;
    if (!wire_read_text(wire_find(ask->message, "client"), &text) || text.nbytes >= sizeof(name))
        return SCHED_NOBODY;
    memcpy(name, text.data, text.nbytes);
    name[text.nbytes] = '\0';
    return sched_find_client(coord->sched, name);
}

static bool answer_hold(struct coord *coord, const struct coord_ask *ask,
                        struct coord_variable *variable)
{
    char text[24];
    struct coord_token token = {coord->next_token++, asking_client(coord, ask)};
    if (vector_append(&variable->hold->tokens, &token, 1) != DK_OK)
        return coord_fail(coord);
    snprintf(text, sizeof(text), "%" PRIu64, token.number);
    struct wire_builder builder = coord_builder(coord);
    struct wire_filling map =
        coord_describe_future(coord, &builder, coord_table_name(&variable->holds, variable->hold));
    wire_put(&map, "token", wire_copy_text(&builder, text));
    coord_built(coord, &builder);
    return coord_answer(coord, ask, wire_end_map(&map));
}

static bool answer_data(struct coord *coord, const struct coord_ask *ask, struct wire_box *data)
{
    struct wire_builder builder = coord_builder(coord);
    struct wire_value value = coord_describe_data(coord, &builder, data);
    coord_built(coord, &builder);
    return coord_answer(coord, ask, value);
}

static bool try_get(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_variable *variable = get_variable(coord, name);
    if (!variable)
        return true;
    if (variable->hold)
        return answer_hold(coord, ask, variable);
    if (variable->is_set)
        return answer_data(coord, ask, variable->data);
    bool is_answered = coord_wait(coord, ask, &variable->place);
    if (is_answered)
        tidy(coord, variable);
    return is_answered;
}

/* ---- what streams say ---- */

/* Tokens of this number, or (0) of this client, are forgotten. */
static void drop_tokens(struct coord *coord, struct coord_variable *variable,
                        struct coord_variable_hold *hold, uint64_t number, uint32_t client)
{
    struct coord_token *tokens = hold->tokens.data;
    size_t nleft = 0;
    for (size_t i = 0; i < hold->tokens.count; i++)
        if (number ? tokens[i].number != number : tokens[i].client != client)
            tokens[nleft++] = tokens[i];
    hold->tokens.count = nleft;
    drop_hold(coord, variable, hold);
}

static uint64_t read_token(const struct wire_value *message)
{
    char text[24] = "";
    struct wire_bytes token;
    if (wire_read_text(wire_find(message, "token"), &token) && token.nbytes < sizeof(text))
        memcpy(text, token.data, token.nbytes);
    return strtoull(text, NULL, 10);
}

/* From now on the client holds the result itself. */
static void on_received(struct coord *coord, const struct coord_event *event)
{
    struct wire_bytes name, key;
    uint64_t number = read_token(event->message);
    if (!coord_pack_key(coord, wire_find(event->message, "key"), &key))
        return;
    coord_desire(coord, event->client, key);
    if (!number || !coord_pack_name(coord, wire_find(event->message, "name"), &name))
        return;
    struct coord_variable *variable = coord_table_find(&coord->variables, name);
    struct coord_variable_hold *hold = variable ? coord_table_find(&variable->holds, key) : NULL;
    if (!hold)
        return;
    drop_tokens(coord, variable, hold, number, SCHED_NOBODY);
    tidy(coord, variable);
}

static void on_delete(struct coord *coord, const struct coord_event *event)
{
    struct wire_bytes name;
    if (!coord_pack_name(coord, wire_find(event->message, "name"), &name))
        return;
    struct coord_variable *variable = coord_table_find(&coord->variables, name);
    if (!variable)
        return;
    unset(coord, variable);
    tidy(coord, variable);
}

static void lose_client_of(struct coord *coord, struct coord_variable *variable, uint32_t client)
{
    struct coord_variable_hold *next, *hold = coord_table_next(&variable->holds, NULL);
    for (; hold; hold = next) {
        next = coord_table_next(&variable->holds, hold);
        drop_tokens(coord, variable, hold, 0, client);
    }
    tidy(coord, variable);
}

void coord_variables_lose_client(struct coord *coord, uint32_t client)
{
    struct coord_variable *next, *variable = coord_table_next(&coord->variables, NULL);
    for (; variable; variable = next) {
        next = coord_table_next(&coord->variables, variable);
        lose_client_of(coord, variable, client);
    }
}

const struct coord_question coord_variables_questions[] = {
    {"variable_set", try_set, COORD_LATE_RAISES, NULL},
    {"variable_get", try_get, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_variables_sayings[] = {
    {"variable-future-received-confirm", on_received},
    {"variable-future-release", on_received}, /* of 2022 */
    {"variable_delete", on_delete},
    {NULL, NULL},
};

/* ---- all of them ---- */

void coord_variables_init(struct coord *coord)
{
    coord_table_init(&coord->variables, coord->memory, sizeof(struct coord_variable));
}

void coord_variables_deinit(struct coord *coord)
{
    COORD_EACH(struct coord_variable, variable, &coord->variables)
    {
        wire_box_unref(variable->data);
        free_holds(variable);
    }
    coord_table_deinit(&coord->variables);
}

static bool is_valid(const struct coord_variable *variable)
{
    bool is_needed = variable->is_set || coord_table_count(&variable->holds) ||
                     !list_is_empty(&variable->place.waiting);
    bool has_waiting = !list_is_empty(&variable->place.waiting);
    if (!is_needed || (variable->is_set && has_waiting))
        return false;
    COORD_EACH(struct coord_variable_hold, hold, &variable->holds)
    if (hold != variable->hold && !hold->tokens.count)
        return false;
    return !(variable->hold && variable->data) &&
           variable->is_set == (variable->hold || variable->data);
}

bool coord_variables_are_valid(const struct coord *coord, dk_error *err)
{
    COORD_EACH(struct coord_variable, variable, &coord->variables)
    if (!is_valid(variable))
        return !error_set(err, DK_EINVAL, "a variable that is set or needed wrongly");
    return true;
}
