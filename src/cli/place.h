/* Where to listen, by the options that Dask's commands have for it. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <stdbool.h>

#include <cdask/status.h>

#define PLACE_NBYTES 64

/* The number of the network interface, "eth0" say; IPv4 if it has one. False: `err` says which
 * there are. */
bool place_of_interface(const char *name, char out[PLACE_NBYTES], dk_error *err);
/* "tcp", "tls", "tcp://" ...; false: `err` says what is possible. */
bool place_read_protocol(const char *text, bool *is_tls, dk_error *err);

#endif
