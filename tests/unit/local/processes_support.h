/* A context for tests of the processes scheduler, and the check that nothing is left behind. */
#ifndef TESTS_PROCESSES_SUPPORT_H
#define TESTS_PROCESSES_SUPPORT_H

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/tasks.h"

/* What tasks of all processes tell the test. */
struct notes {
    atomic_int nstarted;
    atomic_int nfinished;
    atomic_int pid;
    int told[2]; /* a pipe */
};

static struct dk_context dk;
static struct notes *notes;
static int nfds_before;

static inline int count_fds(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        n++;
    if (folder)
        closedir(folder);
    return n;
}

static inline int open_context(void **state)
{
    (void)state;
    if (!context_open(&dk, NULL))
        return -1;
    tasks_register(&dk);
    void *shared =
        mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return -1;
    notes = shared;
    nfds_before = count_fds();
    return 0;
}

/* Nothing may be left: no byte, no descriptor, no process. */
static inline int close_context(void **state)
{
    (void)state;
    bool is_clean = waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
    is_clean = is_clean && count_fds() == nfds_before;
    munmap(notes, sizeof(*notes));
    return context_close(&dk) == 0 && is_clean ? 0 : -1;
}

static inline void add_function(const char *name, dk_function function)
{
    assert_int_equal(dk_register(&dk, name, function, NULL, NULL), DK_OK);
}

static inline dk_status get(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                            dk_value *results, dk_error *err)
{
    dk_get_options options = {.num_workers = 2};
    return dk_get_processes(&dk, graph, keys, nkeys, &options, results, err);
}

#endif
