/*
 * meter_options.c: the command line of energyledger-meter.
 *
 * Everything that can be wrong with a wish is found here, before a key is made
 * or a socket opened, and said in one line with the option's name.  Nothing is
 * read from the environment: a run is its command line, so that it can be
 * repeated.
 */
#define _GNU_SOURCE				/* strptime, timegm */
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "meter.h"

#define EXIT_USAGE 2
#define CLOCK_S_MAX 31622400	/* 366 days */
#define PRICE_MAX 1000000000	/* micro-currency per kWh */

static const char usage_text[] =
"energyledger-meter plays meters: signs readings, publishes them over MQTT 5,\n"
"and keeps every message until a receipt signed by the site covers it.\n"
"\n"
"Usage: energyledger-meter --site-vkey KEY [OPTION]...\n"
"       energyledger-meter --register [OPTION]... | psql\n"
"\n"
"What is played\n"
"  --meters N             number of meters (default 20; a file's profile: 2)\n"
"  --seed TEXT            keys and shapes follow from it (default 1)\n"
"  --prefix TEXT          begins every meter's name (default none)\n"
"  --profile P            neighbourhood (default), household, solar, shop, battery,\n"
"                         or a CSV file: local_time,consumption_kw,pv_kw\n"
"  --profile-from DATE    first and last day taken from the file, YYYY-MM-DD\n"
"  --profile-to DATE\n"
"  --timezone ZONE        of the file's local time, of days (default UTC)\n"
"  --date DATE            first day played (default 2025-06-21)\n"
"  --days N               days played (default 1)\n"
"  --clock-s N            the meters' clocks are N seconds ahead, of the calendar and when they\n"
"                         judge commands; behind where N is negative (default 0)\n"
"  --error-percent N      what is measured is N percent too much, too little where N is negative\n"
"  --interval-s N         length of an interval (default 900; a file has its own)\n"
"  --readings-per-message N   intervals in one message (default 1); day: those of a day\n"
"  --format jws|cose      envelope (default cose)\n"
"  --epoch N              counter epoch of meters that begin anew (default 1)\n"
"\n"
"Market\n"
"  --market NAME          sign an order for each interval before its readings: for what they\n"
"                         will be, up to 20 % wrong; one in 50 is cancelled again\n"
"  --bid-price LOW-HIGH   a meter's limit is between these, micro-currency per kWh, multiples\n"
"  --ask-price LOW-HIGH   of 1000 (default 150000-350000 and 60000-200000)\n"
"\n"
"Certificates\n"
"  --transfers FILE       after its readings a meter signs what the file has for it: a line is\n"
"                         METER BODY, the body of a transfer in JSON; with --state no line is\n"
"                         signed twice, and lines may be added for the next run\n"
"\n"
"Where it goes\n"
"  --broker HOST:PORT     default 127.0.0.1:1883\n"
"  --client-id ID         default: made from the seed\n"
"  --tenant NAME          topic levels el/v1/TENANT/SHARD/METER/up/TYPE\n"
"  --shard NAME           (default local and 0)\n"
"  --rate N               messages a second (default 0: as fast as it goes)\n"
"  --window N             messages without a receipt at once (default 10000)\n"
"\n"
"Receipts\n"
"  --site-vkey KEY        the site's verifier key: SELECT energyledger.site_vkey()\n"
"  --no-receipt           the broker's word is enough (proves nothing durable)\n"
"  --resend-after-ms N    send again what has no receipt (default 3000)\n"
"  --timeout-s N          give up after so long (default 300; 0: never)\n"
"  --state DIR            keep counters, unreceipted messages and what was commanded on disk\n"
"\n"
"Commands\n"
"  --operator-vkey KEY    obey commands signed by it: SELECT energyledger.operator_vkey();\n"
"                         up to 4 times; needs --state, as a command is taken once only\n"
"  --listen-s N           stay at least so long (default 0: until all is receipted)\n"
"\n"
"Others\n"
"  --register             print SQL that registers the meters, and end; with --market also\n"
"                         their parties, and these as members\n"
"  --write FILE           sign everything into FILE, a line of hex each, publish nothing\n"
"  --dump FILE            what was signed: meter epoch seq digest-hex, a line each\n"
"  --flip-bit K           damage every K-th message when first sent\n"
"  --quiet                no progress, no summary\n"
"  --help, --version\n"
"\n"
"Exit status: 0 all receipted, 1 not (the count is printed), 2 wrong use.\n";

