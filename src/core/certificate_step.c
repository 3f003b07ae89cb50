/*
 * certificate_step.c: which events lead certificates from which state to which.
 *
 * One table, for the server's functions, the constraint on the rows, and verifiers.  A
 * state is never left out: nothing is claimed that was not cancelled, and what is withdrawn
 * or expired stays so.
 */
#include <string.h>

#include "core/certificate_step.h"

static const char *const state_names[CERTIFICATE_STATES] = {
	"", "active", "reserved", "locked", "cancelled", "claimed", "withdrawn", "expired"
};

static const char *const kind_names[CERTIFICATE_KINDS] = {
	"", "transfer", "share", "reserve", "release", "lock", "cancel", "claim", "withdraw", "expire"
};

#define FROM(state) (1u << CERTIFICATE_##state)

static const struct
{
	unsigned	from;			/* bits of states */
	certificate_state to;
}			steps[CERTIFICATE_KINDS] = {
	[CERTIFICATE_TRANSFER] = {FROM(ACTIVE), CERTIFICATE_ACTIVE},
	[CERTIFICATE_SHARE] = {FROM(ACTIVE), CERTIFICATE_ACTIVE},
	[CERTIFICATE_RESERVE] = {FROM(ACTIVE), CERTIFICATE_RESERVED},
	[CERTIFICATE_RELEASE] = {FROM(RESERVED) | FROM(LOCKED), CERTIFICATE_ACTIVE},
	[CERTIFICATE_LOCK] = {FROM(ACTIVE) | FROM(RESERVED), CERTIFICATE_LOCKED},
	[CERTIFICATE_CANCEL] = {FROM(ACTIVE) | FROM(RESERVED), CERTIFICATE_CANCELLED},
	[CERTIFICATE_CLAIM] = {FROM(CANCELLED), CERTIFICATE_CLAIMED},
	[CERTIFICATE_WITHDRAW] = {FROM(ACTIVE) | FROM(RESERVED) | FROM(LOCKED) | FROM(CANCELLED) | FROM(CLAIMED), CERTIFICATE_WITHDRAWN},
	[CERTIFICATE_EXPIRE] = {FROM(ACTIVE) | FROM(RESERVED), CERTIFICATE_EXPIRED},
};

const char *
certificate_state_name(certificate_state state)
{
	return state > CERTIFICATE_NONE && state < CERTIFICATE_STATES ? state_names[state] : "";
}

const char *
certificate_kind_name(certificate_kind kind)
{
	return kind > CERTIFICATE_NOTHING && kind < CERTIFICATE_KINDS ? kind_names[kind] : "";
}

static int
name_find(const char *const *names, int count, const char *name, size_t len)
{
	for (int i = 1; i < count; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return 0;
}

certificate_state
certificate_state_of(const char *name, size_t len)
{
	return (certificate_state) name_find(state_names, CERTIFICATE_STATES, name, len);
}

certificate_kind
certificate_kind_of(const char *name, size_t len)
{
	return (certificate_kind) name_find(kind_names, CERTIFICATE_KINDS, name, len);
}

certificate_state
certificate_step(certificate_kind kind, certificate_state from)
{
	if (kind <= CERTIFICATE_NOTHING || kind >= CERTIFICATE_KINDS || from <= CERTIFICATE_NONE || from >= CERTIFICATE_STATES)
		return CERTIFICATE_NONE;
	return (steps[kind].from & 1u << from) != 0 ? steps[kind].to : CERTIFICATE_NONE;
}
