#include "node/scheduler/coordination.h"

struct coordination {
    struct scheduler_node *node;
    struct coord *core;
    struct coord_instructions out;
    bool is_acting; /* on what is in `out` */
    uv_timer_t timer;
    int64_t timer_us; /* when it goes off; INT64_MAX: not */
};

/* Who has asked, until it is answered or gone. */
struct inquiry {
    struct coord_asker asker; /* the first: the core hands it back */
    struct scheduler_node *node;
    struct request *request;
};

static void act(struct coordination *coordination);
static void on_timer(uv_timer_t *timer);

/* ---- events in ---- */

static void set_timer(struct coordination *coordination)
{
    int64_t wanted_us = coord_deadline_us(coordination->core);
    if (coordination->node->is_closing || wanted_us == coordination->timer_us)
        return;
    coordination->timer_us = wanted_us;
    if (wanted_us == INT64_MAX)
        uv_timer_stop(&coordination->timer);
    else
        uv_timer_start(&coordination->timer, on_timer, scheduler_ms_until(wanted_us), 0);
}

static void check_state(struct coordination *coordination)
{
    dk_error err;
    struct scheduler_node *node = coordination->node;
    if (node->options.is_validated && !coord_validate(coordination->core, &err))
        scheduler_log(node, "CRITICAL", "the coordination is not valid: %s", err.message);
}

/* False: the message was none of ours. */
static bool step(struct coordination *coordination, struct coord_event *event)
{
    event->now_us = scheduler_now_us();
    event->wall_s = scheduler_wall_s();
    dk_status status = coord_step(coordination->core, event, &coordination->out);
    check_state(coordination);
    if (status == DK_ENOMEM) {
        scheduler_log(coordination->node, "CRITICAL", "out of memory");
        scheduler_node_close(coordination->node, "out-of-memory");
    }
    act(coordination);
    set_timer(coordination);
    return status != DK_ENOTSUP;
}

static void on_timer(uv_timer_t *timer)
{
    struct coordination *coordination = timer->data;
    struct coord_event tick = {.kind = COORD_TICK};
    coordination->timer_us = INT64_MAX;
    step(coordination, &tick);
}

/* ---- instructions out ---- */

static void inquiry_free(struct inquiry *inquiry)
{
    memory_free(inquiry->node->memory, inquiry, sizeof(*inquiry));
}

static void answer(const struct coord_instruction *instruction)
{
    struct inquiry *inquiry = (struct inquiry *)instruction->asker;
    struct request *request = inquiry->request;
    inquiry_free(inquiry);
    if (instruction->kind == COORD_ANSWER)
        request_reply(request, &instruction->value);
    else
        request_raise(request, instruction->exception, instruction->text);
}

static void tell(struct scheduler_node *node, const struct coord_instruction *instruction)
{
    struct peer *peer = scheduler_peer_of_client(node, instruction->client);
    dk_error err;
    if (peer && stream_push(&peer->stream, &instruction->value, &err) != DK_OK)
        comm_close(peer->stream.comm); /* it would miss a message: better that it knows */
}

static void say_key(struct scheduler_node *node, enum sched_event_kind kind, uint32_t client,
                    const struct wire_bytes *key)
{
    struct sched_event event = {.kind = kind, .stimulus = "coordination", .client = client};
    event.worker = SCHED_NOBODY;
    event.as.keys = (struct sched_keys){key, 1};
    (void)!scheduler_take(node, &event, NULL);
}

static uint32_t get_holder(struct scheduler_node *node, const char *name)
{
    struct sched_event event = {.kind = SCHED_ADD_CLIENT, .stimulus = "coordination"};
    event.as.add_client = (struct sched_add_client){.name = name, .is_pseudo = true};
    if (sched_find_client(node->sched, name) == SCHED_NOBODY)
        (void)!scheduler_take(node, &event, NULL);
    return sched_find_client(node->sched, name);
}

static void dismiss(struct scheduler_node *node, uint32_t holder)
{
    struct sched_event event = {.kind = SCHED_REMOVE_CLIENT, .stimulus = "coordination"};
    event.client = holder;
    if (holder != SCHED_NOBODY)
        (void)!scheduler_take(node, &event, NULL);
}

static void follow(struct scheduler_node *node, const struct coord_instruction *instruction)
{
    uint32_t holder;
    switch (instruction->kind) {
    case COORD_ANSWER:
    case COORD_RAISE:
        answer(instruction);
        return;
    case COORD_TELL:
        tell(node, instruction);
        return;
    case COORD_DESIRE:
        if (scheduler_peer_of_client(node, instruction->client))
            say_key(node, SCHED_CLIENT_DESIRES, instruction->client, &instruction->key);
        return;
    case COORD_HOLD:
        holder = get_holder(node, instruction->holder);
        if (holder != SCHED_NOBODY)
            say_key(node, SCHED_CLIENT_DESIRES, holder, &instruction->key);
        return;
    case COORD_LET_GO:
        holder = sched_find_client(node->sched, instruction->holder);
        if (holder != SCHED_NOBODY)
            say_key(node, SCHED_CLIENT_RELEASES, holder, &instruction->key);
        return;
    case COORD_DISMISS:
        dismiss(node, sched_find_client(node->sched, instruction->holder));
        return;
    }
}

