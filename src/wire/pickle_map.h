/* client.map: one function, called with each row of some iterables. For pickle_graph.c. */
#ifndef WIRE_PICKLE_MAP_H
#define WIRE_PICKLE_MAP_H

#include "wire/pickle_graph.h"
#include "wire/pickle_part.h"

/* Makes the tasks of `call`, Expr._reconstruct(_MapExpr, ...).   Errors: as pickle_graph_read(). */
dk_status pickle_map_read(struct pickle_graph *graph, const struct pickle_node *call,
                          dk_error *err) DK_NODISCARD;
/* Task(key, function, ...) of row `i`, or a value that all of them share. */
dk_status pickle_map_write(struct pickle_graph *graph, uint32_t i,
                           struct pickle_part *part) DK_NODISCARD;

#endif
