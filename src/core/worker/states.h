/* What state a task is in on its worker. The words are the wire's.
 *
 * Source: distributed.worker_state_machine.TaskStateState. */
#ifndef CORE_WORKER_STATES_H
#define CORE_WORKER_STATES_H

#define WKR_STATE_LIST(X)                                                                          \
    X(WKR_RELEASED, "released")       /* known, no more */                                         \
    X(WKR_WAITING, "waiting")         /* for dependencies */                                       \
    X(WKR_FETCH, "fetch")             /* to be gathered from a peer */                             \
    X(WKR_FLIGHT, "flight")           /* is being gathered */                                      \
    X(WKR_MISSING, "missing")         /* to be gathered, but nobody is known to have it */         \
    X(WKR_READY, "ready")             /* to run */                                                 \
    X(WKR_CONSTRAINED, "constrained") /* to run, when its resources are free */                    \
    X(WKR_EXECUTING, "executing")                                                                  \
    X(WKR_LONG_RUNNING, "long-running") /* has seceded */                                          \
    X(WKR_MEMORY, "memory")                                                                        \
    X(WKR_ERROR, "error")                                                                          \
    X(WKR_CANCELLED, "cancelled")     /* unwanted, but still runs or comes */                      \
    X(WKR_RESUMED, "resumed")         /* cancelled, then wanted by the other way */                \
    X(WKR_RESCHEDULED, "rescheduled") /* these two are ways to go only */                          \
    X(WKR_FORGOTTEN, "forgotten")

enum wkr_state {
#define WKR_STATE_ENUM(name, text) name,
    WKR_STATE_LIST(WKR_STATE_ENUM)
#undef WKR_STATE_ENUM
        WKR_NSTATES
};

const char *wkr_state_name(enum wkr_state state);

#endif
