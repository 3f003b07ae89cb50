/*
 * test_certificate_step.c: every kind of event from every state, and the names of both.
 *
 * The table is written down here once more, by states instead of kinds, so that one that
 * is changed in one place alone is noticed.
 */
#include "unit.h"

#include <string.h>

#include "core/certificate_step.h"

static const char *const kinds[] = {"transfer", "share", "reserve", "release", "lock", "cancel", "claim", "withdraw", "expire"};
static const char *const states[] = {"active", "reserved", "locked", "cancelled", "claimed", "withdrawn", "expired"};

/* From a state by the kinds in their sequence: the first letter of the state that follows; C: claimed, - none. */
static const char *const follows[] = {
	"aar-lc-we",				/* active */
	"---alc-we",				/* reserved */
	"---a---w-",				/* locked */
	"------Cw-",				/* cancelled */
	"-------w-",				/* claimed */
	"---------",				/* withdrawn */
	"---------",				/* expired */
};

static certificate_state
state_of_letter(char letter)
{
	const char *at = strchr("arlcCwe", letter);

	return letter == '-' ? CERTIFICATE_NONE : (certificate_state) (at - "arlcCwe" + 1);
}

static void
all_steps(void **state)
{
	int			allowed = 0;

	assert_int_equal(sizeof(kinds) / sizeof(*kinds), CERTIFICATE_KINDS - 1);
	assert_int_equal(sizeof(states) / sizeof(*states), CERTIFICATE_STATES - 1);
	for (int s = 1; s < CERTIFICATE_STATES; s++)
		for (int k = 1; k < CERTIFICATE_KINDS; k++)
		{
			certificate_state expected = state_of_letter(follows[s - 1][k - 1]);

			if (certificate_step((certificate_kind) k, (certificate_state) s) != expected)
				fail_msg("%s of %s leads to \"%s\", not to \"%s\"", kinds[k - 1], states[s - 1],
						 certificate_state_name(certificate_step((certificate_kind) k, (certificate_state) s)), certificate_state_name(expected));
			allowed += expected != CERTIFICATE_NONE;
		}
	assert_int_equal(allowed, 17);
}

/* What no certificate leaves, and where nothing but a withdrawal leads back to. */
static void
ends(void **state)
{
	for (int k = 0; k <= CERTIFICATE_KINDS; k++)
	{
		assert_int_equal(certificate_step((certificate_kind) k, CERTIFICATE_WITHDRAWN), CERTIFICATE_NONE);
		assert_int_equal(certificate_step((certificate_kind) k, CERTIFICATE_EXPIRED), CERTIFICATE_NONE);
		for (int s = 0; s <= CERTIFICATE_STATES; s++)
			if (certificate_step((certificate_kind) k, (certificate_state) s) == CERTIFICATE_CLAIMED)
				assert_int_equal(s, CERTIFICATE_CANCELLED);
	}
}

/* Numbers that are none, from a caller that did not look. */
static void
out_of_range(void **state)
{
	for (int k = -1; k <= CERTIFICATE_KINDS + 1; k++)
		for (int s = -1; s <= CERTIFICATE_STATES + 1; s++)
			if (k <= CERTIFICATE_NOTHING || k >= CERTIFICATE_KINDS || s <= CERTIFICATE_NONE || s >= CERTIFICATE_STATES)
				assert_int_equal(certificate_step((certificate_kind) k, (certificate_state) s), CERTIFICATE_NONE);
	assert_string_equal(certificate_state_name(CERTIFICATE_NONE), "");
	assert_string_equal(certificate_state_name(CERTIFICATE_STATES), "");
	assert_string_equal(certificate_state_name((certificate_state) -1), "");
	assert_string_equal(certificate_kind_name(CERTIFICATE_NOTHING), "");
	assert_string_equal(certificate_kind_name(CERTIFICATE_KINDS), "");
	assert_string_equal(certificate_kind_name((certificate_kind) -1), "");
}

static void
names(void **state)
{
	for (int s = 1; s < CERTIFICATE_STATES; s++)
	{
		assert_string_equal(certificate_state_name((certificate_state) s), states[s - 1]);
		assert_int_equal(certificate_state_of(states[s - 1], strlen(states[s - 1])), s);
		assert_int_equal(certificate_state_of(states[s - 1], strlen(states[s - 1]) - 1), CERTIFICATE_NONE);
	}
	for (int k = 1; k < CERTIFICATE_KINDS; k++)
	{
		assert_string_equal(certificate_kind_name((certificate_kind) k), kinds[k - 1]);
		assert_int_equal(certificate_kind_of(kinds[k - 1], strlen(kinds[k - 1])), k);
		assert_int_equal(certificate_kind_of(kinds[k - 1], strlen(kinds[k - 1]) - 1), CERTIFICATE_NOTHING);
	}
	assert_int_equal(certificate_state_of("", 0), CERTIFICATE_NONE);
	assert_int_equal(certificate_state_of("Active", 6), CERTIFICATE_NONE);
	assert_int_equal(certificate_state_of("active ", 7), CERTIFICATE_NONE);
	assert_int_equal(certificate_kind_of("", 0), CERTIFICATE_NOTHING);
	assert_int_equal(certificate_kind_of("active", 6), CERTIFICATE_NOTHING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_steps),
		cmocka_unit_test(ends),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
