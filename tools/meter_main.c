/*
 * meter_main.c: energyledger-meter, a meter as the ledger expects one to be.
 *
 * It is the source of messages for the demo, the tests and the bench, and an
 * example to read for whoever builds a real one: it never believes the broker,
 * only the site's signed receipt.  It knows nothing of databases.
 */
#include <errno.h>
#include <string.h>

#include "meter.h"

/* Everything signed, as lines of hex that COPY reads into a bytea column. */
static int
write_messages(meter_fleet *f, const meter_options *o)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t		message[MESSAGE_BYTES_MAX];
	char		line[2 * MESSAGE_BYTES_MAX + 5] = "\\\\x";
	int64_t		count = 0;
	meter	   *m;
	meter_leaf	leaf;
	int			len;
	FILE	   *out = fopen(o->write_file, "w");

	if (out == NULL)
	{
		meter_error("could not open \"%s\": %s", o->write_file, strerror(errno));
		return 1;
	}
	while ((len = meter_fleet_sign_next(f, message, &m, &leaf)) > 0)
	{
		char	   *p = line + 3;

		for (int i = 0; i < len; i++)
		{
			*p++ = digit[message[i] >> 4];
			*p++ = digit[message[i] & 15];
		}
		*p++ = '\n';
		fwrite(line, 1, (size_t) (p - line), out);
		count++;
	}
	if (fclose(out) != 0)
	{
		meter_error("could not write \"%s\": %s", o->write_file, strerror(errno));
		return 1;
	}
	if (!o->quiet && len == 0)
		printf("%d meters: %lld messages signed into %s\n", f->count, (long long) count, o->write_file);
	return len == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static meter_options options;
	static meter_fleet fleet;
	static meter_keep keep;
	int			status;

	meter_options_parse(argc, argv, &options);
	meter_clock_set(options.clock_ms);
	if (!core_crypto_init())
	{
		meter_error("could not start the cryptography library");
		return 1;
	}
	if (!meter_fleet_init(&fleet, &options))
		return 1;
	if (options.print_registration)
	{
		meter_fleet_print_registration(&fleet, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (options.write_file != NULL)
		return write_messages(&fleet, &options);
	if (!meter_keep_open(&keep, &fleet, options.state_dir))
		return 1;
	status = meter_run(&fleet, &keep, &options);
	meter_keep_close(&keep);
	return status;
}
