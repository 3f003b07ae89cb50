/*
 * config.h: the bridge's settings: one table, read from a file of
 * "key = value" lines and from flags that override it.
 */
#ifndef BRIDGE_CONFIG_H
#define BRIDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/sha256.h"
#include "core/topic.h"
#include "log.h"

#define CONFIG_LINE_BYTES_MAX 4096
#define CONFIG_PASSWORD_BYTES_MAX 1024
#define CONFIG_PASSWORD_ENV "ENERGYLEDGER_BRIDGE_BROKER_PASSWORD"
#define CONFIG_ERROR_BYTES_MAX 512
#define CONFIG_SHARDS_MAX 64	/* connections to the broker: two each; to the
								 * database: one each */

/* The largest MQTT packet taken: larger ones the broker must not deliver. */
#define CONFIG_PACKET_BYTES_MAX (1024 * 1024)

/* What a changed setting asks for while we run; can be combined, RESTART alone. */
typedef enum config_effect
{
	CONFIG_NOTHING = 0,
	CONFIG_AT_ONCE = 1,			/* holds from the next batch on */
	CONFIG_BROKER = 2,			/* the broker has to be connected anew */
	CONFIG_DATABASE = 4,		/* the database has to be */
	CONFIG_RESTART = 8			/* is taken at the next start only */
} config_effect;

typedef struct config
{
	char	   *id;
	char	   *broker_host;
	int64_t		broker_port;
	char	   *broker_username;
	char	   *broker_password;	/* secret */
	char	   *broker_password_file;
	char	   *broker_cafile;
	char	   *broker_certfile;
	char	   *broker_keyfile;
	int64_t		keepalive_s;
	int64_t		session_expiry_s;
	char	   *tenant;
	char	   *shard;			/* a list; in a shard's own copy: its name */
	char	   *conninfo;		/* may hold a secret */
	int64_t		database_timeout_ms;
	int64_t		batch_messages_max;
	int64_t		batch_bytes_max;
	int64_t		linger_ms;
	int64_t		commands_interval_s;	/* 0: none are published */
	int64_t		commands_retry_s;
	int64_t		resends_interval_s; /* 0: none are */
	int64_t		resends_grace_s;
	int64_t		resends_every_s;
	int64_t		backoff_ms_max;
	int64_t		metrics_port;
	int64_t		stats_interval_s;
	char	   *log_level;
	char	   *log_format;
	/* understood from these */
	log_level	log_least;
	bool		log_is_json;
	char		state_id[2 * TOPIC_LEVEL_LEN_MAX + 2];	/* names el/v1/bridge/{}/state */
	uint8_t		files_digest[SHA256_LEN];	/* of the certificates' and key's
											 * contents */
} config;

/* False where memory is out. */
extern bool config_init(config *c);
extern bool config_copy(config *to, const config *from);
extern void config_free(config *c);

/*
 * All: false, with a sentence in error (CONFIG_ERROR_BYTES_MAX), for an
 * unknown key or a value that is not possible.  No sentence quotes a secret.
 */
extern bool config_read_file(config *c, const char *path, char *error);
extern bool config_read_stream(config *c, FILE *f, const char *name, char *error);
extern bool config_set_flag(config *c, const char *name, const char *value, char *error);

/* What can only be judged once all is read; takes in passwords from outside. */
extern bool config_finish(config *c, char *error);

/* A word in the log where everybody may read a file that holds a secret. */
extern void config_warn_readable(FILE *f, const char *path);

/* Set the password: for whoever read it from elsewhere. */
extern bool config_set_password(config *c, const char *password, char *error);

/* How many shards are named; and the settings of the i-th.  False: no memory. */
extern int	config_shard_count(const config *c);
extern bool config_for_shard(config *out, const config *all, int i);

/*
 * What going from a to b asks for; names gets those of the settings that have
 * to wait for a restart.  config_keep puts the old values of these into new.
 */
extern config_effect config_difference(const config *a, const config *b, char *names, size_t cap);
extern bool config_keep(config *new, const config *old);

/* The flags and keys with their defaults, for --help. */
extern void config_print_keys(FILE *out);

#endif							/* BRIDGE_CONFIG_H */
