/*
 * signed_meter.c: meters that sign messages as fast as it goes, for the bench.
 *
 * What is measured are those who read the messages, so they are made in memory by
 * programs of our own: each meter's own chain of seq and prev, nothing said twice.
 * Keys come from the meters' numbers: the same run twice is the same bytes, and
 * nobody should trust such a key.
 */
#include "signed_meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_START_MS INT64_C(1704067200000) /* 2024-01-01 00:00 UTC */
#define INTERVAL_MS (15 * 60 * 1000)

void
signed_meter_fail(const char *what)
{
	fprintf(stderr, "signed_meter: %s\n", what);
	exit(1);
}

long
signed_meter_number(const char *text, long min, long max)
{
	char	   *end;
	long		n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max)
		signed_meter_fail("argument out of range");
	return n;
}

signed_meter *
signed_meters_make(long first, long count)
{
	signed_meter *all = calloc(count, sizeof(*all));

	if (all == NULL)
		signed_meter_fail("out of memory");
	for (long i = 0; i < count; i++)
	{
		uint8_t		seed[ED25519_SEED_LEN];

		snprintf(all[i].name, sizeof(all[i].name), "bench-%08ld", first + i);
		sha256_of(all[i].name, strlen(all[i].name), seed);
		ed25519_from_seed(seed, all[i].public_key, all[i].secret_key);
	}
	return all;
}

void
signed_meter_say(signed_meter *m, int readings, signed_message *out)
{
	static payload p;			/* large, and the same but for a few fields */
	static uint8_t data[MESSAGE_BYTES_MAX];
	int64_t		from_ms = DAY_START_MS + (int64_t) m->seq * readings * INTERVAL_MS;
	size_t		len;

	memset(&p, 0, offsetof(payload, reading));
	p.type = PAYLOAD_READING;
	strcpy(p.meter, m->name);
	p.seq = m->seq + 1;
	p.has_prev = m->seq > 0;
	memcpy(p.prev, m->prev, sizeof(p.prev));
	p.t_ms = from_ms + (int64_t) readings * INTERVAL_MS;
	p.clock_status = 'S';
	p.reading_count = readings;
	for (int i = 0; i < readings; i++)
		p.reading[i] = (payload_reading)
	{
		.obis = "1-0:1.8.0",
			.from_ms = from_ms + (int64_t) i * INTERVAL_MS,
			.to_ms = from_ms + (int64_t) (i + 1) * INTERVAL_MS,
			.value = (int64_t) ((p.seq * 7919 + (uint64_t) i * 104729) % 2500),
			.unit = "Wh",
			.status = 'G'
	};
	len = payload_write(ENVELOPE_COSE_SIGN1, &p, data, sizeof(data));
	if (len == 0)
		signed_meter_fail("payload could not be written");
	out->len = envelope_sign(ENVELOPE_COSE_SIGN1, data, len, m->secret_key,
							 out->bytes, sizeof(out->bytes));
	if (out->len == 0)
		signed_meter_fail("message could not be signed");
	m->seq = p.seq;
	sha256_of(out->bytes, out->len, m->prev);
}
