/*
 * test_coupling_published.c: one zone alone against published optima of single markets,
 * where they are at hand: volume, welfare and price interval.
 */
#include "coupling_case.h"

static coupling_case c;

#define ORDERS_MAX 400
#define CASE_FIELDS 10

typedef struct published_order
{
	char		case_id[64];
	bool		bid;
	char		energy[32];
	char		price[32];
} published_order;

/* A decimal number times 10^places. */
static int64_t
scaled(const char *text, int places)
{
	bool		negative = *text == '-';
	int64_t		value = 0;
	int			seen = -1;

	for (text += negative; *text != '\0'; text++)
	{
		if (*text == '.')
		{
			seen = 0;
			continue;
		}
		assert_true(*text >= '0' && *text <= '9');
		value = value * 10 + (*text - '0');
		seen += seen >= 0;
	}
	for (seen = seen < 0 ? 0 : seen; seen < places; seen++)
		value *= 10;
	return negative ? -value : value;
}

static FILE *
open_published(const char *name)
{
	const char *folder = getenv("VECTORS");
	char		path[1024];

	snprintf(path, sizeof(path), "%s/energy/matching/%s",
			 folder != NULL ? folder : "../../../shared/vectors", name);
	return fopen(path, "r");
}

/* The next line's first fields; the line of names and the end are false. */
static bool
read_fields(FILE *file, char *line, size_t cap, char **field, int count)
{
	if (fgets(line, (int) cap, file) == NULL)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	for (int i = 0; i < count; i++)
	{
		field[i] = strsep(&line, ",");
		assert_non_null(field[i]);
	}
	return true;
}

static int
read_orders(published_order *order)
{
	FILE	   *file = open_published("orders.csv");
	char		line[1024];
	char	   *field[CASE_FIELDS];
	int			n = 0;

	if (file == NULL)
		return 0;
	assert_true(read_fields(file, line, sizeof(line), field, CASE_FIELDS));
	while (read_fields(file, line, sizeof(line), field, CASE_FIELDS))
	{
		assert_true(n < ORDERS_MAX);
		snprintf(order[n].case_id, sizeof(order[n].case_id), "%s", field[0]);
		order[n].bid = strcmp(field[2], "bid") == 0;
		snprintf(order[n].energy, sizeof(order[n].energy), "%s", field[4]);
		snprintf(order[n++].price, sizeof(order[n].price), "%s", field[5]);
	}
	fclose(file);
	return n;
}

/* Volume, welfare and price interval of each case, energy in tenths, prices in 10^-5. */
static void
published_optima(void **state)
{
	static published_order order[ORDERS_MAX];
	int			count = read_orders(order);
	FILE	   *file = open_published("derived_welfare.csv");
	char		line[1024];
	char	   *field[5];
	int			cases = 0;

	if (count == 0 || file == NULL)
		skip();
	assert_true(read_fields(file, line, sizeof(line), field, 5));
	while (read_fields(file, line, sizeof(line), field, 5))
	{
		/* a price of 64 bits is beyond the limit, and refused */
		if (strstr(field[0], "18446744073709551615") != NULL)
			continue;
		case_begin(&c, 1);
		/* orders of no energy are no steps */
		for (int i = 0; i < count; i++)
			if (strcmp(order[i].case_id, field[0]) == 0 && scaled(order[i].energy, 1) > 0)
				(order[i].bid ? case_bid : case_ask) (&c, 0, scaled(order[i].price, 5), scaled(order[i].energy, 1));
		case_solve(&c);
		case_energy(&c, 0, scaled(field[1], 1), scaled(field[1], 1));
		assert_true(c.total.welfare_nano == scaled(field[2], 6));
		if (*field[3] != '\0')
			case_interval(&c, 0, scaled(field[3], 5), scaled(field[4], 5));
		cases++;
	}
	fclose(file);
	assert_int_equal(cases, 38);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_optima),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