enum
{
	OPT_BROKER = 256, OPT_CLIENT_ID, OPT_TENANT, OPT_SHARD, OPT_METERS, OPT_SEED, OPT_PREFIX,
	OPT_PROFILE, OPT_PROFILE_FROM, OPT_PROFILE_TO, OPT_TIMEZONE, OPT_DATE, OPT_DAYS, OPT_CLOCK, OPT_ERROR,
	OPT_INTERVAL, OPT_READINGS, OPT_FORMAT, OPT_EPOCH, OPT_RATE, OPT_WINDOW, OPT_RESEND,
	OPT_TIMEOUT, OPT_FLIP, OPT_VKEY, OPT_OPERATOR_VKEY, OPT_LISTEN, OPT_NO_RECEIPT, OPT_REGISTER, OPT_QUIET, OPT_STATE,
	OPT_DUMP, OPT_WRITE, OPT_MARKET, OPT_BID_PRICE, OPT_ASK_PRICE, OPT_TRANSFERS, OPT_HELP, OPT_VERSION
};

static const struct option long_options[] = {
	{"broker", required_argument, NULL, OPT_BROKER},
	{"client-id", required_argument, NULL, OPT_CLIENT_ID},
	{"tenant", required_argument, NULL, OPT_TENANT},
	{"shard", required_argument, NULL, OPT_SHARD},
	{"meters", required_argument, NULL, OPT_METERS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"prefix", required_argument, NULL, OPT_PREFIX},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"profile-from", required_argument, NULL, OPT_PROFILE_FROM},
	{"profile-to", required_argument, NULL, OPT_PROFILE_TO},
	{"timezone", required_argument, NULL, OPT_TIMEZONE},
	{"date", required_argument, NULL, OPT_DATE},
	{"days", required_argument, NULL, OPT_DAYS},
	{"clock-s", required_argument, NULL, OPT_CLOCK},
	{"error-percent", required_argument, NULL, OPT_ERROR},
	{"interval-s", required_argument, NULL, OPT_INTERVAL},
	{"readings-per-message", required_argument, NULL, OPT_READINGS},
	{"market", required_argument, NULL, OPT_MARKET},
	{"bid-price", required_argument, NULL, OPT_BID_PRICE},
	{"ask-price", required_argument, NULL, OPT_ASK_PRICE},
	{"transfers", required_argument, NULL, OPT_TRANSFERS},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"epoch", required_argument, NULL, OPT_EPOCH},
	{"rate", required_argument, NULL, OPT_RATE},
	{"window", required_argument, NULL, OPT_WINDOW},
	{"resend-after-ms", required_argument, NULL, OPT_RESEND},
	{"timeout-s", required_argument, NULL, OPT_TIMEOUT},
	{"flip-bit", required_argument, NULL, OPT_FLIP},
	{"site-vkey", required_argument, NULL, OPT_VKEY},
	{"operator-vkey", required_argument, NULL, OPT_OPERATOR_VKEY},
	{"listen-s", required_argument, NULL, OPT_LISTEN},
	{"no-receipt", no_argument, NULL, OPT_NO_RECEIPT},
	{"register", no_argument, NULL, OPT_REGISTER},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"state", required_argument, NULL, OPT_STATE},
	{"dump", required_argument, NULL, OPT_DUMP},
	{"write", required_argument, NULL, OPT_WRITE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0}
};

