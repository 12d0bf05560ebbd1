/* The bytes of one file from an offset on: plain, or decompressed on the way. */
#ifndef IO_CSV_INPUT_H
#define IO_CSV_INPUT_H

#include "base/error.h"
#include "io/csv/plan.h"

struct csv_decoder;

struct csv_input {
    struct memory *memory;
    const struct csv_file *file;
    int fd;                      /* -1: closed, or a file in memory */
    int64_t at;                  /* offset of the next byte in the file */
    int64_t nread;               /* file bytes read so far */
    struct csv_decoder *decoder; /* NULL: the file is plain */
};

/* Opens `file` at `offset` (0 for a compressed one). The compression is recognised by the first
 * bytes. Errors: DK_ENOFILE, DK_EIO (unreadable, a directory, changed since it was planned in
 * several blocks), DK_ENOTSUP (a compression we do not read). */
dk_status csv_input_open(struct csv_input *input, struct memory *memory,
                         const struct csv_file *file, int64_t offset, dk_error *err) DK_NODISCARD;
void csv_input_close(struct csv_input *input);
/* Fills `out`; `*ngot` < `nbytes` only at the end. */
dk_status csv_input_read(struct csv_input *input, char *out, size_t nbytes, size_t *ngot,
                         dk_error *err) DK_NODISCARD;

/* Bytes of the file as they are; for csv_input_read() and the decoders. */
dk_status csv_input_raw(struct csv_input *input, char *out, size_t nbytes, size_t *ngot,
                        dk_error *err) DK_NODISCARD;

/* decode.c */
enum csv_coding { CSV_PLAIN, CSV_GZIP, CSV_ZSTD };

/* What the first bytes of a file say. Errors: DK_ENOTSUP. */
dk_status csv_coding_find(const char *path, const char *bytes, size_t nbytes, enum csv_coding *out,
                          dk_error *err) DK_NODISCARD;
/* Whether the file behind `path` is compressed. */
dk_status csv_input_coding(struct csv_input *input, enum csv_coding *out,
                           dk_error *err) DK_NODISCARD;
dk_status csv_decoder_new(struct memory *memory, enum csv_coding coding, struct csv_decoder **out,
                          dk_error *err) DK_NODISCARD;
void csv_decoder_free(struct csv_decoder *decoder);
dk_status csv_decoder_read(struct csv_decoder *decoder, struct csv_input *input, char *out,
                           size_t nbytes, size_t *ngot, dk_error *err) DK_NODISCARD;

#endif
