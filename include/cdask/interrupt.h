/* Ctrl-C: lets SIGINT stop a computation through the flag that dk_get_options.cancel points to.
 *
 *     volatile int cancel = 0;
 *     dk_interrupt watch;
 *     status = dk_interrupt_begin(&cancel, &watch, &err);
 *     if (status == DK_OK)
 *         status = dk_compute(frame, &(dk_compute_options){.run.cancel = &cancel}, &table);
 *     dk_interrupt_end(&watch);
 *
 * What a signal does is a matter of the process, not of a context, so this is the one part of cdask
 * that keeps state of the process: as long as somebody watches there is a handler for SIGINT. It
 * sets the flags of all who watch and then calls the handler that was there before; it runs in
 * whatever thread the system chooses, which need not be one that watches.
 */
#ifndef CDASK_INTERRUPT_H
#define CDASK_INTERRUPT_H

#include <cdask/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One who watches. */
typedef struct dk_interrupt {
    int place;
} dk_interrupt;

/* Sets `*cancel` to 1 at every SIGINT until dk_interrupt_end(). Many may watch at once, one inside
 * the other or in different threads, and one SIGINT stops them all.
 *
 * A handler that was there is called after, with its own flags and mask. Where there is none the
 * process does not end while somebody watches, and where SIGINT is ignored (by the program, or by
 * the shell that started it in the background; in the worker processes of the processes scheduler)
 * it stays ignored.
 *
 * Ownership: borrows `cancel` until dk_interrupt_end(); `*watch` is the caller's.
 * Thread: any; not in a signal handler.
 * Errors: DK_EOVERFLOW (64 watch already). */
DK_API dk_status dk_interrupt_begin(volatile int *cancel, dk_interrupt *watch,
                                    dk_error *err) DK_NODISCARD;

/* Stops watching: `*cancel` is not written any more. The last one puts back what there was before
 * the first, unless the program has installed another handler meanwhile. Does nothing after a
 * dk_interrupt_begin() that failed, and the second time.
 * Thread: any; not in a signal handler. */
DK_API void dk_interrupt_end(dk_interrupt *watch);

#ifdef __cplusplus
}
#endif
#endif
