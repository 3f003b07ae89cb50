/*
 * verify_options.c: the command line of energyledger-verify.
 *
 * Keys come from here and from nowhere else: a key that travelled with what it is to
 * check would prove nothing.  Everything wrong with the command line ends with status
 * 2, because then nothing has been checked.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

#define VKEY_FILE_BYTES_MAX 65536

static const char usage_text[] =
"energyledger-verify checks receipts, checkpoints and exports of an energyledger log\n"
"against keys that you give it. It needs no database and no network.\n"
"\n"
"Usage: energyledger-verify receipt FILE --vkey KEY\n"
"       energyledger-verify note FILE --vkey KEY\n"
"       energyledger-verify checkpoints OLD NEW --vkey KEY [--proof FILE | --tiles DIR]\n"
"       energyledger-verify export DIR --vkey KEY < STREAM\n"
"       energyledger-verify export DIR --next\n"
"       energyledger-verify folder DIR --vkey KEY [--against FILE]... [--no-rows]\n"
"\n"
"Commands\n"
"  receipt      is this row in the log? FILE: what SELECT energyledger.receipt(...)\n"
"               gave. Prints table, ledger_id, columns, role, time and log size\n"
"  note         did the key sign this note? Of a checkpoint also its size and root\n"
"  checkpoints  did the log of the checkpoint in OLD only grow to that in NEW? By a\n"
"               consistency proof or from an exported folder; checkpoints of equal\n"
"               size need neither. Without any there is no telling: status 2\n"
"  export       reads the stream, checks all of it, and writes a folder that any web\n"
"               server can serve (c2sp.org/tlog-tiles, and the rows). A folder that is\n"
"               there already is extended; --next prints from which index:\n"
"                 psql -c \"COPY (SELECT * FROM energyledger.export(0)) TO STDOUT (FORMAT\n"
"                 binary)\" | energyledger-verify export DIR --vkey KEY\n"
"               The folder's checkpoint is replaced last: what is not sound is never\n"
"               under it\n"
"  folder       checks an exported folder whole: leaves, tiles, checkpoints, blocks,\n"
"               schemas, every row; names what is wrong and where\n"
"\n"
"Options\n"
"  --vkey KEY        the log's verifier key, NAME+ID+BASE64, by a way that you trust.\n"
"                    Several where keys were changed; at most 64\n"
"  --vkey-file FILE  keys from a file, one a line; lines that begin with # are passed over\n"
"  --proof FILE      a consistency proof: one base64 hash a line\n"
"  --tiles DIR       an exported folder at least as large as NEW\n"
"  --against FILE    a checkpoint kept from earlier: the folder must contain its log.\n"
"                    At most 64\n"
"  --no-rows         the folder was published without rows/: only the log is checked\n"
"  --next            print the index from which the folder is to be extended, and end\n"
"  --json            print one JSON object\n"
"  --help, --version\n"
"\n"
"FILE may be - for standard input. A note may have an empty line at its end, as psql prints one.\n"
"\n"
"Limits: receipt 256 MiB, note 64 KiB, leaf 65535 bytes, row 256 MiB, 1048576 schemas;\n"
"beyond them a thing counts as not verified. 1000 findings are printed, all are counted.\n"
"\n"
"Exit status: 0 verified; 1 not; 2 cannot tell (wrong use, a file that cannot be read, a\n"
"proof that was not given).\n";

enum
{
	OPT_VKEY = 256, OPT_VKEY_FILE, OPT_PROOF, OPT_TILES, OPT_AGAINST, OPT_NO_ROWS, OPT_NEXT, OPT_JSON, OPT_HELP, OPT_VERSION
};

static const struct option long_options[] = {
	{"vkey", required_argument, NULL, OPT_VKEY},
	{"vkey-file", required_argument, NULL, OPT_VKEY_FILE},
	{"proof", required_argument, NULL, OPT_PROOF},
	{"tiles", required_argument, NULL, OPT_TILES},
	{"against", required_argument, NULL, OPT_AGAINST},
	{"no-rows", no_argument, NULL, OPT_NO_ROWS},
	{"next", no_argument, NULL, OPT_NEXT},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0}
};

static void wrong_use(const char *format,...)
			__attribute__((format(printf, 1, 2), noreturn));

static void
wrong_use(const char *format,...)
{
	va_list		args;

	fputs("energyledger-verify: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry energyledger-verify --help.\n", stderr);
	exit(VERIFY_UNKNOWN);
}

static void
add_key(verify_options *o, const char *text, size_t len)
{
	if (o->key_count == VERIFY_KEYS_MAX)
		wrong_use("more than %d keys", VERIFY_KEYS_MAX);
	if (!note_key_parse(&o->key[o->key_count], text, len))
		wrong_use("not a verifier key: \"%.*s\"", len > 300 ? 300 : (int) len, text);
	o->key_count++;
}

static void
add_keys_of_file(verify_options *o, const char *path)
{
	verify_buffer b = {0};
	verify_read r = verify_read_file(path, VKEY_FILE_BYTES_MAX, &b);
	const char *at = (const char *) b.data;

	if (r != VERIFY_READ_OK)
		wrong_use("could not read \"%s\": %s", path, verify_read_text(r));
	while (*at != '\0')
	{
		size_t		len = strcspn(at, "\n");

		if (len > 0 && at[0] != '#')
			add_key(o, at, len);
		at += len + (at[len] == '\n' ? 1 : 0);
	}
	free(b.data);
}

/* Which command takes what. */
static void
check_use(const verify_options *o)
{
	static const struct
	{
		const char *name;
		int			operands;
	}			known[] = {{"receipt", 1}, {"note", 1}, {"checkpoints", 2}, {"export", 1}, {"folder", 1}};
	int			operands = -1;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (strcmp(o->command, known[i].name) == 0)
			operands = known[i].operands;
	}
	if (operands < 0)
		wrong_use("no such command: \"%s\"", o->command);
	if (o->operand_count != operands)
		wrong_use("%s takes %s", o->command, operands == 2 ? "two files" : "one file or folder");
	if ((o->proof_file != NULL || o->tiles_dir != NULL) && strcmp(o->command, "checkpoints") != 0)
		wrong_use("--proof and --tiles belong to checkpoints");
	if (o->proof_file != NULL && o->tiles_dir != NULL)
		wrong_use("--proof or --tiles, not both");
	if ((o->against_count > 0 || o->no_rows) && strcmp(o->command, "folder") != 0)
		wrong_use("--against and --no-rows belong to folder");
	if (o->next && strcmp(o->command, "export") != 0)
		wrong_use("--next belongs to export");
	if (o->key_count == 0 && !o->next)
		wrong_use("no key: give --vkey or --vkey-file");
}

