/* The contexts of this process, for the handlers that the C library calls around each fork(). They
 * have no argument, so this is state of the process: forks, like signals, belong to it. */
#include "local/fork_guard.h"

#include <pthread.h>

#include "base/error.h"
#include "local/interrupt.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int refused; /* why there are no handlers, an errno */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dk_context *guarded; /* a list */

static void hold(void)
{
    pthread_mutex_lock(&lock);
    for (dk_context *dk = guarded; dk; dk = dk->next_guarded) {
        if (dk->building_lock)
            pthread_mutex_lock(dk->building_lock);
        pthread_mutex_lock(&dk->registry.lock);
    }
    interrupt_lock();
}

static void let_go(void)
{
    interrupt_unlock();
    for (dk_context *dk = guarded; dk; dk = dk->next_guarded) {
        pthread_mutex_unlock(&dk->registry.lock);
        if (dk->building_lock)
            pthread_mutex_unlock(dk->building_lock);
    }
    pthread_mutex_unlock(&lock);
}

static void install(void)
{
    refused = pthread_atfork(hold, let_go, let_go);
}

dk_status fork_guard(dk_context *dk, dk_error *err)
{
    pthread_once(&once, install);
    if (refused)
        return error_nomem(err);
    pthread_mutex_lock(&lock);
    dk->next_guarded = guarded;
    guarded = dk;
    pthread_mutex_unlock(&lock);
    return DK_OK;
}

void fork_unguard(dk_context *dk)
{
    pthread_mutex_lock(&lock);
    dk_context **at = &guarded;
    while (*at && *at != dk)
        at = &(*at)->next_guarded;
    if (*at)
        *at = dk->next_guarded;
    pthread_mutex_unlock(&lock);
}
