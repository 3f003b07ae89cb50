/*
 * verify_main.c: energyledger-verify, for people who trust one key and nothing else.
 *
 * It has no connection to a database and makes none to anything: what it is told to
 * check are files, or the stream of an export.  Each command is a file of its own.
 */
#include <string.h>

#include "verify.h"

static const struct
{
	const char *name;
	verify_status (*run) (const verify_options *o);
}			commands[] = {
	{"receipt", verify_receipt},
	{"note", verify_note},
	{"checkpoints", verify_checkpoints},
	{"export", verify_export},
	{"folder", verify_folder}
};

int
main(int argc, char **argv)
{
	static verify_options options;

	verify_options_parse(argc, argv, &options);
	if (!core_crypto_init())
	{
		fprintf(stderr, "energyledger-verify: could not start the cryptography library\n");
		return VERIFY_UNKNOWN;
	}
	report_begin(&options);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		if (strcmp(options.command, commands[i].name) == 0)
			return commands[i].run(&options);
	}
	return VERIFY_UNKNOWN;		/* not reached: the options know the commands */
}
