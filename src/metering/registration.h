/*
 * registration.h: a meter and its key enter the register.
 */
#ifndef METERING_REGISTRATION_H
#define METERING_REGISTRATION_H

/* register_meter's arguments, in the order of the meter table's columns. */
#define REGISTRATION_ARGUMENTS 9

/* Check and store; the new row's ledger_id.  Errors say which argument is wrong. */
extern int64 registration_store(const NullableDatum argument[REGISTRATION_ARGUMENTS]);

extern void registration_unknown_algorithm(const char *name) pg_attribute_noreturn();

#endif							/* METERING_REGISTRATION_H */
