#include "node/tls.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <uv.h>

#include "base/error.h"

/* An SSL_CTX counts its references: the configuration is one. */
static SSL_CTX *context_of(struct tls_config *config)
{
    return (SSL_CTX *)config;
}

struct tls {
    SSL *ssl;
    BIO *in;  /* from the peer */
    BIO *out; /* to the peer */
};

/* What OpenSSL's queue of errors says first; the queue is empty after. */
static const char *reason(void)
{
    unsigned long code = ERR_get_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    if (ERR_SYSTEM_ERROR(code)) /* such as a file that is not there: OpenSSL has no words for it */
        text = uv_strerror(uv_translate_sys_error(ERR_GET_REASON(code)));
    ERR_clear_error();
    return text ? text : "the connection has failed";
}

/* ---- certificates ---- */

static dk_status refuse_file(const char *what, const char *file, dk_error *err)
{
    return error_set(err, DK_EINVAL, "%s: no %s for TLS: %s", file, what, reason());
}

static dk_status load_files(SSL_CTX *context, const struct tls_files *files, dk_error *err)
{
    const char *key_file = files->key_file ? files->key_file : files->cert_file;
    if (!files->ca_file || !files->cert_file)
        return error_set(err, DK_EINVAL, "TLS needs the files of an authority and a certificate");
    if (SSL_CTX_load_verify_locations(context, files->ca_file, NULL) != 1)
        return refuse_file("authority", files->ca_file, err);
    if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1)
        return refuse_file("certificate", files->cert_file, err);
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
        return refuse_file("key of the certificate", key_file, err);
    return DK_OK;
}

dk_status tls_config_new(const struct tls_files *files, struct tls_config **out, dk_error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (!context)
        return error_nomem(err);
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_num_tickets(context, 0); /* nobody resumes */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    dk_status status = load_files(context, files, err);
    if (status != DK_OK) {
        SSL_CTX_free(context);
        return status;
    }
    *out = (struct tls_config *)context;
    return DK_OK;
}

dk_status tls_config_for(enum node_protocol protocol, const struct tls_files *files,
                         struct tls_config **out, dk_error *err)
{
    *out = NULL;
    if (protocol == NODE_TLS)
        return tls_config_new(files, out, err);
    if (files->ca_file || files->cert_file || files->key_file)
        return error_set(err, DK_EINVAL,
                         "certificates for TLS are given, but the address is one without: "
                         "tls://HOST:PORT is with it");
    return DK_OK;
}

void tls_config_free(struct tls_config *config)
{
    SSL_CTX_free(context_of(config));
}

/* ---- sessions ---- */

struct tls *tls_new(struct tls_config *config, bool is_server)
{
    SSL *ssl = SSL_new(context_of(config));
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    struct tls *tls = OPENSSL_zalloc(sizeof(*tls));
    if (!ssl || !in || !out || !tls) {
        OPENSSL_free(tls);
        BIO_free(out);
        BIO_free(in);
        SSL_free(ssl);
        return NULL;
    }
    *tls = (struct tls){ssl, in, out};
    SSL_set_bio(ssl, in, out);
    if (is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    OPENSSL_free(tls);
}

/* What fails here fails again in tls_read(), which tells. */
bool tls_shake(struct tls *tls)
{
    if (SSL_is_init_finished(tls->ssl))
        return true;
    bool is_over = SSL_do_handshake(tls->ssl) == 1;
    ERR_clear_error();
    return is_over;
}

dk_status tls_receive(struct tls *tls, struct wire_bytes bytes)
{
    size_t written = 0;
    if (bytes.nbytes && BIO_write_ex(tls->in, bytes.data, bytes.nbytes, &written) != 1)
        return DK_ENOMEM;
    return DK_OK;
}

static dk_status fail(const struct tls *tls, dk_error *err)
{
    long verified = SSL_get_verify_result(tls->ssl);
    const char *why = reason();
    if (verified != X509_V_OK)
        why = X509_verify_cert_error_string(verified);
    return error_set(err, DK_EIO, "TLS: %s", why);
}

dk_status tls_read(struct tls *tls, char *to, size_t room, size_t *nbytes, bool *is_over,
                   dk_error *err)
{
    *nbytes = 0;
    *is_over = false;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, to, room, nbytes);
    if (result == 1)
        return DK_OK;
    int error = SSL_get_error(tls->ssl, result);
    *is_over = error == SSL_ERROR_ZERO_RETURN;
    if (*is_over || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return DK_OK;
    return fail(tls, err);
}

dk_status tls_write(struct tls *tls, struct wire_bytes bytes, dk_error *err)
{
    size_t written = 0;
    ERR_clear_error();
    if (bytes.nbytes && SSL_write_ex(tls->ssl, bytes.data, bytes.nbytes, &written) != 1)
        return fail(tls, err);
    return DK_OK;
}

void tls_finish(struct tls *tls)
{
    if (SSL_is_init_finished(tls->ssl) && !(SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN))
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

size_t tls_pending(const struct tls *tls)
{
    return BIO_ctrl_pending(tls->out);
}

dk_status tls_take(struct tls *tls, struct vector *out)
{
    size_t nbytes = tls_pending(tls);
    size_t taken = 0;
    if (!nbytes)
        return DK_OK;
    DK_TRY(vector_reserve(out, out->count + nbytes));
    BIO_read_ex(tls->out, (char *)out->data + out->count, nbytes, &taken);
    out->count += taken;
    return DK_OK;
}
