#include "local/processes/pipe_message.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define RECEIVE_NBYTES ((size_t)1 << 16)

struct header {
    uint64_t nbytes; /* with this header */
};

struct outgoing_fd {
    size_t at; /* where its message begins */
    int fd;
    bool owned;
};

/* Room for the control data of one sendmsg or recvmsg. */
union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int) * (MESSAGE_FDS_MAX + 1))];
};

void outbox_init(struct outbox *outbox, struct memory *memory)
{
    *outbox = (struct outbox){0};
    writer_init(&outbox->writer, memory);
    vector_init(&outbox->fds, memory, sizeof(struct outgoing_fd));
}

static struct outgoing_fd *fd_at(const struct outbox *outbox, size_t i)
{
    return &((struct outgoing_fd *)outbox->fds.data)[i];
}

static void forget_fds(struct outbox *outbox, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (fd_at(outbox, i)->owned)
            close(fd_at(outbox, i)->fd);
    }
}

void outbox_deinit(struct outbox *outbox)
{
    forget_fds(outbox, outbox->fds_sent, outbox->fds.count);
    vector_deinit(&outbox->fds);
    writer_deinit(&outbox->writer);
}

void outbox_put(struct outbox *outbox, const void *bytes, size_t nbytes)
{
    writer_put(&outbox->writer, bytes, nbytes);
}

void outbox_put_u8(struct outbox *outbox, uint8_t value)
{
    writer_u8(&outbox->writer, value);
}

void outbox_put_u32(struct outbox *outbox, uint32_t value)
{
    writer_u32(&outbox->writer, value);
}

void outbox_put_u64(struct outbox *outbox, uint64_t value)
{
    writer_u64(&outbox->writer, value);
}

static void open_message(struct outbox *outbox)
{
    struct header header = {0};
    outbox->begin = outbox->writer.bytes.count;
    outbox->nfds = 0;
    outbox->is_open = true;
    outbox_put(outbox, &header, sizeof(header));
}

void outbox_close(struct outbox *outbox)
{
    if (!outbox->is_open)
        return;
    outbox->is_open = false;
    /* The header itself may have found no memory. */
    if (outbox->writer.bytes.count < outbox->begin + sizeof(struct header))
        return;
    struct header header = {outbox->writer.bytes.count - outbox->begin};
    memcpy((char *)outbox->writer.bytes.data + outbox->begin, &header, sizeof(header));
}

void outbox_record(struct outbox *outbox)
{
    bool is_full = outbox->nfds >= MESSAGE_FDS_MAX ||
                   outbox->writer.bytes.count - outbox->begin >= MESSAGE_NBYTES_MAX;
    if (outbox->is_open && !is_full)
        return;
    outbox_close(outbox);
    open_message(outbox);
}

void outbox_put_fd(struct outbox *outbox, int fd, bool owned)
{
    struct outgoing_fd outgoing = {outbox->begin, fd, owned};
    if (vector_append(&outbox->fds, &outgoing, 1) == DK_OK) {
        outbox->nfds++;
        return;
    }
    if (owned)
        close(fd);
    outbox->writer.failed = true;
}

struct outbox_mark outbox_mark(const struct outbox *outbox)
{
    return (struct outbox_mark){outbox->writer.bytes.count, outbox->fds.count};
}

void outbox_rewind(struct outbox *outbox, struct outbox_mark mark)
{
    forget_fds(outbox, mark.nfds, outbox->fds.count);
    outbox->nfds -= outbox->fds.count - mark.nfds;
    outbox->fds.count = mark.nfds;
    outbox->writer.bytes.count = mark.nbytes;
    outbox->writer.failed = false;
}

int outbox_last_fd(const struct outbox *outbox)
{
    return fd_at(outbox, outbox->fds.count - 1)->fd;
}

dk_status transfer_error(enum transfer transfer, dk_error *err)
{
    if (transfer == TRANSFER_NOMEM)
        return error_nomem(err);
    if (transfer == TRANSFER_FDS_LOST) {
        return error_set(err, DK_EIO,
                         "too many open files: raise the limit (ulimit -n) or use more, smaller "
                         "partitions");
    }
    return error_set(err, DK_EIO, "the other process has closed the connection");
}

/* Attaches the descriptors of the message that begins at `outbox->sent`; returns how many. */
static size_t attach_fds(const struct outbox *outbox, struct msghdr *message,
                         union control *control)
{
    size_t n = 0;
    size_t first = outbox->fds_sent;
    while (first + n < outbox->fds.count && fd_at(outbox, first + n)->at == outbox->sent)
        n++;
    if (!n)
        return 0;
    memset(control, 0, sizeof(*control));
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(sizeof(int) * n);
    struct cmsghdr *rights = CMSG_FIRSTHDR(message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * n);
    for (size_t i = 0; i < n; i++) {
        memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd_at(outbox, first + i)->fd, sizeof(int));
    }
    return n;
}

/* What is sent at once ends where the next message with descriptors begins. */
static size_t end_of_run(const struct outbox *outbox, size_t next_fd)
{
    return next_fd < outbox->fds.count ? fd_at(outbox, next_fd)->at : outbox->writer.bytes.count;
}

