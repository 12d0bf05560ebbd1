#include "cli/tls_options.h"

#include <stddef.h>

void tls_take_option(int number, const char *value, struct tls_files *files)
{
    const char **places[] = {&files->ca_file, &files->cert_file, &files->key_file};
    *places[number] = value;
}

dk_status tls_open(enum node_protocol protocol, const struct tls_files *files,
                   struct tls_config **out, dk_error *err)
{
    *out = NULL;
    return protocol == NODE_TLS ? tls_config_new(files, out, err) : DK_OK;
}
