/* Whether a scheduler in Python has workers that run tasks of ours. It would hold what none of them
 * can run until one comes, without a word; our own scheduler says so at once, and so do we. */
#include "base/error.h"
#include "node/client/client.h"
#include "payload/task.h"

enum { RUN_NATIVE = 1, RUN_PYTHON = 2 };

static unsigned needed_by(const struct outgoing_task *tasks, size_t ntasks)
{
    return client_needs_python(tasks, ntasks) ? RUN_PYTHON : RUN_NATIVE;
}

/* What one worker runs, by the resources that cdask's workers have there. */
static unsigned runs_of(const struct wire_value *worker)
{
    const struct wire_value *resources = wire_find(worker, "resources");
    unsigned native = resources && wire_find(resources, RESOURCE_NATIVE) ? RUN_NATIVE : 0;
    unsigned python = resources && wire_find(resources, RESOURCE_PYTHON) ? RUN_PYTHON : 0;
    return native | python;
}

static dk_status ask_for_workers(dk_client *client, struct message *answer, dk_error *err)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("identity")},
                                  {wire_text("n_workers"), wire_int(-1)}};
    struct wire_value question = wire_map(fields, 2);
    struct wait_limit limit = limit_begin(NULL);
    return client_ask(client, &question, &limit, answer, err);
}

static dk_status refuse(dk_client *client, const struct outgoing_task *task, unsigned needed,
                        uint32_t nworkers, dk_error *err)
{
    char key[DK_ERROR_KEY_MAX];
    key_text(task->key, key, sizeof(key));
    bool is_python = needed & RUN_PYTHON;
    error_set(err, DK_ETASK,
              "Task '%s' is a %s of cdask, and none of the %u workers %s: start one with "
              "`%scdask worker %s`",
              key, is_python ? "Python callable" : "native function", nworkers,
              is_python ? "is cdask's and has Python" : "is cdask's", is_python ? "python -m " : "",
              client->address.text);
    if (err)
        snprintf(err->key, sizeof(err->key), "%s", key);
    return DK_ETASK;
}

/* A scheduler without any workers waits for the first, as ever. Who was there once may come again:
 * that is not asked for every graph. */
dk_status client_check_runners(dk_client *client, const struct outgoing_task *tasks, size_t ntasks,
                               dk_error *err)
{
    struct message answer;
    unsigned needed = needed_by(tasks, ntasks), seen = atomic_load(&client->runners);
    if (!ntasks || (seen & needed) == needed)
        return DK_OK;
    DK_TRY(ask_for_workers(client, &answer, err));
    const struct wire_value *workers = wire_find(&answer.root, "workers");
    uint32_t nworkers = workers && workers->kind == WIRE_MAP ? workers->count : 0;
    for (uint32_t i = 0; i < nworkers; i++)
        seen |= runs_of(&workers->as.entries[i].value);
    message_deinit(&answer);
    atomic_fetch_or(&client->runners, seen);
    if (!nworkers || (seen & needed) == needed)
        return DK_OK;
    return refuse(client, tasks, needed, nworkers, err);
}
