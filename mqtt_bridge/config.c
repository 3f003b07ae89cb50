/*
 * config.c: reading settings, and refusing those that would only fail later.
 *
 * One table names every setting, its default and its limits; the file's keys,
 * the flags (--broker-host for broker_host) and --help all come from it.  An
 * unknown key is an error with its line: a misspelt setting must not silently
 * mean its default.
 *
 * Secrets come from a file or from the environment and never from a flag,
 * where every user of the machine could read them in the process list.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "core/topic.h"

#define CONFIG_IDENTIFIER_LEN_MAX TOPIC_LEVEL_LEN_MAX

typedef struct config_key
{
	const char *name;
	size_t		offset;
	bool		is_number;
	bool		is_secret;		/* never a flag, never quoted */
	const char *initial;
	int64_t		min,
				max;
	const char *help;
} config_key;

#define TEXT(field, initial, help) \
	{#field, offsetof(config, field), false, false, initial, 0, 0, help}
#define NUMBER(field, initial, min, max, help) \
	{#field, offsetof(config, field), true, false, #initial, min, max, help}

static const config_key config_keys[] = {
	TEXT(id, "bridge", "this bridge's name: MQTT client id and state topic"),
	TEXT(tenant, "+", "tenant to take messages of, + for all"),
	TEXT(shard, "+", "shard to take messages of, + for all"),
	TEXT(broker_host, "localhost", "MQTT broker's host name or address"),
	NUMBER(broker_port, 1883, 1, 65535, "MQTT broker's port"),
	TEXT(broker_username, "", "user at the broker"),
	{"broker_password", offsetof(config, broker_password), false, true, "", 0, 0,
	"password at the broker (file or " CONFIG_PASSWORD_ENV ")"},
	TEXT(broker_password_file, "", "file whose first line is the password at the broker"),
	TEXT(broker_cafile, "", "certificate authorities of the broker (PEM): turns TLS on"),
	TEXT(broker_certfile, "", "our certificate (PEM)"),
	TEXT(broker_keyfile, "", "our certificate's private key (PEM)"),
	NUMBER(keepalive_s, 60, 10, 3600, "MQTT keep-alive"),
	NUMBER(session_expiry_s, 604800, 60, 4294967295, "how long the broker keeps our session while we are away"),
	TEXT(conninfo, "", "libpq connection string; empty: libpq's environment"),
	NUMBER(database_timeout_ms, 20000, 100, 600000, "longest that one batch may take in the database"),
	NUMBER(batch_messages_max, 500, 1, BATCH_MESSAGES_MAX, "messages in one transaction = MQTT Receive Maximum"),
	NUMBER(batch_bytes_max, 16777216, 65536, 268435456, "bytes in one transaction"),
	NUMBER(linger_ms, 20, 0, 5000, "longest that a message waits for others to join it"),
	NUMBER(backoff_ms_max, 30000, 100, 3600000, "longest wait between two tries to connect"),
	NUMBER(stats_interval_s, 60, 0, 86400, "how often the counters are logged, 0: never"),
	TEXT(log_level, "info", "debug, info, warning or error"),
};

#define CONFIG_KEY_COUNT (sizeof(config_keys) / sizeof(config_keys[0]))

static const config_key *
config_find(const char *name, size_t len)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		if (strlen(config_keys[i].name) == len && memcmp(config_keys[i].name, name, len) == 0)
			return &config_keys[i];
	}
	return NULL;
}

static bool
config_set(config *c, const config_key *k, const char *value, char *error)
{
	void	   *field = (char *) c + k->offset;

	if (k->is_number)
	{
		char	   *end;
		long long	n;

		errno = 0;
		n = strtoll(value, &end, 10);
		if (errno != 0 || end == value || *end != '\0' || n < k->min || n > k->max)
		{
			snprintf(error, CONFIG_ERROR_BYTES_MAX, "%s must be a whole number from %lld to %lld, not \"%.60s\"",
					 k->name, (long long) k->min, (long long) k->max, value);
			return false;
		}
		*(int64_t *) field = n;
	}
	else
	{
		char	   *copy = strdup(value);

		if (copy == NULL)
		{
			snprintf(error, CONFIG_ERROR_BYTES_MAX, "out of memory");
			return false;
		}
		free(*(char **) field);
		*(char **) field = copy;
	}
	return true;
}