void
meter_error(const char *format,...)
{
	va_list		args;

	fputs("energyledger-meter: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
usage_error(const char *format,...)
{
	va_list		args;

	fputs("energyledger-meter: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'energyledger-meter --help'.\n", stderr);
	exit(EXIT_USAGE);
}

static int64_t
parse_int(const char *option, const char *text, int64_t min, int64_t max)
{
	char	   *end;
	long long	v = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < min || v > max)
		usage_error("--%s must be a whole number from %lld to %lld, not \"%s\"",
					option, (long long) min, (long long) max, text);
	return v;
}

/* A day's begin in seconds since 1970, read as if the calendar were UTC's. */
static int64_t
parse_date(const char *option, const char *text)
{
	struct tm	tm = {0};
	char		again[16];
	char	   *end = strptime(text, "%Y-%m-%d", &tm);
	time_t		t;

	if (end == NULL || *end != '\0')
		usage_error("--%s must be a date like 2025-06-21, not \"%s\"", option, text);
	t = timegm(&tm);
	/* strptime lets the 31st of February pass; the calendar does not. */
	if (strftime(again, sizeof(again), "%Y-%m-%d", &tm) == 0 || strcmp(again, text) != 0)
		usage_error("--%s: there is no day %s", option, text);
	return t;
}

static void
parse_broker(meter_options *o, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t		len = colon ? (size_t) (colon - text) : 0;

	if (len == 0 || len >= sizeof(o->host))
		usage_error("--broker must be HOST:PORT, not \"%s\"", text);
	memcpy(o->host, text, len);
	o->host[len] = '\0';
	o->port = (int) parse_int("broker", colon + 1, 1, 65535);
}

static void
parse_level(const char *option, const char *text, char out[TOPIC_LEVEL_LEN_MAX + 1])
{
	if (!payload_meter_valid(text, strlen(text)))
		usage_error("--%s must be 1 to 64 of A-Z a-z 0-9 . _ : -, not \"%s\"", option, text);
	strcpy(out, text);
}

static void
parse_profile(meter_options *o, const char *text)
{
	static const char *const names[] = {"neighbourhood", "household", "solar", "shop", "battery"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(text, names[i]) == 0)
		{
			o->profile = (meter_profile) i;
			return;
		}
	}
	if (strpbrk(text, "./") == NULL)
		usage_error("--profile must be neighbourhood, household, solar, shop, battery or a CSV file, not \"%s\"", text);
	o->profile = PROFILE_FILE;
	o->profile_file = text;
}

static void
parse_format(meter_options *o, const char *text)
{
	if (strcmp(text, "jws") == 0)
		o->format = ENVELOPE_JWS;
	else if (strcmp(text, "cose") == 0)
		o->format = ENVELOPE_COSE_SIGN1;
	else
		usage_error("--format must be jws or cose, not \"%s\"", text);
}

static void
parse_rate(meter_options *o, const char *text)
{
	char	   *end;

	o->rate_per_s = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !(o->rate_per_s >= 0 && o->rate_per_s <= 1e6))
		usage_error("--rate must be from 0 to 1000000 messages a second, not \"%s\"", text);
}

/* "60000-200000"; numbers below zero have their sign: "-5000--1000" */
static void
parse_range(const char *option, const char *text, meter_range *out)
{
	char	   *end;

	out->low = strtoll(text, &end, 10);
	if (end != text && *end == '-' && end[1] != '\0')
	{
		text = end + 1;
		out->high = strtoll(text, &end, 10);
		if (*end == '\0' && out->low <= out->high && out->low >= -PRICE_MAX && out->high <= PRICE_MAX &&
			out->low % 1000 == 0 && out->high % 1000 == 0)
			return;
	}
	usage_error("--%s must be LOW-HIGH, multiples of 1000 up to %d either way, not \"%s\"", option, PRICE_MAX, text);
}

