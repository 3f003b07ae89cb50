/*
 * tables.h: column numbers of the metering tables, as sql/metering.sql makes
 * them.  For src/metering only: everybody else reads the tables through SQL.
 */
#ifndef METERING_TABLES_H
#define METERING_TABLES_H

#define Anum_meter_meter 1
#define Anum_meter_public_key 2
#define Anum_meter_algorithm 3
#define Anum_meter_registered_at 10

#define Anum_message_meter 1
#define Anum_message_epoch 2
#define Anum_message_seq 3
#define Anum_message_digest 7
#define Anum_message_chained 11

#endif							/* METERING_TABLES_H */