/* To follow one may lead to the next question of the same peer, or to a task that somebody waits
 * for, and so to more instructions: they are followed in their turn, by whoever is at it. */
static void act(struct coordination *coordination)
{
    if (coordination->is_acting)
        return;
    coordination->is_acting = true;
    for (size_t i = 0; i < coordination->out.list.count; i++) {
        struct coord_instruction instruction = *coord_instruction_at(&coordination->out, i);
        follow(coordination->node, &instruction);
    }
    coord_instructions_clear(&coordination->out);
    coordination->is_acting = false;
}

/* ---- questions ---- */

static void on_gone(void *self)
{
    struct inquiry *inquiry = self;
    struct wire_value nothing = wire_nil();
    struct coordination *coordination = inquiry->node->coordination;
    struct coord_event event = {.kind = COORD_GONE, .asker = &inquiry->asker};
    if (!inquiry->asker.waiting && coordination->is_acting)
        return; /* its answer is on the way */
    step(coordination, &event);
    request_reply(inquiry->request, &nothing);
    inquiry_free(inquiry);
}

static void ask(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct inquiry *inquiry = memory_calloc(node->memory, sizeof(*inquiry));
    if (!inquiry) {
        request_fail(request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
        return;
    }
    *inquiry = (struct inquiry){.node = node, .request = request};
    request_on_gone(request, on_gone, inquiry);
    struct coord_event event = {.kind = COORD_ASK, .asker = &inquiry->asker};
    event.message = request_message(request);
    step(node->coordination, &event);
}

dk_status coordination_add_ops(struct vector *ops)
{
    const char *name;
    for (size_t i = 0; (name = coord_question(i)); i++) {
        struct server_op op = {name, ask};
        if (vector_append(ops, &op, 1) != DK_OK)
            return DK_ENOMEM;
    }
    return DK_OK;
}

/* ---- what else happens ---- */

bool coordination_take(struct peer *peer, const struct wire_value *message)
{
    struct coord_event event = {.kind = COORD_SAY, .message = message};
    event.client = peer->is_worker ? SCHED_NOBODY : peer->id;
    return step(peer->node->coordination, &event);
}

void coordination_note_task(struct scheduler_node *node, const struct wire_value *message)
{
    struct coord_event event = {.kind = COORD_TASK_ENDED, .message = message};
    if (coord_collects_tasks(node->coordination->core))
        step(node->coordination, &event);
}

void coordination_lose_client(struct scheduler_node *node, uint32_t client)
{
    struct coord_event event = {.kind = COORD_CLIENT_GONE, .client = client};
    step(node->coordination, &event);
}

void coordination_look(struct scheduler_node *node)
{
    struct coord_event event = {.kind = COORD_TASKS_CHANGED};
    if (node->coordination && coord_awaits_tasks(node->coordination->core))
        step(node->coordination, &event);
}

void coordination_log(struct scheduler_node *node, const char *topic, const char *action,
                      const char *name, const char *value)
{
    struct wire_entry what[] = {{wire_text("action"), wire_text(action)},
                                {wire_text(name), value ? wire_text(value) : wire_nil()}};
    struct wire_entry fields[] = {{wire_text("topic"), wire_text(topic)},
                                  {wire_text("msg"), wire_map(what, 2)}};
    struct wire_value message = wire_map(fields, 2);
    struct coord_event event = {.kind = COORD_LOG, .message = &message};
    step(node->coordination, &event);
}

void coordination_write_metrics(const struct scheduler_node *node, struct text *out)
{
    coord_write_metrics(node->coordination->core, out);
}

/* ---- opening and closing ---- */

struct coordination *coordination_new(struct scheduler_node *node)
{
    struct coordination *coordination = memory_calloc(node->memory, sizeof(*coordination));
    if (!coordination)
        return NULL;
    coordination->node = node;
    coordination->timer_us = INT64_MAX;
    coordination->core = coord_new(node->memory, node->sched);
    if (!coordination->core) {
        memory_free(node->memory, coordination, sizeof(*coordination));
        return NULL;
    }
    coord_instructions_init(&coordination->out, node->memory);
    uv_timer_init(node->loop, &coordination->timer);
    coordination->timer.data = coordination;
    return coordination;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct coordination *coordination = handle->data;
    scheduler_part_closed(coordination->node);
}

void coordination_close(struct coordination *coordination)
{
    uv_close((uv_handle_t *)&coordination->timer, on_timer_closed);
}

void coordination_free(struct coordination *coordination)
{
    if (!coordination)
        return;
    coord_free(coordination->core);
    coord_instructions_deinit(&coordination->out);
    memory_free(coordination->node->memory, coordination, sizeof(*coordination));
}