bool
config_init(config *c)
{
	char		error[CONFIG_ERROR_BYTES_MAX];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		if (!config_set(c, &config_keys[i], config_keys[i].initial, error))
			return false;
	}
	return true;
}

void
config_free(config *c)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		char	  **text = (char **) ((char *) c + config_keys[i].offset);

		if (config_keys[i].is_number)
			continue;
		if (*text != NULL && (config_keys[i].is_secret || *text == c->conninfo))
			explicit_bzero(*text, strlen(*text));
		free(*text);
		*text = NULL;
	}
}

/* "key = value"; # starts a comment at a line's start only: a password may hold one. */
static bool
config_read_line(config *c, char *line, char *error)
{
	char	   *key = line + strspn(line, " \t");
	char	   *value;
	char	   *end;
	const config_key *k;

	end = key + strlen(key);
	while (end > key && isspace((unsigned char) end[-1]))
		*--end = '\0';
	if (*key == '\0' || *key == '#')
		return true;
	value = strchr(key, '=');
	if (value == NULL)
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "expected \"key = value\"");
		return false;
	}
	end = value;
	while (end > key && isspace((unsigned char) end[-1]))
		end--;
	k = config_find(key, (size_t) (end - key));
	if (k == NULL)
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "unknown key \"%.*s\"",
				 (int) (end - key < 60 ? end - key : 60), key);
		return false;
	}
	value++;
	return config_set(c, k, value + strspn(value, " \t"), error);
}

/* A file with a secret that everybody may read deserves a word. */
static void
config_warn_readable(FILE *f, const char *path)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && (st.st_mode & S_IROTH) != 0)
		log_warning("%s holds a password and is readable by every user: chmod o-r", path);
}

bool
config_read_file(config *c, const char *path, char *error)
{
	char		line[CONFIG_LINE_BYTES_MAX];
	char		why[CONFIG_ERROR_BYTES_MAX];
	FILE	   *f = fopen(path, "re");
	int			number = 0;
	bool		good = true;

	if (f == NULL)
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while (good && fgets(line, sizeof(line), f) != NULL)
	{
		number++;
		if (strchr(line, '\n') == NULL && !feof(f))
		{
			snprintf(why, sizeof(why), "line longer than %d bytes", CONFIG_LINE_BYTES_MAX - 2);
			good = false;
		}
		else
			good = config_read_line(c, line, why);
		if (!good)
			snprintf(error, CONFIG_ERROR_BYTES_MAX, "%.200s line %d: %.250s", path, number, why);
	}
	if (good && ferror(f))
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "cannot read %s: %s", path, strerror(errno));
		good = false;
	}
	if (good && (c->broker_password[0] != '\0' || strstr(c->conninfo, "password") != NULL))
		config_warn_readable(f, path);
	explicit_bzero(line, sizeof(line));
	fclose(f);
	return good;
}

bool
config_set_flag(config *c, const char *name, const char *value, char *error)
{
	char		key[64];
	size_t		len = strlen(name);
	const config_key *k = NULL;

	if (len < sizeof(key) && strchr(name, '_') == NULL)
	{
		for (size_t i = 0; i <= len; i++)
			key[i] = name[i] == '-' ? '_' : name[i];
		k = config_find(key, len);
	}
	if (k == NULL)
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "unknown option --%.60s", name);
		return false;
	}
	if (k->is_secret || (k->offset == offsetof(config, conninfo) && strstr(value, "password") != NULL))
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX,
				 "a password on the command line can be read by every user of the machine: "
				 "put it into the configuration file or the environment");
		return false;
	}
	return config_set(c, k, value, error);
}

/* A topic level of ours, or + where all may be meant. */
static bool
config_level_valid(const char *level, bool may_be_all)
{
	size_t		len = strlen(level);

	if (may_be_all && strcmp(level, "+") == 0)
		return true;
	if (len < 1 || len > CONFIG_IDENTIFIER_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (!isalnum((unsigned char) level[i]) && strchr("._:-", level[i]) == NULL)
			return false;
	}
	return true;
}

