/*
 * registration.h: meters and their keys enter the register.
 *
 * Each function checks what it is given, brings keys into the form that is kept (in
 * place), stores a row, and returns its ledger_id.
 * Errors say which argument is wrong.
 */
#ifndef METERING_REGISTRATION_H
#define METERING_REGISTRATION_H

/* As many as register_meter, add_meter_key and revoke_meter_key have, in their order. */
#define REGISTRATION_ARGUMENTS 16
#define REGISTRATION_KEY_ARGUMENTS 10
#define REGISTRATION_REVOKE_ARGUMENTS 3

extern int64 registration_meter(NullableDatum given[REGISTRATION_ARGUMENTS]);
extern int64 registration_add_key(NullableDatum given[REGISTRATION_KEY_ARGUMENTS]);
extern int64 registration_revoke_key(NullableDatum given[REGISTRATION_REVOKE_ARGUMENTS]);

/* Until the transaction ends nobody else changes this meter's keys. */
extern void registration_lock_meter(const char *meter);

/* 1 to 1000 bytes, as a person wrote them; whose: "a release". */
extern void registration_check_reason(const char *reason, const char *whose);


#endif							/* METERING_REGISTRATION_H */