/* What is traded, and said of certificates. */
static bool
parse_market(meter_options *o, int option, const char *arg)
{
	switch (option)
	{
		case OPT_MARKET:
			if (!payload_meter_valid(arg, strlen(arg)))
				usage_error("--market must be 1 to 64 of A-Z a-z 0-9 . _ : -, not \"%s\"", arg);
			o->market = arg;
			return true;
		case OPT_BID_PRICE:
			parse_range("bid-price", arg, &o->bid_price);
			return true;
		case OPT_ASK_PRICE:
			parse_range("ask-price", arg, &o->ask_price);
			return true;
		case OPT_TRANSFERS:
			o->transfers_file = arg;
			return true;
	}
	return false;
}

/* What is played: names, shapes, calendar, envelope. */
static bool
parse_what(meter_options *o, int option, const char *arg)
{
	switch (option)
	{
		case OPT_METERS:
			o->meter_count = (int) parse_int("meters", arg, 1, METER_COUNT_MAX);
			return true;
		case OPT_SEED:
			o->seed = arg;
			return true;
		case OPT_PREFIX:
			/* Leaves room for the longest name we add to it. */
			if (*arg != '\0' && (!payload_meter_valid(arg, strlen(arg)) || strlen(arg) > 40))
				usage_error("--prefix must be up to 40 of A-Z a-z 0-9 . _ : -, not \"%s\"", arg);
			o->prefix = arg;
			return true;
		case OPT_PROFILE:
			parse_profile(o, arg);
			return true;
		case OPT_PROFILE_FROM:
			o->profile_from_s = parse_date("profile-from", arg);
			return true;
		case OPT_PROFILE_TO:
			o->profile_to_s = parse_date("profile-to", arg) + 86400;
			return true;
		case OPT_TIMEZONE:
			o->timezone = arg;
			return true;
		case OPT_DATE:
			o->start_ms = parse_date("date", arg) * 1000;
			return true;
		case OPT_DAYS:
			o->days = (int) parse_int("days", arg, 1, 3660);
			return true;
		case OPT_INTERVAL:
			o->interval_s = (int) parse_int("interval-s", arg, 1, 86400);
			if (86400 % o->interval_s != 0)
				usage_error("--interval-s must divide a day (86400 s), %d does not", o->interval_s);
			return true;
		case OPT_READINGS:
			o->slots_per_message = strcmp(arg, "day") == 0 ? 0 :
				(int) parse_int("readings-per-message", arg, 1, PAYLOAD_READINGS_MAX / METER_READINGS_PER_SLOT_MAX);
			return true;
		case OPT_FORMAT:
			parse_format(o, arg);
			return true;
		case OPT_CLOCK:
			o->clock_ms = parse_int("clock-s", arg, -CLOCK_S_MAX, CLOCK_S_MAX) * 1000;
			return true;
		case OPT_ERROR:
			o->error_percent = (int) parse_int("error-percent", arg, -100, 100);
			return true;
		case OPT_EPOCH:
			o->epoch = (uint32_t) parse_int("epoch", arg, 0, UINT32_MAX);
			return true;
	}
	return false;
}