static bool
config_finish_password(config *c, char *error)
{
	const char *from_environment = getenv(CONFIG_PASSWORD_ENV);
	char		line[CONFIG_PASSWORD_BYTES_MAX];
	FILE	   *f;
	bool		good = false;

	if (c->broker_password_file[0] == '\0')
	{
		if (from_environment != NULL && c->broker_password[0] == '\0')
			return config_set(c, config_find("broker_password", strlen("broker_password")),
							  from_environment, error);
		return true;
	}
	f = fopen(c->broker_password_file, "re");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL)
	{
		config_warn_readable(f, c->broker_password_file);
		line[strcspn(line, "\r\n")] = '\0';
		good = config_set(c, config_find("broker_password", strlen("broker_password")), line, error);
	}
	else
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "cannot read a password from broker_password_file %.200s: %s",
				 c->broker_password_file, f == NULL ? strerror(errno) : "it is empty");
	explicit_bzero(line, sizeof(line));
	if (f != NULL)
		fclose(f);
	return good;
}

static bool
config_finish_tls(const config *c, char *error)
{
	const char *const file[] = {c->broker_cafile, c->broker_certfile, c->broker_keyfile};
	const char *const name[] = {"broker_cafile", "broker_certfile", "broker_keyfile"};

	for (int i = 0; i < 3; i++)
	{
		if (file[i][0] != '\0' && access(file[i], R_OK) != 0)
		{
			snprintf(error, CONFIG_ERROR_BYTES_MAX, "cannot read %s %.200s: %s", name[i], file[i], strerror(errno));
			return false;
		}
	}
	if ((c->broker_certfile[0] != '\0') != (c->broker_keyfile[0] != '\0'))
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "broker_certfile and broker_keyfile need each other");
		return false;
	}
	if (c->broker_certfile[0] != '\0' && c->broker_cafile[0] == '\0')
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "broker_certfile needs broker_cafile, which turns TLS on");
		return false;
	}
	return true;
}

/* libpq itself says whether it understands a connection string. */
static bool
config_finish_conninfo(const config *c, char *error)
{
	char	   *why = NULL;
	PQconninfoOption *options;

	options = PQconninfoParse(c->conninfo, &why);
	if (options != NULL)
	{
		PQconninfoFree(options);
		return true;
	}
	/* Its message may quote the string, and that may hold a password. */
	if (strstr(c->conninfo, "password") != NULL)
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "conninfo is not a libpq connection string");
	else
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "conninfo is not a libpq connection string: %.300s",
				 why != NULL ? why : "out of memory");
	PQfreemem(why);
	return false;
}

bool
config_finish(config *c, char *error)
{
	if (!config_level_valid(c->id, false))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "id must be 1 to %d of A-Z a-z 0-9 . _ : -, not \"%.80s\"",
				 CONFIG_IDENTIFIER_LEN_MAX, c->id);
	else if (!config_level_valid(c->tenant, true) || !config_level_valid(c->shard, true))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "%s must be + or 1 to %d of A-Z a-z 0-9 . _ : -",
				 config_level_valid(c->tenant, true) ? "shard" : "tenant", CONFIG_IDENTIFIER_LEN_MAX);
	else if (c->broker_host[0] == '\0')
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "broker_host must not be empty");
	else if (c->keepalive_s * 1000 < c->database_timeout_ms * 2)
		snprintf(error, CONFIG_ERROR_BYTES_MAX,
				 "keepalive_s must be at least twice database_timeout_ms: while a batch is in the database, "
				 "nothing may be sent to the broker");
	else if (!log_level_parse(c->log_level, &c->log_least))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "log_level must be debug, info, warning or error, not \"%.60s\"", c->log_level);
	else
		return config_finish_password(c, error) && config_finish_tls(c, error) &&
			config_finish_conninfo(c, error);
	return false;
}

void
config_print_keys(FILE *out)
{
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		const config_key *k = &config_keys[i];
		char		flag[64];

		snprintf(flag, sizeof(flag), "%s%s", k->is_secret ? "  (file only) " : "--", k->name);
		for (char *p = flag; *p != '\0' && !k->is_secret; p++)
			*p = *p == '_' ? '-' : *p;
		fprintf(out, "  %-26s %s%s%s%s\n", flag, k->help,
				k->initial[0] != '\0' ? " [" : "", k->initial, k->initial[0] != '\0' ? "]" : "");
	}
}
