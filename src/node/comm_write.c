/* How a comm writes: what is sent in a turn of the loop is encoded into one batch and written at
 * the end of the turn, while the next one fills another. */
#include "node/comm_parts.h"

#include <string.h>

#include "base/error.h"

#define PIECES_AT_ONCE 64

/* Under TLS, so much is encrypted before it is written. */
#define ENCRYPT_NBYTES ((size_t)1 << 18)

/* More than this need not wait for the end of the turn. */
#define ENOUGH_NBYTES ((size_t)1 << 20)

static bool is_over(const struct comm *comm)
{
    return comm->is_closing || comm->is_broken;
}

/* The peer's last words may still lie here to be read, and say more than a broken pipe does. */
static void break_off(struct comm *comm, int uv_status)
{
    bool has_gone = uv_status == UV_EPIPE || uv_status == UV_ECONNRESET;
    comm->is_broken = true;
    batch_clear(&comm->filling);
    batch_clear(&comm->flying);
    if (comm->is_finishing)
        comm_close(comm);
    else if (!has_gone || comm->is_paused)
        comm_fail(comm, comm_status_of(uv_status), "cannot send: %s", uv_strerror(uv_status));
}

/* True when `flying` has bytes to be written. */
static bool take_off_plain(struct comm *comm)
{
    if (comm->flying.nbytes)
        return true;
    batch_clear(&comm->flying);
    if (!comm->filling.nbytes)
        return false;
    batch_seal(&comm->filling);
    struct batch empty = comm->flying;
    comm->flying = comm->filling;
    comm->filling = empty;
    return true;
}

/* ---- under TLS: the messages are encrypted a part at a time ---- */

static void encrypt(struct comm *comm)
{
    dk_error err = {0};
    struct wire_bytes piece;
    while (tls_pending(comm->tls) < ENCRYPT_NBYTES && take_off_plain(comm)) {
        batch_next(&comm->flying, &piece, 1);
        if (piece.nbytes > ENCRYPT_NBYTES)
            piece.nbytes = ENCRYPT_NBYTES;
        dk_status status = tls_write(comm->tls, piece, &err);
        if (status != DK_OK) {
            comm_fail(comm, status, "%s", err.message);
            return;
        }
        batch_written(&comm->flying, piece.nbytes);
    }
}

/* True when `cipher` has bytes to be written. */
static bool take_off_cipher(struct comm *comm)
{
    if (comm->cipher_at < comm->cipher.count)
        return true;
    comm->cipher.count = comm->cipher_at = 0;
    if (tls_shake(comm->tls))
        encrypt(comm);
    if (comm->is_finishing && !comm->filling.nbytes && !comm->flying.nbytes)
        tls_finish(comm->tls);
    if (!comm->is_closing && tls_take(comm->tls, &comm->cipher) != DK_OK)
        comm_fail(comm, DK_ENOMEM, "%s", dk_status_text(DK_ENOMEM));
    if (!comm->cipher.count)
        vector_deinit(&comm->cipher);
    return !comm->is_closing && comm->cipher.count > 0;
}

/* ---- writing ---- */

static bool take_off(struct comm *comm)
{
    return comm->tls ? take_off_cipher(comm) : take_off_plain(comm);
}

static void put_written(struct comm *comm, size_t nbytes)
{
    if (comm->tls)
        comm->cipher_at += nbytes;
    else
        batch_written(&comm->flying, nbytes);
}

static size_t next_pieces(const struct comm *comm, struct wire_bytes *pieces)
{
    if (!comm->tls)
        return batch_next(&comm->flying, pieces, PIECES_AT_ONCE);
    const struct vector *cipher = &comm->cipher;
    pieces[0] = (struct wire_bytes){(const char *)cipher->data + comm->cipher_at,
                                    cipher->count - comm->cipher_at};
    return 1;
}

static unsigned next_buffers(const struct comm *comm, uv_buf_t *buffers)
{
    struct wire_bytes pieces[PIECES_AT_ONCE];
    size_t n = next_pieces(comm, pieces);
    for (size_t i = 0; i < n; i++) {
        /* libuv's buffers serve reading, too, and so know no const. */
        memcpy(&buffers[i].base, &pieces[i].data, sizeof(char *));
        buffers[i].len = pieces[i].nbytes;
    }
    return (unsigned)n;
}

