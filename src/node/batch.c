#include "node/batch.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"
#include "wire/pack.h"

/* Before frame 0: the length of all that follows, the number of frames, and their lengths. */
#define WORD         sizeof(uint64_t)
#define PLAIN_NBYTES (3 * WORD) /* of the prelude of a message without payloads */
#define ARRAY_NBYTES 5          /* of the head of an array of any count */
#define ROOM_NBYTES  ((size_t)1 << 16)

/* A longer array goes in several messages, so that the peer may begin and its limits are kept. */
#define ARRAY_MAX_NBYTES ((size_t)1 << 20)
#define ARRAY_MAX_FRAMES 4096

enum where { IN_BYTES, IN_COPIES, LENT };

struct batch_piece {
    enum where where;
    size_t at; /* unless lent */
    size_t nbytes;
    const char *lent;
};

void batch_init(struct batch *batch, struct memory *memory)
{
    *batch = (struct batch){.memory = memory};
    vector_init(&batch->bytes, memory, 1);
    vector_init(&batch->copies, memory, 1);
    vector_init(&batch->pieces, memory, sizeof(struct batch_piece));
    vector_init(&batch->loans, memory, sizeof(struct loan));
    vector_init(&batch->frames, memory, sizeof(struct wire_bytes));
}

static void release(struct loan loan)
{
    if (loan.release)
        loan.release(loan.self);
}

static void release_loans(struct batch *batch)
{
    const struct loan *loans = batch->loans.data;
    for (size_t i = 0; i < batch->loans.count; i++)
        release(loans[i]);
    batch->loans.count = 0;
}

void batch_deinit(struct batch *batch)
{
    release_loans(batch);
    vector_deinit(&batch->frames);
    vector_deinit(&batch->loans);
    vector_deinit(&batch->pieces);
    vector_deinit(&batch->copies);
    vector_deinit(&batch->bytes);
}

/* ---- what can be taken back ---- */

struct mark {
    size_t bytes, copies, pieces, frames, nbytes;
};

static struct mark mark(const struct batch *batch)
{
    return (struct mark){batch->bytes.count, batch->copies.count, batch->pieces.count,
                         batch->frames.count, batch->nbytes};
}

static void take_back(struct batch *batch, struct mark to)
{
    batch->bytes.count = to.bytes;
    batch->copies.count = to.copies;
    batch->pieces.count = to.pieces;
    batch->frames.count = to.frames;
    batch->nbytes = to.nbytes;
}

/* ---- packing a value into the open message ---- */

static dk_status put_frame(struct batch *batch, struct wire_bytes frame, bool is_lent)
{
    struct batch_piece piece = {.where = LENT, .nbytes = frame.nbytes, .lent = frame.data};
    if (!is_lent || frame.nbytes <= BATCH_COPY_NBYTES) {
        piece = (struct batch_piece){IN_COPIES, batch->copies.count, frame.nbytes, NULL};
        DK_TRY(vector_append(&batch->copies, frame.data, frame.nbytes));
    }
    batch->nbytes += frame.nbytes;
    return vector_append(&batch->pieces, &piece, 1);
}

/* The frames of payloads that were packed since there were `nframes`. */
static dk_status put_frames(struct batch *batch, size_t nframes, bool is_lent)
{
    const struct wire_bytes *frames = batch->frames.data;
    for (size_t i = nframes; i < batch->frames.count; i++)
        DK_TRY(put_frame(batch, frames[i], is_lent));
    /* So that sealing needs no memory. */
    size_t prelude = (2 + batch->frames.count) * WORD;
    return vector_reserve(&batch->bytes, batch->bytes.count + prelude);
}

/* Packs one value into the open message, and notes its loan. */
static dk_status pack(struct batch *batch, const struct wire_value *value, struct loan loan,
                      dk_error *err)
{
    size_t nframes = batch->frames.count;
    size_t at = batch->bytes.count;
    DK_TRY(wire_pack(&batch->bytes, &batch->frames, value, err));
    batch->nbytes += batch->bytes.count - at;
    if (put_frames(batch, nframes, loan.release != NULL) != DK_OK)
        return error_nomem(err);
    if (loan.release && vector_append(&batch->loans, &loan, 1) != DK_OK)
        return error_nomem(err);
    return DK_OK;
}

/* ---- sealing: writing the prelude ---- */

static void put_word(char *at, size_t i, uint64_t word)
{
    word = htole64(word);
    memcpy(at + i * WORD, &word, WORD);
}

/* A message without payloads is one piece with what lies before it. */
static void seal_plain(struct batch *batch, size_t frame0)
{
    char *prelude = (char *)batch->bytes.data + batch->open_at;
    struct batch_piece *piece = (struct batch_piece *)batch->pieces.data + batch->open_piece;
    struct batch_piece *before = piece - 1;
    put_word(prelude, 0, 2 * WORD + frame0);
    put_word(prelude, 1, 1);
    put_word(prelude, 2, frame0);
    *piece = (struct batch_piece){IN_BYTES, batch->open_at, PLAIN_NBYTES + frame0, NULL};
    batch->pieces.count = batch->open_piece + 1;
    if (batch->open_piece > 0 && before->where == IN_BYTES &&
        before->at + before->nbytes == piece->at) {
        before->nbytes += piece->nbytes;
        batch->pieces.count--;
    }
}