static void
parse_way(meter_options *o, int option, const char *arg)
{
	switch (option)
	{
		case OPT_BROKER:
			parse_broker(o, arg);
			break;
		case OPT_CLIENT_ID:
			parse_level("client-id", arg, o->client_id);
			break;
		case OPT_TENANT:
			parse_level("tenant", arg, o->tenant);
			break;
		case OPT_SHARD:
			parse_level("shard", arg, o->shard);
			break;
		case OPT_RATE:
			parse_rate(o, arg);
			break;
		case OPT_WINDOW:
			o->window = (int) parse_int("window", arg, 1, METER_WINDOW_MAX);
			break;
		case OPT_RESEND:
			o->resend_after_ms = parse_int("resend-after-ms", arg, 1, 86400000);
			break;
		case OPT_TIMEOUT:
			o->timeout_s = parse_int("timeout-s", arg, 0, 31536000);
			break;
		case OPT_FLIP:
			o->flip_bit_every = (int) parse_int("flip-bit", arg, 1, INT_MAX);
			break;
		case OPT_VKEY:
			if (!note_key_parse(&o->site_key, arg, strlen(arg)))
				usage_error("--site-vkey is not a verifier key (NAME+HEX+BASE64): \"%s\"", arg);
			o->has_site_key = true;
			break;
		case OPT_OPERATOR_VKEY:
			if (o->operator_key_count == METER_OPERATOR_KEYS_MAX)
				usage_error("--operator-vkey may stand %d times", METER_OPERATOR_KEYS_MAX);
			if (!note_key_parse(&o->operator_key[o->operator_key_count++], arg, strlen(arg)))
				usage_error("--operator-vkey is not a verifier key (NAME+HEX+BASE64): \"%s\"", arg);
			break;
		case OPT_LISTEN:
			o->listen_s = parse_int("listen-s", arg, 0, 31536000);
			break;
		case OPT_NO_RECEIPT:
			o->no_receipt = true;
			break;
		case OPT_REGISTER:
			o->print_registration = true;
			break;
		case OPT_QUIET:
			o->quiet = true;
			break;
		case OPT_STATE:
			o->state_dir = arg;
			break;
		case OPT_DUMP:
			o->dump_file = arg;
			break;
		case OPT_WRITE:
			o->write_file = arg;
			break;
		case OPT_HELP:
			fputs(usage_text, stdout);
			exit(0);
		case OPT_VERSION:
			puts("energyledger-meter " PROGRAM_VERSION);
			exit(0);
		default:
			fputs("Try 'energyledger-meter --help'.\n", stderr);
			exit(EXIT_USAGE);
	}
}

/* Wishes that are sound each by itself and not together. */
static void
options_check(meter_options *o)
{
	if (o->profile == PROFILE_FILE)
	{
		if (o->meter_count > 0 && o->meter_count != 2)
			usage_error("--meters: a file's profile has two meters, import and pv");
		o->meter_count = 2;
	}
	else if (o->profile_from_s != INT64_MIN || o->profile_to_s != INT64_MAX)
		usage_error("--profile-from and --profile-to need --profile FILE");
	if (o->meter_count == 0)
		o->meter_count = 20;
	if (!o->print_registration && o->write_file == NULL && !o->has_site_key && !o->no_receipt)
		usage_error("--site-vkey is needed to check receipts (or --no-receipt to go without)");
	if (o->has_site_key && o->no_receipt)
		usage_error("--site-vkey and --no-receipt exclude each other");
	if (o->no_receipt && o->flip_bit_every > 0)
		usage_error("--flip-bit needs receipts, or the good message would never be sent");
	if (o->operator_key_count > 0 && o->state_dir == NULL)
		usage_error("--operator-vkey needs --state, or a command would be taken again after a restart");
	if (o->write_file != NULL && o->state_dir != NULL)
		usage_error("--write and --state exclude each other");
}

void
meter_options_parse(int argc, char **argv, meter_options *o)
{
	int			c;

	*o = (meter_options) {
		.host = "127.0.0.1", .port = 1883, .tenant = "local", .shard = "0",
		.seed = "1", .prefix = "", .profile_from_s = INT64_MIN, .profile_to_s = INT64_MAX,
		.timezone = "UTC", .start_ms = INT64_C(1750464000000), /* 2025-06-21 */
		.bid_price = {150000, 350000}, .ask_price = {60000, 200000},
		.days = 1, .interval_s = 900, .slots_per_message = 1, .format = ENVELOPE_COSE_SIGN1,
		.epoch = 1, .window = 10000, .resend_after_ms = 3000, .timeout_s = 300,
	};
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
	{
		if (!parse_what(o, c, optarg) && !parse_market(o, c, optarg))
			parse_way(o, c, optarg);
	}
	if (optind < argc)
		usage_error("unexpected argument \"%s\"", argv[optind]);
	options_check(o);
}