static void on_written(uv_write_t *request, int status);

/* Leaves it to the loop to write on when the peer has read some. */
static void write_later(struct comm *comm, const uv_buf_t *buffers, unsigned n)
{
    comm->write.data = comm;
    comm->writing_nbytes = 0;
    for (unsigned i = 0; i < n; i++)
        comm->writing_nbytes += buffers[i].len;
    int status = uv_write(&comm->write, (uv_stream_t *)&comm->tcp, buffers, n, on_written);
    if (status < 0)
        break_off(comm, status);
    else
        comm->is_writing = true;
}

/* Writes what the system takes. Tells nobody, as it may run inside a call of the user's. */
static void write_out(struct comm *comm)
{
    uv_buf_t buffers[PIECES_AT_ONCE];
    while (!is_over(comm) && !comm->is_writing && take_off(comm)) {
        unsigned n = next_buffers(comm, buffers);
        int result = uv_try_write((uv_stream_t *)&comm->tcp, buffers, n);
        if (result >= 0)
            put_written(comm, (size_t)result);
        else if (result == UV_EAGAIN)
            write_later(comm, buffers, n);
        else
            break_off(comm, result);
    }
}

static void write_on(struct comm *comm)
{
    write_out(comm);
    if (is_over(comm) || comm->is_writing || comm->filling.nbytes || comm->flying.nbytes)
        return; /* also while TLS has not shaken hands */
    bool was_drained = comm->is_drained;
    comm->is_drained = true;
    if (comm->is_finishing)
        comm_close(comm);
    else if (!was_drained && comm->events.drained && comm->is_open)
        comm->events.drained(comm->events.self);
}

static void on_written(uv_write_t *request, int status)
{
    struct comm *comm = request->data;
    comm->is_writing = false;
    if (is_over(comm))
        return;
    if (status < 0) {
        break_off(comm, status);
        return;
    }
    put_written(comm, comm->writing_nbytes);
    write_on(comm);
}

static void on_turn(uv_idle_t *turn)
{
    uv_idle_stop(turn);
    write_on(turn->data);
}

/* An idle handle is called once the loop has nothing more to read, and keeps it from waiting. */
void comm_write_soon(struct comm *comm)
{
    if (!is_over(comm))
        uv_idle_start(&comm->turn, on_turn);
}

void comm_write_now(struct comm *comm)
{
    write_out(comm);
}

/* ---- sending ---- */

typedef dk_status put_function(struct batch *batch, const struct wire_value *value,
                               struct loan loan, dk_error *err);

static dk_status enqueue(struct comm *comm, put_function *put, const struct wire_value *value,
                         struct loan loan, dk_error *err)
{
    if (is_over(comm) || comm->is_finishing) {
        if (loan.release)
            loan.release(loan.self);
        return DK_OK;
    }
    DK_TRY(put(&comm->filling, value, loan, err));
    comm->is_drained = false;
    if (comm->filling.nbytes >= ENOUGH_NBYTES && comm->is_open)
        write_out(comm);
    comm_write_soon(comm);
    return DK_OK;
}

dk_status comm_send(struct comm *comm, const struct wire_value *root, dk_error *err)
{
    return enqueue(comm, batch_put, root, (struct loan){NULL, NULL}, err);
}

dk_status comm_send_lent(struct comm *comm, const struct wire_value *root, struct loan loan,
                         dk_error *err)
{
    return enqueue(comm, batch_put, root, loan, err);
}

dk_status comm_push(struct comm *comm, const struct wire_value *item, struct loan loan,
                    dk_error *err)
{
    return enqueue(comm, batch_push, item, loan, err);
}

size_t comm_queued_nbytes(const struct comm *comm)
{
    size_t queued =
        comm->filling.nbytes + comm->flying.nbytes + comm->cipher.count - comm->cipher_at;
    if (!comm->is_writing)
        return queued;
    return queued - comm->writing_nbytes +
           uv_stream_get_write_queue_size((const uv_stream_t *)&comm->tcp);
}

void comm_flush(struct comm *comm)
{
    if (!is_over(comm) && comm->is_open)
        write_out(comm);
}

void comm_finish(struct comm *comm)
{
    comm->is_finishing = true;
    if (comm->is_broken)
        comm_close(comm);
    else
        comm_write_soon(comm);
}
