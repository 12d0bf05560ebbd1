/* Certificates for tests, made on the spot: an authority, and nodes that it vouches for. */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct certificates {
    char folder[64];
    char ca[96];        /* the authority */
    char node[96];      /* a certificate of its, with the key */
    char stranger[96];  /* another authority's, with the key */
    char other_key[96]; /* of no certificate here */
};

static inline X509 *certificate_new(const char *name, EVP_PKEY *key, X509 *issuer,
                                    EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), rand());
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
    if (!issuer) {
        X509_EXTENSION *is_ca =
            X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(certificate, is_ca, -1);
        X509_EXTENSION_free(is_ca);
    }
    X509_sign(certificate, issuer_key ? issuer_key : key, EVP_sha256());
    return certificate;
}

static inline void certificate_write(const char *path, X509 *certificate, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    if (certificate)
        PEM_write_X509(file, certificate);
    if (key)
        PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

/* An authority at `ca` (NULL: it is not needed) and a node of its at `node`. */
static inline void certificates_of(const char *ca, const char *node)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    EVP_PKEY *node_key = EVP_EC_gen("P-256");
    X509 *authority = certificate_new(ca ? "ours" : "another", ca_key, NULL, NULL);
    X509 *certificate = certificate_new("node", node_key, authority, ca_key);
    if (ca)
        certificate_write(ca, authority, NULL);
    certificate_write(node, certificate, node_key);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(node_key);
    EVP_PKEY_free(ca_key);
}

static inline void certificates_make(struct certificates *made)
{
    const char *where = getenv("TMPDIR");
    snprintf(made->folder, sizeof(made->folder), "%s/cdask-tls-XXXXXX",
             where && strlen(where) < 40 ? where : "/tmp");
    if (!mkdtemp(made->folder))
        abort();
    snprintf(made->ca, sizeof(made->ca), "%s/ca.pem", made->folder);
    snprintf(made->node, sizeof(made->node), "%s/node.pem", made->folder);
    snprintf(made->stranger, sizeof(made->stranger), "%s/stranger.pem", made->folder);
    snprintf(made->other_key, sizeof(made->other_key), "%s/key.pem", made->folder);
    certificates_of(made->ca, made->node);
    certificates_of(NULL, made->stranger);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    certificate_write(made->other_key, NULL, key);
    EVP_PKEY_free(key);
}

static inline void certificates_remove(const struct certificates *made)
{
    unlink(made->ca);
    unlink(made->node);
    unlink(made->stranger);
    unlink(made->other_key);
    rmdir(made->folder);
}

#endif
