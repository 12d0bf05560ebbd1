/* Messages between the calling process and its children: bytes and file descriptors over a Unix
 * stream socket. A message is a header and a payload of records; its descriptors travel with its
 * first byte.
 *
 * Both ends run on one machine and from one executable, so numbers are sent as they lie in memory.
 */
#ifndef LOCAL_PIPE_MESSAGE_H
#define LOCAL_PIPE_MESSAGE_H

#include "base/cursor.h"
#include "base/writer.h"

/* Linux passes at most 253 descriptors at once. */
#define MESSAGE_FDS_MAX    192
#define MESSAGE_NBYTES_MAX ((size_t)1 << 20) /* beyond it the next record starts a new message */

/* Messages being written and sent. Puts never fail by themselves: `writer.failed` remembers that
 * memory ran out. */
struct outbox {
    struct writer writer;
    struct vector fds; /* of struct outgoing_fd */
    size_t begin;      /* of the open message */
    size_t nfds;       /* in the open message */
    size_t sent;       /* bytes */
    size_t fds_sent;
    bool is_open;
};

/* Where to return to when a record cannot be finished. */
struct outbox_mark {
    size_t nbytes;
    size_t nfds;
};

void outbox_init(struct outbox *outbox, struct memory *memory);
void outbox_deinit(struct outbox *outbox);
/* Starts a record: opens a message, or closes a large one and opens the next. */
void outbox_record(struct outbox *outbox);
void outbox_put(struct outbox *outbox, const void *bytes, size_t nbytes);
void outbox_put_u8(struct outbox *outbox, uint8_t value);
void outbox_put_u32(struct outbox *outbox, uint32_t value);
void outbox_put_u64(struct outbox *outbox, uint64_t value);
/* Sends `fd` along; *takes* it (and closes it once sent) if `owned`. */
void outbox_put_fd(struct outbox *outbox, int fd, bool owned);
struct outbox_mark outbox_mark(const struct outbox *outbox);
/* Forgets what was put since the mark, which is in the open message, and that it failed. */
void outbox_rewind(struct outbox *outbox, struct outbox_mark mark);
/* The descriptor put last. */
int outbox_last_fd(const struct outbox *outbox);
/* Ends the open message, if any; nothing is sent before. */
void outbox_close(struct outbox *outbox);
static inline bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->writer.bytes.count == 0;
}

enum transfer {
    TRANSFER_DONE,  /* sent everything; received something */
    TRANSFER_LATER, /* the socket would block */
    TRANSFER_END,   /* the other side is gone */
    TRANSFER_NOMEM,
    TRANSFER_FDS_LOST /* this process has too many open files to receive another */
};

/* Says in `err` what TRANSFER_NOMEM, TRANSFER_FDS_LOST or TRANSFER_END means. */
dk_status transfer_error(enum transfer transfer, dk_error *err);

/* Closes the open message and sends everything, or without `wait` as much as the socket takes. The
 * outbox is empty after TRANSFER_DONE. */
enum transfer outbox_send(struct outbox *outbox, int socket, bool wait);

/* Bytes and descriptors received and not yet read. */
struct inbox {
    struct vector bytes; /* of char */
    size_t begin;        /* of the next message */
    struct vector fds;   /* of int */
    size_t fds_taken;
};

void inbox_init(struct inbox *inbox, struct memory *memory);
/* Closes descriptors that nobody took. */
void inbox_deinit(struct inbox *inbox);
/* Receives once. Messages read so far are no longer valid. */
enum transfer inbox_receive(struct inbox *inbox, int socket, bool wait);
/* The payload of the next complete message; false when there is none. */
bool inbox_next(struct inbox *inbox, struct cursor *message);
/* The next descriptor, now the caller's; -1 when there is none. */
int inbox_take_fd(struct inbox *inbox);

#endif
