/*
 * meter_orders.h: what one meter was told, and how its load obeys.
 */
#ifndef METER_ORDERS_H
#define METER_ORDERS_H

#include "core/downlink_note.h"
#include "meter.h"

#define ORDERS_HELD_MAX 16		/* commands that wait for their time */
#define ORDERS_BYTES_MAX 16384	/* written down */

typedef struct held_command
{
	char		id[COMMAND_ID_LEN + 1];
	int64_t		counter;
	int64_t		not_before_ms;
	int64_t		expires_ms;
	command		what;
} held_command;

typedef struct meter_limit
{
	bool		set;
	int64_t		power_w;
	int64_t		until_ms;		/* 0: no end */
} meter_limit;

struct meter_orders
{
	char		operator_name[NOTE_NAME_LEN_MAX + 1];	/* whose counter it is */
	int64_t		counter;		/* the highest taken */
	uint64_t	taken;			/* bit i: counter - i was taken or answered */
	bool		off;			/* relay 1 */
	meter_limit limit[2];		/* import, export */
	bool		prepaid;
	bool		cutoff;
	int64_t		total_wh;
	int64_t		used_uwh;		/* since prepayment began */
	char		text[COMMAND_TEXT_LEN_MAX + 1]; /* on the display */
	int			held_count;
	held_command held[ORDERS_HELD_MAX];
};

/* Made when the first command comes. */
extern meter_orders *meter_orders_of(meter *m);

/* Seen before, as far as it is remembered; and from now on. */
extern bool meter_orders_knows(const meter_orders *o, int64_t counter);
extern void meter_orders_remember(meter_orders *o, int64_t counter);

/* Carries a command out, at now by the system's clock. */
extern ack_result meter_orders_apply(meter_orders *o, const command *c, int64_t now_ms, char detail[ACK_DETAIL_LEN_MAX + 1]);

/* The place of the held command of that id; -1: none. */
extern int	meter_orders_find(const meter_orders *o, const char *id);
extern void meter_orders_drop(meter_orders *o, int i);

/* All of it as bytes, for the journal; 0: no room. */
extern size_t meter_orders_write(const meter_orders *o, uint8_t *out, size_t cap);
extern bool meter_orders_read(meter_orders *o, const uint8_t *data, size_t len);

#endif							/* METER_ORDERS_H */
