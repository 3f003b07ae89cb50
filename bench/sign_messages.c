/*
 * sign_messages.c: the signed messages that the bench ingests, and what checking
 * their signatures costs by itself.
 *
 * Ingest is measured against bare Ed25519, so both must see the same bytes: this
 * program makes the messages (one reading each, from a number of meters, each meter's
 * own chain of seq and prev) and verifies the very same ones in a loop with nothing
 * around it.  Keys come from the meters' numbers: the same run twice is the same
 * bytes, and nobody should trust such a key.
 *
 *   sign_messages keys METERS                one line a meter: name, key
 *   sign_messages messages METERS MESSAGES   one line a message: number from 0, message
 *   sign_messages verify METERS SECONDS      signature checks a second on one core
 *
 * Lines are tab-separated and escaped for COPY FROM.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "core/ed25519.h"
#include "core/envelope.h"
#include "core/payload.h"
#include "core/sha256.h"

#define METERS_MAX 10000
#define MESSAGES_MAX 10000000
#define SECONDS_MAX 60
#define DAY_START_MS INT64_C(1704067200000) /* 2024-01-01 00:00 UTC */
#define INTERVAL_MS (15 * 60 * 1000)

typedef struct meter
{
	char		name[PAYLOAD_METER_LEN_MAX + 1];
	uint8_t		public_key[ED25519_PUBLIC_LEN];
	uint8_t		secret_key[ED25519_SECRET_LEN];
	uint64_t	seq;			/* of its last message, 0: none yet */
	uint8_t		prev[SHA256_LEN];	/* that message's hash */
} meter;

typedef struct signed_message
{
	size_t		len;
	uint8_t		bytes[MESSAGE_BYTES_MAX];
} signed_message;

static void
fail(const char *what)
{
	fprintf(stderr, "sign_messages: %s\n", what);
	exit(1);
}

static long
number_arg(const char *text, long max)
{
	char	   *end;
	long		n = strtol(text, &end, 10);

	if (*end != '\0' || n < 1 || n > max)
		fail("argument out of range");
	return n;
}

static meter *
meters_make(long count)
{
	meter	   *all = calloc(count, sizeof(meter));

	if (all == NULL)
		fail("out of memory");
	for (long i = 0; i < count; i++)
	{
		uint8_t		seed[ED25519_SEED_LEN];

		snprintf(all[i].name, sizeof(all[i].name), "bench-%05ld", i);
		sha256_of(all[i].name, strlen(all[i].name), seed);
		ed25519_from_seed(seed, all[i].public_key, all[i].secret_key);
	}
	return all;
}

/* The meter's next message: one interval of one register. */
static void
meter_say(meter *m, signed_message *out)
{
	static payload p;			/* large, and the same but for a few fields */
	static uint8_t data[MESSAGE_BYTES_MAX];
	int64_t		from_ms = DAY_START_MS + (int64_t) m->seq * INTERVAL_MS;
	size_t		len;

	memset(&p, 0, offsetof(payload, reading));
	p.type = PAYLOAD_READING;
	strcpy(p.meter, m->name);
	p.seq = m->seq + 1;
	p.has_prev = m->seq > 0;
	memcpy(p.prev, m->prev, sizeof(p.prev));
	p.t_ms = from_ms + INTERVAL_MS;
	p.clock_status = 'S';
	p.reading_count = 1;
	p.reading[0] = (payload_reading)
	{
		.obis = "1-0:1.8.0",
			.from_ms = from_ms,
			.to_ms = from_ms + INTERVAL_MS,
			.value = (int64_t) (p.seq * 7919 % 2500),
			.unit = "Wh",
			.status = 'G'
	};
	len = payload_write(ENVELOPE_COSE_SIGN1, &p, data, sizeof(data));
	if (len == 0)
		fail("payload could not be written");
	out->len = envelope_sign(ENVELOPE_COSE_SIGN1, data, len, m->secret_key,
							 out->bytes, sizeof(out->bytes));
	if (out->len == 0)
		fail("message could not be signed");
	m->seq = p.seq;
	sha256_of(out->bytes, out->len, m->prev);
}

static void
put_hex(const uint8_t *data, size_t len)
{
	fputs("\t\\\\x", stdout);
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	putchar('\n');
}

static void
print_keys(meter *all, long meters)
{
	for (long i = 0; i < meters; i++)
	{
		fputs(all[i].name, stdout);
		put_hex(all[i].public_key, sizeof(all[i].public_key));
	}
}

/* In turns, so that every batch holds every meter, in the order of its chain. */
static void
print_messages(meter *all, long meters, long messages)
{
	static signed_message message;

	for (long i = 0; i < messages; i++)
	{
		meter_say(&all[i % meters], &message);
		printf("%ld", i);
		put_hex(message.bytes, message.len);
	}
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * One message of each meter, taken apart beforehand, checked again and again by
 * libsodium alone: the least that any ingest must spend.
 */
static void
print_verify_rate(meter *all, long meters, long seconds)
{
	signed_message *message = calloc(meters, sizeof(signed_message));
	envelope   *parsed = calloc(meters, sizeof(envelope));
	uint8_t   (*scratch)[ENVELOPE_SCRATCH_BYTES] = calloc(meters, sizeof(*scratch));
	double		start;
	double		elapsed;
	long		done = 0;

	if (message == NULL || parsed == NULL || scratch == NULL)
		fail("out of memory");
	for (long i = 0; i < meters; i++)
	{
		/* The second message has a prev, as nearly all have. */
		meter_say(&all[i], &message[i]);
		meter_say(&all[i], &message[i]);
		if (envelope_parse(message[i].bytes, message[i].len, scratch[i], &parsed[i]) != REFUSAL_NONE)
			fail("own message could not be read");
	}
	start = now_s();
	do
	{
		for (long i = 0; i < meters; i++)
		{
			if (crypto_sign_verify_detached(parsed[i].signature, parsed[i].signed_bytes,
											parsed[i].signed_len, all[i].public_key) != 0)
				fail("own signature is not valid");
		}
		done += meters;
		elapsed = now_s() - start;
	} while (elapsed < seconds);
	printf("%.1f\n", done / elapsed);
	free(scratch);
	free(parsed);
	free(message);
}

int
main(int argc, char **argv)
{
	long		meters;
	meter	   *all;

	if (argc < 3)
		fail("usage: keys METERS | messages METERS MESSAGES | verify METERS SECONDS");
	if (!core_crypto_init())
		fail("libsodium could not be initialised");
	meters = number_arg(argv[2], METERS_MAX);
	all = meters_make(meters);
	if (strcmp(argv[1], "keys") == 0 && argc == 3)
		print_keys(all, meters);
	else if (strcmp(argv[1], "messages") == 0 && argc == 4)
		print_messages(all, meters, number_arg(argv[3], MESSAGES_MAX));
	else if (strcmp(argv[1], "verify") == 0 && argc == 4)
		print_verify_rate(all, meters, number_arg(argv[3], SECONDS_MAX));
	else
		fail("usage: keys METERS | messages METERS MESSAGES | verify METERS SECONDS");
	free(all);
	if (fflush(stdout) != 0 || ferror(stdout))
		fail("output could not be written");
	return 0;
}
