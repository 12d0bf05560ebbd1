/* The context: everything a program's expressions, graphs and results hang on. There is no global
 * state. */
#ifndef CDASK_CONTEXT_H
#define CDASK_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include <cdask/memory.h>
#include <cdask/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dk_context dk_context;

/* What a host with an interpreter does around fork(), so that the interpreter lives on in the
 * worker processes, whose tasks may call it. All five are set, or none. For CPython they are
 * PyGILState_Ensure, PyOS_BeforeFork, PyOS_AfterFork_Parent, PyOS_AfterFork_Child and
 * PyGILState_Release.
 *
 * Every fork goes: lock(), before(), fork, then in_parent() (also when fork has failed) or
 * in_child(), then in either process unlock() with what lock() gave. They are called in the thread
 * that called dk_compute() or a `get`, with no lock of cdask's held and no signal blocked. In the
 * child the host's signal handlers are gone and SIGINT is ignored when in_child() is called; the
 * child leaves by _exit(), which runs nothing of the host's. */
typedef struct dk_fork_hooks {
    int (*lock)(void);
    void (*before)(void);
    void (*in_parent)(void);
    void (*in_child)(void);
    void (*unlock)(int locked);
} dk_fork_hooks;

typedef struct dk_options {
    const dk_allocator *allocator; /* NULL: malloc; copied */
    int64_t memory_limit;          /* bytes; allocations beyond it fail with DK_ENOMEM; 0: none */
    const char *scheduler; /* default of dk_compute(); NULL: $CDASK_SCHEDULER, else "threads" */
    int32_t num_workers;   /* default; 0: $CDASK_NUM_WORKERS, else CPUs this process may use */
    const dk_fork_hooks *fork_hooks; /* NULL: none; copied */
} dk_options;

/* Opens a context; `options` may be NULL.
 *
 * Ownership: the caller closes it with dk_close().
 * Thread: any; a context may be used from several threads at once, and in a child of fork(),
 * whatever other threads do with it meanwhile: fork() waits a moment for them (pthread_atfork()),
 * and what they compute is not there in the child.
 * Errors: DK_ENOMEM, DK_EINVAL (unknown scheduler name, listing the accepted ones; a number of
 * workers that is none; some fork hooks and not the others). */
DK_API dk_status dk_open_with(const dk_options *options, dk_context **out,
                              dk_error *err) DK_NODISCARD;

/* dk_open_with() for programs that give up on failure: NULL then. */
DK_API dk_context *dk_open(const dk_options *options) DK_NODISCARD;

/* Closes the context and frees its expressions, forgotten or not; its graphs and lazy values have
 * been given back before. Tables that are still referenced stay valid, and the ledger lives until
 * the last of their bytes has gone. NULL is ignored. */
DK_API void dk_close(dk_context *dk);

/* Reads the ledger of `dk`.   Thread: any. */
DK_API dk_memory_use dk_context_memory(const dk_context *dk);

#ifdef __cplusplus
}
#endif
#endif