/* The prelude goes behind frame 0, as its length was not known before. */
static void seal_with_payloads(struct batch *batch, size_t frame0)
{
    struct batch_piece *pieces = (struct batch_piece *)batch->pieces.data + batch->open_piece;
    size_t nframes = batch->frames.count;
    char *prelude = (char *)batch->bytes.data + batch->bytes.count;
    uint64_t total = (1 + nframes) * WORD;
    pieces[0] = (struct batch_piece){IN_BYTES, batch->bytes.count, (2 + nframes) * WORD, NULL};
    pieces[1] = (struct batch_piece){IN_BYTES, batch->open_at + PLAIN_NBYTES, frame0, NULL};
    for (size_t i = 0; i < nframes; i++) {
        put_word(prelude, 2 + i, pieces[1 + i].nbytes);
        total += pieces[1 + i].nbytes;
    }
    put_word(prelude, 0, total);
    put_word(prelude, 1, nframes);
    batch->bytes.count += pieces[0].nbytes;
    batch->nbytes += pieces[0].nbytes - PLAIN_NBYTES;
}

static void seal_message(struct batch *batch)
{
    size_t frame0 = batch->bytes.count - batch->open_at - PLAIN_NBYTES;
    if (batch->frames.count == 1)
        seal_plain(batch, frame0);
    else
        seal_with_payloads(batch, frame0);
}

/* An array's count takes four bytes, whatever it is. */
void batch_seal(struct batch *batch)
{
    if (batch->open_count == 0)
        return;
    unsigned char *head = (unsigned char *)batch->bytes.data + batch->open_at + PLAIN_NBYTES;
    uint32_t count = htobe32(batch->open_count);
    head[0] = 0xdd; /* msgpack's array 32 */
    memcpy(head + 1, &count, sizeof(count));
    batch->open_count = 0;
    seal_message(batch);
}

/* ---- putting ---- */

/* Room for the prelude, and for two pieces: the prelude and frame 0 of a message with payloads. */
static dk_status open_message(struct batch *batch, size_t head)
{
    DK_TRY(vector_reserve(&batch->frames, 1));
    DK_TRY(vector_reserve(&batch->bytes, batch->bytes.count + PLAIN_NBYTES + head));
    DK_TRY(vector_reserve(&batch->pieces, batch->pieces.count + 2));
    batch->open_at = batch->bytes.count;
    batch->open_piece = batch->pieces.count;
    batch->bytes.count += PLAIN_NBYTES + head;
    batch->pieces.count += 2;
    batch->frames.count = 1; /* frame 0's place */
    batch->nbytes += PLAIN_NBYTES + head;
    return DK_OK;
}

/* `head` bytes are left free in front of the value of a message that is opened. */
static dk_status put(struct batch *batch, bool opens, size_t head, const struct wire_value *value,
                     struct loan loan, dk_error *err)
{
    struct mark before = mark(batch);
    dk_status status = DK_OK;
    if (opens && open_message(batch, head) != DK_OK)
        status = error_nomem(err);
    if (status == DK_OK)
        status = pack(batch, value, loan, err);
    if (status != DK_OK) {
        take_back(batch, before);
        release(loan);
    }
    return status;
}

dk_status batch_put(struct batch *batch, const struct wire_value *root, struct loan loan,
                    dk_error *err)
{
    batch_seal(batch);
    DK_TRY(put(batch, true, 0, root, loan, err));
    seal_message(batch);
    return DK_OK;
}

dk_status batch_push(struct batch *batch, const struct wire_value *item, struct loan loan,
                     dk_error *err)
{
    if (batch->open_count && (batch->bytes.count - batch->open_at >= ARRAY_MAX_NBYTES ||
                              batch->frames.count >= ARRAY_MAX_FRAMES))
        batch_seal(batch);
    DK_TRY(put(batch, batch->open_count == 0, ARRAY_NBYTES, item, loan, err));
    batch->open_count++;
    return DK_OK;
}

/* ---- writing ---- */

static const char *find(const struct batch *batch, const struct batch_piece *piece)
{
    if (piece->where == LENT)
        return piece->lent;
    const struct vector *in = piece->where == IN_BYTES ? &batch->bytes : &batch->copies;
    return (const char *)in->data + piece->at;
}

size_t batch_next(const struct batch *batch, struct wire_bytes *out, size_t max)
{
    const struct batch_piece *pieces = batch->pieces.data;
    size_t skipped = batch->written_nbytes;
    size_t n = 0;
    for (size_t i = batch->written_piece; i < batch->pieces.count && n < max; i++) {
        if (pieces[i].nbytes > skipped)
            out[n++] =
                (struct wire_bytes){find(batch, &pieces[i]) + skipped, pieces[i].nbytes - skipped};
        skipped = 0;
    }
    return n;
}

void batch_written(struct batch *batch, size_t nbytes)
{
    const struct batch_piece *pieces = batch->pieces.data;
    batch->nbytes -= nbytes;
    batch->written_nbytes += nbytes;
    while (batch->written_piece < batch->pieces.count &&
           batch->written_nbytes >= pieces[batch->written_piece].nbytes)
        batch->written_nbytes -= pieces[batch->written_piece++].nbytes;
}

static void clear(struct vector *vector)
{
    if (vector->capacity * vector->element_nbytes > ROOM_NBYTES)
        vector_deinit(vector);
    vector->count = 0;
}

void batch_clear(struct batch *batch)
{
    release_loans(batch);
    clear(&batch->bytes);
    clear(&batch->copies);
    clear(&batch->pieces);
    clear(&batch->loans);
    clear(&batch->frames);
    batch->nbytes = batch->open_count = 0;
    batch->written_piece = batch->written_nbytes = 0;
}
