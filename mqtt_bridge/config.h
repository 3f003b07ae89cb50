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

#include "log.h"

#define CONFIG_LINE_BYTES_MAX 4096
#define CONFIG_PASSWORD_BYTES_MAX 1024
#define CONFIG_PASSWORD_ENV "ENERGYLEDGER_BRIDGE_BROKER_PASSWORD"
#define CONFIG_ERROR_BYTES_MAX 512

/* The largest MQTT packet taken: larger ones the broker must not deliver. */
#define CONFIG_PACKET_BYTES_MAX (1024 * 1024)

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
	char	   *shard;
	char	   *conninfo;		/* may hold a secret */
	int64_t		database_timeout_ms;
	int64_t		batch_messages_max;
	int64_t		batch_bytes_max;
	int64_t		linger_ms;
	int64_t		backoff_ms_max;
	int64_t		stats_interval_s;
	char	   *log_level;
	log_level	log_least;		/* log_level, understood */
} config;

/* False where memory is out. */
extern bool config_init(config *c);
extern void config_free(config *c);

/*
 * Both: false, with a sentence in error (CONFIG_ERROR_BYTES_MAX), for an
 * unknown key or a value that is not possible.  No sentence quotes a secret.
 */
extern bool config_read_file(config *c, const char *path, char *error);
extern bool config_set_flag(config *c, const char *name, const char *value, char *error);

/* What can only be judged once all is read; takes in passwords from outside. */
extern bool config_finish(config *c, char *error);

/* The flags and keys with their defaults, for --help. */
extern void config_print_keys(FILE *out);

#endif							/* BRIDGE_CONFIG_H */
