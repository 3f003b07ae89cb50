/*
 * tables.h: column numbers of the metering tables, as sql/fleet.sql and
 * sql/metering.sql make them.  For src/metering only: everybody else reads the
 * tables through SQL.
 */
#ifndef METERING_TABLES_H
#define METERING_TABLES_H

#define Anum_meter_key_meter 1
#define Anum_meter_key_public_key 2
#define Anum_meter_key_algorithm 3
#define Anum_meter_key_from_epoch 4
#define Anum_meter_key_from_seq 5
#define Anum_meter_key_until_epoch 6
#define Anum_meter_key_until_seq 7
#define Anum_meter_key_valid_from 8
#define Anum_meter_key_valid_until 9
#define Anum_meter_key_revoked 10

#define Anum_message_meter 1
#define Anum_message_epoch 2
#define Anum_message_seq 3
#define Anum_message_envelope 5
#define Anum_message_digest 7
#define Anum_message_sent_at 8
#define Anum_message_chained 11
#define Anum_message_raw 16

#endif							/* METERING_TABLES_H */
