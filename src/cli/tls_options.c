#include "cli/tls_options.h"

#include <stddef.h>

void tls_take_option(int number, const char *value, struct tls_files *files)
{
    const char **places[] = {&files->ca_file, &files->cert_file, &files->key_file};
    *places[number] = value;
}