static enum transfer send_once(struct outbox *outbox, int socket, bool wait)
{
    union control control;
    struct msghdr message = {0};
    size_t nfds = attach_fds(outbox, &message, &control);
    struct iovec bytes = {
        .iov_base = (char *)outbox->writer.bytes.data + outbox->sent,
        .iov_len = end_of_run(outbox, outbox->fds_sent + nfds) - outbox->sent,
    };
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    if (n < 0) {
        if (errno == EINTR)
            return TRANSFER_DONE;
        /* Too many descriptors under way: there is room once the other side has taken some. */
        bool later = errno == EAGAIN || errno == ETOOMANYREFS;
        return later ? TRANSFER_LATER : errno == ENOMEM ? TRANSFER_NOMEM : TRANSFER_END;
    }
    forget_fds(outbox, outbox->fds_sent, outbox->fds_sent + nfds);
    outbox->fds_sent += nfds;
    outbox->sent += (size_t)n;
    return TRANSFER_DONE;
}

enum transfer outbox_send(struct outbox *outbox, int socket, bool wait)
{
    outbox_close(outbox);
    while (outbox->sent < outbox->writer.bytes.count) {
        enum transfer transfer = send_once(outbox, socket, wait);
        if (transfer != TRANSFER_DONE)
            return transfer;
    }
    outbox->writer.bytes.count = outbox->fds.count = 0;
    outbox->begin = outbox->sent = outbox->fds_sent = 0;
    return TRANSFER_DONE;
}

void inbox_init(struct inbox *inbox, struct memory *memory)
{
    *inbox = (struct inbox){0};
    vector_init(&inbox->bytes, memory, 1);
    vector_init(&inbox->fds, memory, sizeof(int));
}

void inbox_deinit(struct inbox *inbox)
{
    for (int fd = inbox_take_fd(inbox); fd >= 0; fd = inbox_take_fd(inbox))
        close(fd);
    vector_deinit(&inbox->fds);
    vector_deinit(&inbox->bytes);
}

int inbox_take_fd(struct inbox *inbox)
{
    if (inbox->fds_taken == inbox->fds.count)
        return -1;
    int fd = ((const int *)inbox->fds.data)[inbox->fds_taken++];
    if (inbox->fds_taken == inbox->fds.count)
        inbox->fds_taken = inbox->fds.count = 0;
    return fd;
}

/* False when no message's size is known yet. */
static bool peek_nbytes(const struct inbox *inbox, size_t *nbytes)
{
    struct header header;
    if (inbox->bytes.count - inbox->begin < sizeof(header))
        return false;
    memcpy(&header, (const char *)inbox->bytes.data + inbox->begin, sizeof(header));
    *nbytes = header.nbytes;
    return true;
}

/* Moves the incomplete message to the front and makes room for the rest of it. */
static dk_status make_room(struct inbox *inbox)
{
    size_t left = inbox->bytes.count - inbox->begin;
    if (inbox->begin && left) {
        char *bytes = inbox->bytes.data;
        memmove(bytes, bytes + inbox->begin, left);
    }
    inbox->begin = 0;
    inbox->bytes.count = left;
    size_t nbytes = 0;
    size_t wanted = left + RECEIVE_NBYTES;
    if (peek_nbytes(inbox, &nbytes) && nbytes > wanted)
        wanted = nbytes;
    DK_TRY(vector_reserve(&inbox->bytes, wanted));
    return vector_reserve(&inbox->fds, inbox->fds.count + MESSAGE_FDS_MAX + 1);
}

static void keep_fds(struct inbox *inbox, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy((int *)inbox->fds.data + inbox->fds.count, CMSG_DATA(c), n * sizeof(int));
        inbox->fds.count += n;
    }
}

enum transfer inbox_receive(struct inbox *inbox, int socket, bool wait)
{
    if (make_room(inbox) != DK_OK)
        return TRANSFER_NOMEM;
    union control control;
    struct iovec room = {
        .iov_base = (char *)inbox->bytes.data + inbox->bytes.count,
        .iov_len = inbox->bytes.capacity - inbox->bytes.count,
    };
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
    ssize_t n = 0;
    do {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? TRANSFER_LATER : TRANSFER_END;
    if (n == 0)
        return TRANSFER_END;
    inbox->bytes.count += (size_t)n;
    keep_fds(inbox, &message);
    return message.msg_flags & MSG_CTRUNC ? TRANSFER_FDS_LOST : TRANSFER_DONE;
}

bool inbox_next(struct inbox *inbox, struct cursor *message)
{
    size_t nbytes = 0;
    if (!peek_nbytes(inbox, &nbytes) || inbox->bytes.count - inbox->begin < nbytes)
        return false;
    if (nbytes < sizeof(struct header))
        return false;
    const char *bytes = (const char *)inbox->bytes.data + inbox->begin;
    *message = (struct cursor){bytes + sizeof(struct header), bytes + nbytes, false};
    inbox->begin += nbytes;
    return true;
}
