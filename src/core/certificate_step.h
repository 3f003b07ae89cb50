/*
 * certificate_step.h: states of certificates, what is done with them, and what leads from
 * which state to which.  EnergyTag's and EECS's states, doc/certificates.md.
 */
#ifndef CORE_CERTIFICATE_STEP_H
#define CORE_CERTIFICATE_STEP_H

#include <stdbool.h>
#include <stddef.h>

typedef enum certificate_state
{
	CERTIFICATE_NONE, CERTIFICATE_ACTIVE, CERTIFICATE_RESERVED, CERTIFICATE_LOCKED, CERTIFICATE_CANCELLED, CERTIFICATE_CLAIMED,
	CERTIFICATE_WITHDRAWN, CERTIFICATE_EXPIRED, CERTIFICATE_STATES
} certificate_state;

typedef enum certificate_kind
{
	CERTIFICATE_NOTHING, CERTIFICATE_TRANSFER, CERTIFICATE_SHARE, CERTIFICATE_RESERVE, CERTIFICATE_RELEASE, CERTIFICATE_LOCK,
	CERTIFICATE_CANCEL, CERTIFICATE_CLAIM, CERTIFICATE_WITHDRAW, CERTIFICATE_EXPIRE, CERTIFICATE_KINDS
} certificate_kind;

/* "" for CERTIFICATE_NONE and CERTIFICATE_NOTHING. */
extern const char *certificate_state_name(certificate_state state);
extern const char *certificate_kind_name(certificate_kind kind);

/* CERTIFICATE_NONE and CERTIFICATE_NOTHING for other names. */
extern certificate_state certificate_state_of(const char *name, size_t len);
extern certificate_kind certificate_kind_of(const char *name, size_t len);

/* The state that it leads to; CERTIFICATE_NONE where it must not happen. */
extern certificate_state certificate_step(certificate_kind kind, certificate_state from);

#endif							/* CORE_CERTIFICATE_STEP_H */
