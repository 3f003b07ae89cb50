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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "batch.h"

typedef struct config_key
{
	const char *name;
	size_t		offset;
	bool		is_number;
	bool		is_secret;		/* never a flag, never quoted */
	config_effect effect;		/* of a change while we run */
	const char *initial;
	int64_t		min,
				max;
	const char *help;
} config_key;

#define TEXT(field, effect, initial, help) \
	{#field, offsetof(config, field), false, false, effect, initial, 0, 0, help}
#define NUMBER(field, effect, initial, min, max, help) \
	{#field, offsetof(config, field), true, false, effect, #initial, min, max, help}

static const config_key config_keys[] = {
	TEXT(id, CONFIG_RESTART, "bridge", "this bridge's name: MQTT client id and state topic"),
	TEXT(tenant, CONFIG_RESTART, "+", "tenant to take messages of, + for all"),
	TEXT(shard, CONFIG_RESTART, "+", "shards to take messages of, separated by commas, each by a connection of its own; + for all"),
	TEXT(broker_host, CONFIG_BROKER, "localhost", "MQTT broker's host name or address"),
	NUMBER(broker_port, CONFIG_BROKER, 1883, 1, 65535, "MQTT broker's port"),
	TEXT(broker_username, CONFIG_BROKER, "", "user at the broker"),
	{"broker_password", offsetof(config, broker_password), false, true, CONFIG_BROKER, "", 0, 0,
	"password at the broker (file or " CONFIG_PASSWORD_ENV ")"},
	TEXT(broker_password_file, CONFIG_BROKER, "", "file whose first line is the password at the broker"),
	TEXT(broker_cafile, CONFIG_BROKER, "", "certificate authorities of the broker (PEM): turns TLS on"),
	TEXT(broker_certfile, CONFIG_BROKER, "", "our certificate (PEM)"),
	TEXT(broker_keyfile, CONFIG_BROKER, "", "our certificate's private key (PEM)"),
	NUMBER(keepalive_s, CONFIG_BROKER, 60, 10, 3600, "MQTT keep-alive"),
	NUMBER(session_expiry_s, CONFIG_BROKER, 604800, 60, 4294967295, "how long the broker keeps our session while we are away"),
	TEXT(conninfo, CONFIG_DATABASE, "", "libpq connection string; empty: libpq's environment"),
	NUMBER(database_timeout_ms, CONFIG_DATABASE, 20000, 100, 600000, "longest that one batch may take in the database"),
	NUMBER(batch_messages_max, CONFIG_RESTART, 1000, 1, BATCH_MESSAGES_MAX, "messages in one transaction = MQTT Receive Maximum"),
	NUMBER(batch_bytes_max, CONFIG_RESTART, 16777216, 65536, 268435456, "bytes in one transaction"),
	NUMBER(linger_ms, CONFIG_AT_ONCE, 20, 0, 5000, "longest that a message waits for others to join it"),
	NUMBER(commands_interval_s, CONFIG_AT_ONCE, 5, 0, 3600, "how often all commands are looked for, besides those of meters just heard; 0: publish none"),
	NUMBER(commands_retry_s, CONFIG_AT_ONCE, 30, 1, 86400, "how long until a command without an answer is published again"),
	NUMBER(resends_interval_s, CONFIG_AT_ONCE, 15, 0, 3600, "how often missing messages are looked for; 0: ask for none"),
	NUMBER(resends_grace_s, CONFIG_AT_ONCE, 10, 0, 86400, "how long a message may be late before it is missing"),
	NUMBER(resends_every_s, CONFIG_AT_ONCE, 60, 1, 86400, "how often one meter is asked at most"),
	NUMBER(backoff_ms_max, CONFIG_AT_ONCE, 30000, 100, 3600000, "longest wait between two tries to connect"),
	NUMBER(metrics_port, CONFIG_RESTART, 0, 0, 65535, "port on 127.0.0.1 for Prometheus; 0: none"),
	NUMBER(stats_interval_s, CONFIG_AT_ONCE, 60, 0, 86400, "how often the counters are logged, 0: never"),
	TEXT(log_level, CONFIG_AT_ONCE, "info", "debug, info, warning or error"),
	TEXT(log_format, CONFIG_AT_ONCE, "text", "text or json"),
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
config_set_password(config *c, const char *password, char *error)
{
	return config_set(c, config_find("broker_password", strlen("broker_password")), password, error);
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
void
config_warn_readable(FILE *f, const char *path)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && (st.st_mode & S_IROTH) != 0)
		log_warning("file_readable", "%s holds a password and is readable by every user: chmod o-r", path);
}

/* A line without its newline; false at the end of the file, or with a reason in why. */
static bool
config_next_line(FILE *f, char line[CONFIG_LINE_BYTES_MAX], char *why)
{
	size_t		len = 0;
	int			c;

	why[0] = '\0';
	while ((c = getc(f)) != EOF && c != '\n')
	{
		if (c == '\0')
			snprintf(why, CONFIG_ERROR_BYTES_MAX, "a NUL byte");
		else if (len == CONFIG_LINE_BYTES_MAX - 1)
			snprintf(why, CONFIG_ERROR_BYTES_MAX, "line longer than %d bytes", CONFIG_LINE_BYTES_MAX - 1);
		else
			line[len++] = (char) c;
		if (why[0] != '\0')
			return false;
	}
	line[len] = '\0';
	return c != EOF || len > 0;
}

bool
config_read_stream(config *c, FILE *f, const char *name, char *error)
{
	char		line[CONFIG_LINE_BYTES_MAX];
	char		why[CONFIG_ERROR_BYTES_MAX];
	int			number = 1;

	while (config_next_line(f, line, why) && config_read_line(c, line, why))
		number++;
	explicit_bzero(line, sizeof(line));
	if (why[0] != '\0')
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "%.200s line %d: %.250s", name, number, why);
	else if (ferror(f))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "cannot read %s: %s", name, strerror(errno));
	return why[0] == '\0' && !ferror(f);
}

