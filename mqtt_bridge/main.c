/*
 * main.c: energyledger-bridge's command line.
 *
 * The file named by --config is read first, then the other flags override it,
 * wherever they stand.  --test-config does all of that and connects to nothing.
 */
#include <stdio.h>
#include <string.h>

#include "bridge.h"
#include "config.h"
#include "log.h"
#include "replay.h"

typedef struct main_options
{
	const char *config_file;
	const char *replay_file;
	bool		dry_run;
	bool		help;
	bool		version;
	bool		test_config;
} main_options;

static void
main_help(void)
{
	printf("energyledger-bridge takes signed meter messages from an MQTT broker into\n"
		   "PostgreSQL's pg_energyledger, and acknowledges each after its COMMIT.\n\n"
		   "Usage:\n  energyledger-bridge [--config FILE] [OPTION]...\n\n"
		   "  --config FILE              read settings (\"key = value\") from FILE\n"
		   "  --test-config              check the settings, connect to nothing, exit 0 or 1\n"
		   "  --replay FILE              bring the messages of FILE (- for standard input), a line each:\n"
		   "                             topic, a tab, the message in hex; needs no broker\n"
		   "  --dry-run                  judge each message, log the verdict, write nothing\n"
		   "  --version, --help\n\n"
		   "Settings, as flags (--broker-host NAME) or in the file (broker_host = NAME),\n"
		   "with their defaults:\n");
	config_print_keys(stdout);
	printf("\nSIGTERM, SIGINT: commit and acknowledge what is held, and end.  SIGHUP: read settings,\n"
		   "passwords and certificates anew.  SIGUSR1: log counters.\n\n"
		   "Exit status: %d ended as asked; %d wrong options or settings; %d the database does not\n"
		   "have the extension; %d out of memory or file descriptors; %d --replay: not every line was a\n"
		   "message that could be stored.\n",
		   BRIDGE_EXIT_DRAINED, BRIDGE_EXIT_USAGE, BRIDGE_EXIT_NOT_INSTALLED, BRIDGE_EXIT_RESOURCES,
		   BRIDGE_EXIT_UNREADABLE);
}

/*
 * Walk over the arguments: with cfg NULL for the options that are no settings,
 * then for the settings.
 */
static bool
main_read_arguments(int argc, char **argv, main_options *o, config *cfg, char *error)
{
	for (int i = 1; i < argc; i++)
	{
		char		name[64];
		const char *value = strchr(argv[i], '=');
		size_t		len = value != NULL ? (size_t) (value - argv[i]) : strlen(argv[i]);

		if (strcmp(argv[i], "--help") == 0)
			o->help = true;
		else if (strcmp(argv[i], "--version") == 0)
			o->version = true;
		else if (strcmp(argv[i], "--test-config") == 0)
			o->test_config = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			o->dry_run = true;
		else if (strncmp(argv[i], "--", 2) != 0 || len < 3 || len - 2 >= sizeof(name))
		{
			snprintf(error, CONFIG_ERROR_BYTES_MAX, "unexpected argument \"%.60s\"", argv[i]);
			return false;
		}
		else
		{
			memcpy(name, argv[i] + 2, len - 2);
			name[len - 2] = '\0';
			/* A forgotten value must not swallow the next option. */
			if (value != NULL)
				value++;
			else if (i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
				value = argv[++i];
			if (value == NULL)
			{
				snprintf(error, CONFIG_ERROR_BYTES_MAX, "option --%s needs a value", name);
				return false;
			}
			if (strcmp(name, "config") == 0)
				o->config_file = value;
			else if (strcmp(name, "replay") == 0)
				o->replay_file = value;
			else if (cfg != NULL && !config_set_flag(cfg, name, value, error))
				return false;
		}
	}
	return true;
}

/* Where settings came from, for when they are read anew. */
static int	main_argc;
static char **main_argv;
static main_options main_given;

static bool
main_settings(config *into, char *error)
{
	return (main_given.config_file == NULL || config_read_file(into, main_given.config_file, error)) &&
		main_read_arguments(main_argc, main_argv, &main_given, into, error) && config_finish(into, error);
}

int
main(int argc, char **argv)
{
	char		error[CONFIG_ERROR_BYTES_MAX] = "out of memory";
	config		cfg;
	int			status = BRIDGE_EXIT_DRAINED;

	main_argc = argc;
	main_argv = argv;
	if (!main_read_arguments(argc, argv, &main_given, NULL, error))
	{
		fprintf(stderr, "energyledger-bridge: %s\nTry \"energyledger-bridge --help\".\n", error);
		return BRIDGE_EXIT_USAGE;
	}
	if (main_given.help || main_given.version)
	{
		if (main_given.help)
			main_help();
		else
			printf("energyledger-bridge %s\n", PROGRAM_VERSION);
		return BRIDGE_EXIT_DRAINED;
	}
	if (!config_init(&cfg) || !main_settings(&cfg, error))
	{
		fprintf(stderr, "energyledger-bridge: %s\n", error);
		config_free(&cfg);
		return BRIDGE_EXIT_USAGE;
	}
	log_set(cfg.log_least, cfg.log_is_json);
	if (main_given.replay_file != NULL && !main_given.test_config)
		status = replay_run(&cfg, main_given.replay_file, main_given.dry_run);
	else if (!main_given.test_config)
		status = bridge_run(&cfg, main_given.dry_run, main_settings);
	config_free(&cfg);
	return status;
}
