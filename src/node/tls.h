/* TLS between nodes: bytes in, bytes out, no socket.
 *
 * Both sides show a certificate of the one authority that the cluster trusts; names of hosts are
 * not checked, as in Dask. TLS 1.2 or later. What OpenSSL keeps for itself is not on the ledger.
 *
 * Source: distributed.security. */
#ifndef NODE_TLS_H
#define NODE_TLS_H

#include "base/vector.h"
#include "node/address.h"
#include "wire/value.h"

/* Certificates, for any number of connections in either role.   Thread: any, once made. */
struct tls_config;

/* Files in PEM; `key_file` NULL: the key is in `cert_file`. */
struct tls_files {
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
};

/* Errors: DK_EINVAL (a file is missing from `files`, cannot be read or does not fit the others;
 * `err` names it), DK_ENOMEM. */
dk_status tls_config_new(const struct tls_files *files, struct tls_config **out,
                         dk_error *err) DK_NODISCARD;
/* What connections with `protocol` need: NULL for tcp, for which files are an error (DK_EINVAL). */
dk_status tls_config_for(enum node_protocol protocol, const struct tls_files *files,
                         struct tls_config **out, dk_error *err) DK_NODISCARD;
void tls_config_free(struct tls_config *config);

/* One connection's session. */
struct tls;

/* NULL when out of memory. The configuration may be freed before it. */
struct tls *tls_new(struct tls_config *config, bool is_server) DK_NODISCARD;
void tls_free(struct tls *tls);

/* Goes on with the handshake of TLS, as far as it can with what has come. True once it is over. */
bool tls_shake(struct tls *tls);

/* Takes encrypted bytes from the peer.   Errors: DK_ENOMEM. */
dk_status tls_receive(struct tls *tls, struct wire_bytes bytes) DK_NODISCARD;
/* Decrypts up to `room` bytes of what was received into `to`. `*nbytes` is 0 when more has to be
 * received first; `*is_over` tells that the peer has said that nothing more comes.
 *
 * Errors: DK_EIO (`err` says what TLS does not like); the connection is of no more use. */
dk_status tls_read(struct tls *tls, char *to, size_t room, size_t *nbytes, bool *is_over,
                   dk_error *err) DK_NODISCARD;

/* Encrypts. Only once tls_shake() is over.   Errors: DK_EIO, DK_ENOMEM. */
dk_status tls_write(struct tls *tls, struct wire_bytes bytes, dk_error *err) DK_NODISCARD;
/* Says to the peer that nothing more comes. */
void tls_finish(struct tls *tls);

/* Encrypted bytes that have to be sent, */
size_t tls_pending(const struct tls *tls);
/* and their move to the end of `out`, a vector of char.   Errors: DK_ENOMEM. */
dk_status tls_take(struct tls *tls, struct vector *out) DK_NODISCARD;

#endif