bool
config_read_file(config *c, const char *path, char *error)
{
	FILE	   *f = fopen(path, "re");
	bool		good;

	if (f == NULL)
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	good = config_read_stream(c, f, path, error);
	if (good && (c->broker_password[0] != '\0' || strstr(c->conninfo, "password") != NULL))
		config_warn_readable(f, path);
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

bool
config_copy(config *to, const config *from)
{
	char		error[CONFIG_ERROR_BYTES_MAX];

	if (!config_init(to))
		return false;
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		const config_key *k = &config_keys[i];
		const char *value = (const char *) from + k->offset;

		if (k->is_number)
			memcpy((char *) to + k->offset, value, sizeof(int64_t));
		else if (!config_set(to, k, *(char *const *) value, error))
			return false;
	}
	to->log_least = from->log_least;
	to->log_is_json = from->log_is_json;
	memcpy(to->state_id, from->state_id, sizeof(to->state_id));
	memcpy(to->files_digest, from->files_digest, sizeof(to->files_digest));
	return true;
}

config_effect
config_difference(const config *a, const config *b, char *names, size_t cap)
{
	config_effect largest = memcmp(a->files_digest, b->files_digest, sizeof(a->files_digest)) != 0 ?
		CONFIG_BROKER : CONFIG_NOTHING;

	names[0] = '\0';
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		const config_key *k = &config_keys[i];
		const char *x = (const char *) a + k->offset;
		const char *y = (const char *) b + k->offset;
		bool		same = k->is_number ? memcmp(x, y, sizeof(int64_t)) == 0 :
			strcmp(*(char *const *) x, *(char *const *) y) == 0;
		size_t		len = strlen(names);

		if (same)
			continue;
		if (k->effect == CONFIG_RESTART)
			snprintf(names + len, cap - len, "%s%s", len > 0 ? ", " : "", k->name);
		else
			largest |= k->effect;
	}
	return largest;
}

bool
config_keep(config *new, const config *old)
{
	char		error[CONFIG_ERROR_BYTES_MAX];

	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
	{
		const config_key *k = &config_keys[i];
		const char *value = (const char *) old + k->offset;

		if (k->effect != CONFIG_RESTART)
			continue;
		if (k->is_number)
			memcpy((char *) new + k->offset, value, sizeof(int64_t));
		else if (!config_set(new, k, *(char *const *) value, error))
			return false;
	}
	return true;
}
