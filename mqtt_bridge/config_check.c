/*
 * config_check.c: what can only be judged once all settings are read, and what
 * they lead to: passwords, certificates, the list of shards.
 *
 * Also asked on SIGHUP, so that a certificate that does not fit its key is
 * refused while the old one still works.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "tls_files.h"

#define CONFIG_IDENTIFIER_LEN_MAX TOPIC_LEVEL_LEN_MAX

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
			return config_set_password(c, from_environment, error);
		return true;
	}
	f = fopen(c->broker_password_file, "re");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL)
	{
		config_warn_readable(f, c->broker_password_file);
		line[strcspn(line, "\r\n")] = '\0';
		good = config_set_password(c, line, error);
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
config_finish_tls(config *c, char *error)
{
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
	return tls_files_check(c->broker_cafile, c->broker_certfile, c->broker_keyfile,
						   c->files_digest, error, CONFIG_ERROR_BYTES_MAX);
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

/* The i-th name of a list separated by commas; false where it has fewer, or one too long. */
static bool
config_list_item(const char *list, int i, char out[CONFIG_IDENTIFIER_LEN_MAX + 1])
{
	size_t		len;

	while (i-- > 0)
	{
		list = strchr(list, ',');
		if (list == NULL)
			return false;
		list++;
	}
	list += strspn(list, " \t");
	len = strcspn(list, ", \t");
	if (list[len + strspn(list + len, " \t")] != ',' && list[len + strspn(list + len, " \t")] != '\0')
		return false;
	if (len > CONFIG_IDENTIFIER_LEN_MAX)
		return false;
	memcpy(out, list, len);
	out[len] = '\0';
	return true;
}

int
config_shard_count(const config *c)
{
	int			count = 1;

	for (const char *p = strchr(c->shard, ','); p != NULL; p = strchr(p + 1, ','))
		count++;
	return count;
}

bool
config_for_shard(config *out, const config *all, int i)
{
	char		name[CONFIG_IDENTIFIER_LEN_MAX + 1];
	char	   *copy;

	if (!config_list_item(all->shard, i, name) || !config_copy(out, all))
		return false;
	copy = strdup(name);
	if (copy == NULL)
	{
		config_free(out);
		return false;
	}
	free(out->shard);
	out->shard = copy;
	/* Two sessions cannot share one retained word on whether they are at work. */
	snprintf(out->state_id, sizeof(out->state_id), config_shard_count(all) > 1 ? "%s.%s" : "%s", all->id, name);
	return true;
}

/* + alone, or names, each once. */
static bool
config_finish_shards(const config *c, char *error)
{
	int			count = config_shard_count(c);
	char		name[CONFIG_IDENTIFIER_LEN_MAX + 1];
	char		other[CONFIG_IDENTIFIER_LEN_MAX + 1];

	if (count > CONFIG_SHARDS_MAX)
	{
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "shard names %d shards: the limit is %d", count, CONFIG_SHARDS_MAX);
		return false;
	}
	for (int i = 0; i < count; i++)
	{
		if (!config_list_item(c->shard, i, name) || !config_level_valid(name, count == 1))
		{
			snprintf(error, CONFIG_ERROR_BYTES_MAX,
					 "shard must be + or a list of names, each 1 to %d of A-Z a-z 0-9 . _ : -, separated by commas, not \"%.80s\"",
					 CONFIG_IDENTIFIER_LEN_MAX, c->shard);
			return false;
		}
		for (int j = 0; j < i; j++)
		{
			if (config_list_item(c->shard, j, other) && strcmp(name, other) == 0)
			{
				snprintf(error, CONFIG_ERROR_BYTES_MAX, "shard names \"%s\" twice", name);
				return false;
			}
		}
	}
	return true;
}

bool
config_finish(config *c, char *error)
{
	if (!config_level_valid(c->id, false))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "id must be 1 to %d of A-Z a-z 0-9 . _ : -, not \"%.80s\"",
				 CONFIG_IDENTIFIER_LEN_MAX, c->id);
	else if (!config_level_valid(c->tenant, true))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "tenant must be + or 1 to %d of A-Z a-z 0-9 . _ : -, not \"%.80s\"",
				 CONFIG_IDENTIFIER_LEN_MAX, c->tenant);
	else if (c->broker_host[0] == '\0')
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "broker_host must not be empty");
	else if (c->keepalive_s * 1000 < c->database_timeout_ms * 2)
		snprintf(error, CONFIG_ERROR_BYTES_MAX,
				 "keepalive_s must be at least twice database_timeout_ms: while a batch is in the database, "
				 "nothing may be sent to the broker");
	else if (!log_level_parse(c->log_level, &c->log_least))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "log_level must be debug, info, warning or error, not \"%.60s\"", c->log_level);
	else if (!log_format_parse(c->log_format, &c->log_is_json))
		snprintf(error, CONFIG_ERROR_BYTES_MAX, "log_format must be text or json, not \"%.60s\"", c->log_format);
	else
		return config_finish_shards(c, error) && config_finish_password(c, error) && config_finish_tls(c, error) &&
			config_finish_conninfo(c, error);
	return false;
}

