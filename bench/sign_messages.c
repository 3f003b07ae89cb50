/*
 * sign_messages.c: the signed messages that the bench ingests, and what checking
 * their signatures costs by itself.
 *
 * Ingest is measured against bare Ed25519, so both must see the same bytes: this
 * program makes the messages and verifies the very same ones in a loop with nothing
 * around it.
 *
 *   sign_messages keys FIRST METERS                  one line a meter: name, key, algorithm
 *   sign_messages messages FIRST METERS MESSAGES READINGS
 *                                                    one line a message: number from 0,
 *                                                    message, each of so many readings
 *   sign_messages verify METERS SECONDS READINGS     signature checks a second on one
 *                                                    core; ns of processor time each
 *
 * Lines are tab-separated and escaped for COPY FROM.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "signed_meter.h"

#define METERS_MAX 10000000
#define VERIFY_METERS_MAX 10000
#define MESSAGES_MAX 10000000
#define SECONDS_MAX 60

static void
put_bytea(const uint8_t *data, size_t len)
{
	fputs("\t\\\\x", stdout);
	for (size_t i = 0; i < len; i++)
	{
		putchar("0123456789abcdef"[data[i] >> 4]);
		putchar("0123456789abcdef"[data[i] & 15]);
	}
}

/* One at a time: there may be millions. */
static void
print_keys(long first, long meters)
{
	for (long i = first; i < first + meters; i++)
	{
		signed_meter *m = signed_meters_make(i, 1);

		fputs(m->name, stdout);
		put_bytea(m->public_key, sizeof(m->public_key));
		puts("\tEd25519");
		free(m);
	}
}

/* In turns, so that every batch holds every meter, in the order of its chain. */
static void
print_messages(long first, long meters, long messages, int readings)
{
	static signed_message message;
	signed_meter *all = signed_meters_make(first, meters);

	for (long i = 0; i < messages; i++)
	{
		signed_meter_say(&all[i % meters], readings, &message);
		printf("%ld", i);
		put_bytea(message.bytes, message.len);
		putchar('\n');
	}
	free(all);
}

static double
now_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * One message of each meter, taken apart beforehand, checked again and again by
 * libsodium alone: the least that any ingest must spend.
 */
static void
print_verify_rate(long meters, long seconds, int readings)
{
	signed_meter *all = signed_meters_make(0, meters);
	signed_message *message = calloc(meters, sizeof(signed_message));
	envelope   *parsed = calloc(meters, sizeof(envelope));
	uint8_t   (*scratch)[ENVELOPE_SCRATCH_BYTES] = calloc(meters, sizeof(*scratch));
	double		start_s;
	double		start_cpu_s;
	double		elapsed_s;
	long		done = 0;

	if (message == NULL || parsed == NULL || scratch == NULL)
		signed_meter_fail("out of memory");
	for (long i = 0; i < meters; i++)
	{
		/* The second message has a prev, as nearly all have. */
		signed_meter_say(&all[i], readings, &message[i]);
		signed_meter_say(&all[i], readings, &message[i]);
		if (envelope_parse(message[i].bytes, message[i].len, scratch[i], &parsed[i]) != REFUSAL_NONE)
			signed_meter_fail("own message could not be read");
	}
	start_s = now_s(CLOCK_MONOTONIC);
	start_cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID);
	do
	{
		for (long i = 0; i < meters; i++)
		{
			if (crypto_sign_verify_detached(parsed[i].signature, parsed[i].signed_bytes,
											parsed[i].signed_len, all[i].public_key) != 0)
				signed_meter_fail("own signature is not valid");
		}
		done += meters;
		elapsed_s = now_s(CLOCK_MONOTONIC) - start_s;
	} while (elapsed_s < seconds);
	printf("%.1f %.0f\n", done / elapsed_s, (now_s(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_s) * 1e9 / done);
	free(scratch);
	free(parsed);
	free(message);
	free(all);
}

int
main(int argc, char **argv)
{
	const char *usage = "usage: keys FIRST METERS | messages FIRST METERS MESSAGES READINGS | verify METERS SECONDS READINGS";

	if (!core_crypto_init())
		signed_meter_fail("libsodium could not be initialised");
	if (argc == 4 && strcmp(argv[1], "keys") == 0)
		print_keys(signed_meter_number(argv[2], 0, METERS_MAX), signed_meter_number(argv[3], 1, METERS_MAX));
	else if (argc == 6 && strcmp(argv[1], "messages") == 0)
		print_messages(signed_meter_number(argv[2], 0, METERS_MAX), signed_meter_number(argv[3], 1, METERS_MAX),
					   signed_meter_number(argv[4], 1, MESSAGES_MAX),
					   (int) signed_meter_number(argv[5], 1, PAYLOAD_READINGS_MAX));
	else if (argc == 5 && strcmp(argv[1], "verify") == 0)
		print_verify_rate(signed_meter_number(argv[2], 1, VERIFY_METERS_MAX), signed_meter_number(argv[3], 1, SECONDS_MAX),
						  (int) signed_meter_number(argv[4], 1, PAYLOAD_READINGS_MAX));
	else
		signed_meter_fail(usage);
	if (fflush(stdout) != 0 || ferror(stdout))
		signed_meter_fail("output could not be written");
	return 0;
}
