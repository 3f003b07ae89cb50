/*
 * energy_obis.c: which registers count active energy of electricity, and which way.
 *
 * OBIS (IEC 62056-61, later 62056-6-1) names a register A-B:C.D.E*F.  Ours are
 * A = 1 (electricity), C = 1 (active, import) or 2 (active, export), and D = 8 (time
 * integral 1: since the register was first started) or 29 (time integral 5: over a
 * load profile's period).  E = 0 is the total, 1 to 63 are tariffs, whose sum it
 * is.  B is the channel: none (0) or the first (1).  F, where it is given, must be
 * 255, the current value.  Everything else is somebody else's: heat, reactive energy,
 * powers, other channels, a name without a medium.  It is listed and never guessed.
 */
#include "postgres.h"
#include "compat.h"

#include "metering/energy.h"

#define OBIS_TARIFF_MAX 63

/* A number of 0 to 255 in its one spelling. */
static bool
energy_obis_number(const char **at, int *out)
{
	const char *s = *at;
	int			n = 0;

	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
	{
		n = n * 10 + (*s - '0');
		if (n > 255)
			return false;
	}
	*at = s;
	*out = n;
	return true;
}

static bool
energy_obis_read(const char *s, int group[6])
{
	static const char before[] = {0, '-', ':', '.', '.', '*'};

	group[5] = 255;
	for (int i = 0; i < 6; i++)
	{
		if (i == 5 && *s == '\0')
			break;
		if (before[i] != 0 && *s++ != before[i])
			return false;
		if (!energy_obis_number(&s, &group[i]))
			return false;
	}
	return *s == '\0';
}

void
energy_obis(EnergyRegister *out)
{
	int			group[6];

	out->direction = ENERGY_OTHER;
	out->tariff = 0;
	out->channel = 0;
	if (!energy_obis_read(out->obis, group))
		return;
	if (group[0] != 1 || group[1] > 1 || (group[2] != 1 && group[2] != 2) || group[5] != 255)
		return;
	if (!(group[3] == 8 && group[4] <= OBIS_TARIFF_MAX) && !(group[3] == 29 && group[4] == 0))
		return;
	out->direction = group[2] == 1 ? ENERGY_IMPORT : ENERGY_EXPORT;
	out->tariff = group[4];
	out->channel = group[1];
}
