/*
 * test_topic.c: topics taken apart and put together, and nothing else taken for one.
 */
#include "unit.h"

#include "core/topic.h"

static bool
parse(const char *text, topic *out)
{
	size_t		len = strlen(text);
	char	   *exact = unit_exact(text, len);
	bool		sound = topic_parse(exact, len, out);

	free(exact);
	return sound;
}

static void
there_and_back(void **state)
{
	static const char *const sound[] = {
		"el/v1/town/0/m-1/up/reading", "el/v1/A.b_c:d/shard/x/down/receipt"
	};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
	{
		topic		t;
		char		text[TOPIC_LEN_MAX];

		assert_true(parse(sound[i], &t));
		assert_int_equal(topic_format(&t, text, sizeof(text)), strlen(sound[i]));
		assert_string_equal(text, sound[i]);
		assert_int_equal(topic_format(&t, text, strlen(sound[i])), 0);
	}
}

static void
levels(void **state)
{
	topic		t;

	assert_true(parse("el/v1/town/7/m-1/up/reading", &t));
	assert_string_equal(t.tenant, "town");
	assert_string_equal(t.shard, "7");
	assert_string_equal(t.meter, "m-1");
	assert_string_equal(t.leaf, "reading");
	assert_true(t.up);
	assert_true(parse("el/v1/town/7/m-1/down/cmd", &t));
	assert_false(t.up);
}

static void
no_topics_of_ours(void **state)
{
	static const char *const bad[] = {
		"", "/", "el", "el/v1", "el/v2/t/0/m/up/reading", "EL/v1/t/0/m/up/reading", "/el/v1/t/0/m/up/reading",
		"el/v1/t/0/m/up", "el/v1/t/0/m/up/", "el/v1/t/0/m/up/reading/", "el/v1/t/0/m/up/reading/x",
		"el/v1/t/0//up/reading", "el/v1/t/0/m/sideways/reading", "el/v1/t/0/+/up/reading", "el/v1/t/0/m/up/#",
		"el/v1/t/0/m m/up/reading", "el/v1/t/0/m\xc3\xa9/up/reading", "el/v1/bridge/a/state"
	};
	topic		t;
	char		text[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		if (parse(bad[i], &t))
			fail_msg("taken for a topic: %s", bad[i]);
	}
	/* a level of 64 is the longest */
	sprintf(text, "el/v1/t/0/%064d/up/reading", 1);
	assert_true(parse(text, &t));
	sprintf(text, "el/v1/t/0/%065d/up/reading", 1);
	assert_false(parse(text, &t));
	assert_false(topic_parse("el/v1/t/0/m\0m/up/reading", 24, &t));
}

static void
unusable_levels_are_not_written(void **state)
{
	topic		t = {"t", "0", "a/b", true, "reading"};
	char		text[TOPIC_LEN_MAX];

	assert_int_equal(topic_format(&t, text, sizeof(text)), 0);
	strcpy(t.meter, "");
	assert_int_equal(topic_format(&t, text, sizeof(text)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(levels),
		cmocka_unit_test(no_topics_of_ours),
		cmocka_unit_test(unusable_levels_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
