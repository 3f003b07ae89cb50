/*
 * command.h: commands to meters on their way out, and the answers that come back.
 */
#ifndef METERING_COMMAND_H
#define METERING_COMMAND_H

#include "utils/uuid.h"

#include "metering/ingest.h"

#define COMMAND_DAYS_AHEAD_MAX 366

/* A command as a person or jsonb wrote it; errors say what is wrong. */
extern void command_read(const char *json, command *out);

/* The canonical text, palloc'd. */
extern char *command_text(const command *c);

/*
 * Sign and store; *id is its name.  expires_at DT_NOEND: a day after not_before;
 * not_before DT_NOBEGIN: now.  reason: NULL or as registration_check_reason wants it.
 */
extern void command_send(const char *meter, const command *c, TimestampTz not_before,
						 TimestampTz expires_at, const char *reason, pg_uuid_t *id);

/* *by is the command of type cancel that tells the meter. */
extern void command_cancel(const pg_uuid_t *id, const char *reason, pg_uuid_t *by);

/* Accepted messages of type ack, in ingest_compare's order, become rows of command_ack. */
extern void command_store_acks(IngestMessage **accepted, int count, TimestampTz received_at);

#endif							/* METERING_COMMAND_H */
