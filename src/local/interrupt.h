/* What forking needs to know of who watches for Ctrl-C. */
#ifndef LOCAL_INTERRUPT_H
#define LOCAL_INTERRUPT_H

#include <cdask/interrupt.h>

/* Held around a fork: a child may watch, too, and the thread that holds it would not exist there.
 */
void interrupt_lock(void);
void interrupt_unlock(void);

#endif
