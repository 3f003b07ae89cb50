/*
 * notify.h: telling systemd how we are: sd_notify(3)'s datagrams, without its library.
 */
#ifndef BRIDGE_NOTIFY_H
#define BRIDGE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC; without the former all others do nothing. */
extern void notify_init(void);

extern void notify_ready(void);
extern void notify_reloading(void);
extern void notify_stopping(void);

/* Sent where it differs from what was sent last. */
extern void notify_status(const char *status);

/* We are alive; call often.  How often it is sent at most: half of what was asked for. */
extern void notify_watchdog(void);

/* How long a caller may sleep between calls; -1: for ever. */
extern int	notify_watchdog_ms(void);

#endif							/* BRIDGE_NOTIFY_H */
