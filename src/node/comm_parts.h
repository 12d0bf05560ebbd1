/* The inside of a comm, for the files that make one: comm.c, comm_write.c, connect.c, listener.c.
 */
#ifndef NODE_COMM_PARTS_H
#define NODE_COMM_PARTS_H

#include "node/comm.h"

/* Whoever connected: the attempts at the addresses of the host. */
struct attempts {
    uv_getaddrinfo_t lookup;
    bool is_looking_up;
    uv_connect_t request;
    struct addrinfo *found;
    const struct addrinfo *at; /* the one in use */
    int status;                /* what libuv said to the last attempt */
};

struct comm {
    struct memory *memory;
    uv_loop_t *loop;
    struct node_address peer;
    struct comm_options options;
    struct comm_events events;
    struct attempts *attempts; /* while connecting; NULL for an accepted comm */
    uv_tcp_t tcp;
    bool has_tcp;        /* libuv knows it */
    uv_timer_t deadline; /* for opening */
    uv_idle_t turn;      /* the end of this turn of the loop: time to write */
    unsigned nusers;     /* of the block: handles and requests that libuv still knows */
    struct frame_reader reader;
    struct batch filling; /* what is sent in this turn */
    struct batch flying;  /* what is being written */
    struct tls *tls;      /* NULL: what is sent is what is written */
    struct vector cipher; /* of char: what is written under TLS */
    size_t cipher_at;     /* so much of it is */
    uv_write_t write;
    bool is_writing;       /* `write` is under way, */
    size_t writing_nbytes; /* with so many bytes */
    bool is_drained;       /* all is written, and that is told */
    bool is_paused;
    bool is_server;
    bool is_open; /* hands are shaken */
    bool is_finishing;
    bool is_broken; /* the peer takes nothing more; what it has said may still come */
    bool is_closing;
    int pickle_protocol;
    const char *compression;
    bool shares_machine;
    bool reads_in_place; /* what is being read, into the reader's room */
    dk_error why;
    void (*left)(void *self); /* an accepted comm tells its listener that it is gone */
    void *left_self;
};

/* A comm that libuv knows nothing of: freed by comm_free(), or begun. NULL when out of memory. */
struct comm *comm_new(uv_loop_t *loop, struct memory *memory, const struct comm_options *options,
                      struct comm_events events) DK_NODISCARD;
void comm_free(struct comm *comm);
/* From here on it ends by comm_close() only. */
void comm_begin(struct comm *comm);
/* One user less; a closing comm ends with the last one. */
void comm_leave(struct comm *comm);
/* `tcp` is connected: reads, and shakes hands.   Errors: what libuv said. */
int comm_start(struct comm *comm, bool is_server);

/* Closes for a reason, which gets the address in front. The first reason counts. */
void comm_fail(struct comm *comm, dk_status status, const char *format, ...) DK_PRINTF(3, 4);
/* connect.c: frees the attempts, if there are any. */
void comm_attempts_free(struct comm *comm);
dk_status comm_status_of(int uv_status);

/* comm_write.c: writes at the end of this turn. */
void comm_write_soon(struct comm *comm);
/* Or now, what the system takes. */
void comm_write_now(struct comm *comm);

#endif
