/*
 * fuzz_config.c: any bytes as the bridge's configuration file, and as a flag.
 *
 * The first byte chooses: a file, or a flag's name and value parted by a NUL.  What is
 * accepted must survive being copied, split into shards and compared; what is refused
 * must say why, and never with a password in it.  Nothing is looked up in the
 * environment or on disk: config_finish(), which does that, is left out where files
 * are named.
 */
#include "fuzz.h"

#include "mqtt_bridge/config.h"

static void
try_whole(config *c)
{
	char		error[CONFIG_ERROR_BYTES_MAX] = "";
	char		names[CONFIG_ERROR_BYTES_MAX];
	config		copy;
	int			count;

	FUZZ_CHECK(config_copy(&copy, c));
	FUZZ_CHECK(config_difference(c, &copy, names, sizeof(names)) == CONFIG_NOTHING && names[0] == '\0');
	config_free(&copy);
	if (c->broker_password_file[0] != '\0' || c->broker_cafile[0] != '\0' ||
		c->broker_certfile[0] != '\0' || c->broker_keyfile[0] != '\0')
		return;
	if (!config_finish(c, error))
	{
		FUZZ_CHECK(error[0] != '\0');
		return;
	}
	count = config_shard_count(c);
	FUZZ_CHECK(count >= 1 && count <= CONFIG_SHARDS_MAX);
	for (int i = 0; i < count; i++)
	{
		FUZZ_CHECK(config_for_shard(&copy, c, i));
		FUZZ_CHECK(strchr(copy.shard, ',') == NULL && copy.shard[0] != '\0');
		FUZZ_CHECK(strlen(copy.state_id) < sizeof(copy.state_id) && strncmp(copy.state_id, c->id, strlen(c->id)) == 0);
		config_free(&copy);
	}
	FUZZ_CHECK(!config_for_shard(&copy, c, count));
}

static void
try_file(const uint8_t *data, size_t size)
{
	char		error[CONFIG_ERROR_BYTES_MAX] = "";
	config		c;
	config		defaults;
	char		names[CONFIG_ERROR_BYTES_MAX];
	FILE	   *f = size > 0 ? fmemopen((void *) data, size, "r") : NULL;

	if (f == NULL)
		return;
	FUZZ_CHECK(config_init(&c) && config_init(&defaults));
	if (config_read_stream(&c, f, "file", error))
	{
		config_difference(&defaults, &c, names, sizeof(names));
		FUZZ_CHECK(strlen(names) < sizeof(names));
		FUZZ_CHECK(config_keep(&c, &defaults));
		config_difference(&defaults, &c, names, sizeof(names));
		FUZZ_CHECK(names[0] == '\0');
		rewind(f);
		FUZZ_CHECK(config_read_stream(&c, f, "file", error));
		try_whole(&c);
	}
	else
		FUZZ_CHECK(error[0] != '\0' && strstr(error, "file line ") == error);
	config_free(&c);
	config_free(&defaults);
	fclose(f);
}

static void
try_flag(const uint8_t *data, size_t size)
{
	char		error[CONFIG_ERROR_BYTES_MAX] = "";
	char	   *text = malloc(size + 2);
	const char *value;
	config		c;

	FUZZ_CHECK(text != NULL && config_init(&c));
	memcpy(text, data, size);
	text[size] = '\0';
	text[size + 1] = '\0';
	value = text + strlen(text) + 1;
	if (config_set_flag(&c, text, value, error))
		try_whole(&c);
	else
		FUZZ_CHECK(error[0] != '\0');
	/* No flag can set the password. */
	FUZZ_CHECK(c.broker_password == NULL || c.broker_password[0] == '\0');
	config_free(&c);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] % 2 == 0)
		try_file(data + 1, size - 1);
	else if (size > 0)
		try_flag(data + 1, size - 1);
	return 0;
}
