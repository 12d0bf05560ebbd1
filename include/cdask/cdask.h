/* cdask: Dask, natively. This header is all a program includes; each part documents itself. */
#ifndef CDASK_CDASK_H
#define CDASK_CDASK_H

#include <cdask/arrow.h>
#include <cdask/command.h>
#include <cdask/context.h>
#include <cdask/csv.h>
#include <cdask/diagnostics.h>
#include <cdask/distributed.h>
#include <cdask/frame.h>
#include <cdask/graph.h>
#include <cdask/interrupt.h>
#include <cdask/memory.h>
#include <cdask/status.h>
#include <cdask/table.h>
#include <cdask/value.h>

#endif