void
verify_options_parse(int argc, char **argv, verify_options *o)
{
	int			c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
	{
		switch (c)
		{
			case OPT_VKEY:
				add_key(o, optarg, strlen(optarg));
				break;
			case OPT_VKEY_FILE:
				add_keys_of_file(o, optarg);
				break;
			case OPT_PROOF:
				o->proof_file = optarg;
				break;
			case OPT_TILES:
				o->tiles_dir = optarg;
				break;
			case OPT_AGAINST:
				if (o->against_count == VERIFY_AGAINST_MAX)
					wrong_use("more than %d times --against", VERIFY_AGAINST_MAX);
				o->against[o->against_count++] = optarg;
				break;
			case OPT_NO_ROWS:
				o->no_rows = true;
				break;
			case OPT_NEXT:
				o->next = true;
				break;
			case OPT_JSON:
				o->json = true;
				break;
			case OPT_HELP:
				fputs(usage_text, stdout);
				exit(0);
			case OPT_VERSION:
				printf("energyledger-verify %s\n", PROGRAM_VERSION);
				exit(0);
			default:
				fputs("Try energyledger-verify --help.\n", stderr);
				exit(VERIFY_UNKNOWN);
		}
	}
	if (optind == argc)
		wrong_use("no command");
	o->command = argv[optind++];
	if (argc - optind > 2)
		wrong_use("too many arguments");
	while (optind < argc)
		o->operand[o->operand_count++] = argv[optind++];
	check_use(o);
}
