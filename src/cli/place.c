#include "cli/place.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/error.h"

static bool show(const uv_interface_address_t *interface, char out[PLACE_NBYTES])
{
    return interface->address.address4.sin_family == AF_INET
               ? uv_ip4_name(&interface->address.address4, out, PLACE_NBYTES) == 0
               : uv_ip6_name(&interface->address.address6, out, PLACE_NBYTES) == 0;
}

static const uv_interface_address_t *find(const uv_interface_address_t *all, int count,
                                          const char *name, int family)
{
    for (int i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0 && all[i].address.address4.sin_family == family)
            return &all[i];
    return NULL;
}

static void list_names(const uv_interface_address_t *all, int count, char *out, size_t capacity)
{
    size_t length = 0;
    *out = '\0';
    for (int i = 0; i < count && length < capacity; i++)
        if (find(all, i, all[i].name, AF_INET) == NULL &&
            find(all, i, all[i].name, AF_INET6) == NULL)
            length += (size_t)snprintf(out + length, capacity - length, "%s%s", length ? ", " : "",
                                       all[i].name);
}

bool place_of_interface(const char *name, char out[PLACE_NBYTES], dk_error *err)
{
    uv_interface_address_t *all;
    int count;
    char names[256];
    if (uv_interface_addresses(&all, &count) != 0) {
        error_set(err, DK_EIO, "--interface: this machine's cannot be listed");
        return false;
    }
    const uv_interface_address_t *found = find(all, count, name, AF_INET);
    if (!found)
        found = find(all, count, name, AF_INET6);
    bool is_found = found && show(found, out);
    list_names(all, count, names, sizeof(names));
    uv_free_interface_addresses(all, count);
    if (!is_found)
        error_set(err, DK_EINVAL, "--interface: there is no '%s' with an address: there are %s",
                  name, names);
    return is_found;
}

bool place_read_protocol(const char *text, bool *is_tls, dk_error *err)
{
    size_t length = strcspn(text, ":");
    bool is_tcp = length == 3 && strncmp(text, "tcp", 3) == 0;
    *is_tls = length == 3 && strncmp(text, "tls", 3) == 0;
    if ((is_tcp || *is_tls) && (!text[length] || strcmp(text + length, "://") == 0))
        return true;
    error_set(err, DK_EINVAL, "--protocol: expected tcp or tls, not '%s'", text);
    return false;
}
