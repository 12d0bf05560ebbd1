/* Waiting, until something changes, it is too late, or the caller has had enough. */
#include <errno.h>
#include <time.h>

#include "base/error.h"
#include "node/client/client.h"

/* How often a wait looks whether its caller has set the flag that cancels it. */
#define CANCEL_NS 20000000

#define SECOND_NS 1000000000

static struct timespec after(int64_t ns)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    ns += at.tv_nsec;
    at.tv_sec += ns / SECOND_NS;
    at.tv_nsec = ns % SECOND_NS;
    return at;
}

struct wait_limit limit_begin(const dk_wait_options *options)
{
    struct wait_limit limit = {0};
    if (!options)
        return limit;
    double timeout_s = options->timeout_s > 0 ? options->timeout_s : 0;
    limit.cancel = options->cancel;
    limit.has_deadline = options->has_timeout;
    limit.deadline = after((int64_t)((timeout_s < 1e9 ? timeout_s : 1e9) * SECOND_NS));
    return limit;
}

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

dk_status limit_wait(dk_client *client, const struct wait_limit *limit, dk_error *err)
{
    struct timespec until = limit->deadline;
    bool is_limited = limit->has_deadline;
    if (limit->cancel && __atomic_load_n(limit->cancel, __ATOMIC_RELAXED))
        return error_set(err, DK_ECANCELED, "cancelled");
    if (limit->cancel) {
        struct timespec next = after(CANCEL_NS);
        if (!is_limited || is_before(next, until))
            until = next;
    }
    int rc = is_limited || limit->cancel
                 ? pthread_cond_timedwait(&client->changed, &client->lock, &until)
                 : pthread_cond_wait(&client->changed, &client->lock);
    if (rc == ETIMEDOUT && is_limited && !is_before(after(0), limit->deadline))
        return error_set(err, DK_EIO, "not done in time");
    return DK_OK;
}
