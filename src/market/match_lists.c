/*
 * match_lists.c: options of a rule that are lists: zones, lines, sources and conditions.
 *
 * Each is an array of objects with a table of fields, so that a field that is not known, is
 * missing, or is of another kind is refused in one way, with its element.
 */
#include "postgres.h"
#include "compat.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "market/match_rule.h"

#define FIELDS_MAX 6

typedef enum list_kind
{
	LIST_NAME,
	LIST_NUMBER
} list_kind;

typedef struct list_field
{
	const char *name;
	list_kind	kind;
	bool		required;
} list_field;

typedef struct list_value
{
	bool		given;			/* and not null */
	MatchName	name;
	int64		number;
} list_value;

/* An option's table, what is done with an element, and where it goes. */
typedef struct list_option
{
	const char *name;
	int			most;			/* elements */
	list_field	field[FIELDS_MAX];
	int			fields;
	void		(*take) (MatchRule *rule, int element, const list_value *value);
} list_option;

int64
match_json_number(const char *what, JsonbValue *v)
{
	char	   *text = v->type == jbvNumeric ? DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric))) : "";
	char	   *end;
	int64		number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a whole number of 64 bits", what),
				 *text == '\0' ? errdetail("It is no number.") : errdetail("It is %.80s%s.", text, strlen(text) > 80 ? "..." : "")));
	return number;
}

/* As a message begins. */
static const char *
list_what(const list_option *option, const char *field, int element)
{
	return psprintf("\"%s\" in element %d of option \"%s\"", field, element + 1, option->name);
}

static MatchName
list_name(const list_option *option, const char *field, int element, JsonbValue *v)
{
	MatchName	name;

	if (v->type != jbvString || v->val.string.len == 0 || v->val.string.len > MATCH_NAME_BYTES_MAX)
		ereport(ERROR,
				(errcode(v->type == jbvString && v->val.string.len > 0 ? ERRCODE_STRING_DATA_RIGHT_TRUNCATION : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a string of 1 to %d bytes", list_what(option, field, element), MATCH_NAME_BYTES_MAX),
				 v->type == jbvString ? errdetail("It has %d.", v->val.string.len) : errdetail("It is no string.")));
	name.data = pnstrdup(v->val.string.val, v->val.string.len);
	name.len = v->val.string.len;
	return name;
}

static int
list_find_field(const list_option *option, JsonbValue *key, int element)
{
	const char *known[FIELDS_MAX + 1] = {NULL};

	for (int f = 0; f < option->fields; f++)
	{
		known[f] = option->field[f].name;
		if (key->val.string.len == (int) strlen(known[f]) && memcmp(key->val.string.val, known[f], key->val.string.len) == 0)
			return f;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown field \"%s\" in option \"%s\"",
					pnstrdup(key->val.string.val, pg_mbcliplen(key->val.string.val, key->val.string.len, 64)), option->name),
			 errdetail("It is in element %d. Known fields are: %s.", element + 1, match_list(known))));
}

static void
list_read_element(MatchRule *rule, const list_option *option, int element, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	v;
	list_value	value[FIELDS_MAX] = {{false}};

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const list_field *field;
		list_value *to;

		if (token != WJB_KEY)
			continue;
		to = &value[list_find_field(option, &v, element)];
		field = &option->field[to - value];
		JsonbIteratorNext(&it, &v, true);
		to->given = v.type != jbvNull;
		if (!to->given)
			continue;
		if (field->kind == LIST_NAME)
			to->name = list_name(option, field->name, element, &v);
		else
			to->number = match_json_number(list_what(option, field->name, element), &v);
	}
	for (int f = 0; f < option->fields; f++)
	{
		if (option->field[f].required && !value[f].given)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must be given", list_what(option, option->field[f].name, element))));
	}
	option->take(rule, element, value);
}

/* How many elements an array of objects has. */
static int
list_count(const list_option *option, JsonbValue *v)
{
	int			count;

	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data) || JsonContainerIsScalar(v->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be an array of objects", option->name)));
	count = JsonContainerSize(v->val.binary.data);
	if (count > option->most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("option \"%s\" has too many elements", option->name),
				 errdetail("There are %d; at most %d are taken.", count, option->most)));
	return count;
}

static void
list_read(MatchRule *rule, const list_option *option, JsonbValue *v)
{
	JsonbIterator *it = JsonbIteratorInit(v->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	element;
	int			n = 0;

	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (element.type != jbvBinary || !JsonContainerIsObject(element.val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"%s\" must be an array of objects", option->name),
					 errdetail("Element %d is no object.", n + 1)));
		list_read_element(rule, option, n++, element.val.binary.data);
	}
}

/* ---- zones ---- */

static int
zone_find(const MatchRule *rule, int zones, MatchName name)
{
	for (int z = 0; z < zones; z++)
	{
		if (match_name_same(rule->zone_name[z], name))
			return z;
	}
	return -1;
}

static const char *
zone_text(MatchName name)
{
	return pnstrdup(name.data, name.len);
}

enum
{
	ZONE_NAME,
	ZONE_PARENT,
	ZONE_FEE,
	ZONE_FEE_KIND,
	ZONE_FIELDS
};

static void zone_take(MatchRule *rule, int element, const list_value *value);

static const list_option zones_option = {"zones", MATCHING_ZONES_MAX,
	{{"zone", LIST_NAME, true}, {"parent", LIST_NAME, false}, {"fee", LIST_NUMBER, false}, {"fee_kind", LIST_NAME, false}},
	ZONE_FIELDS, zone_take
};

static void
zone_take(MatchRule *rule, int element, const list_value *value)
{
	fee_zone   *zone = (fee_zone *) &rule->zones.zone[element];
	static const MatchName constant = {"constant", 8};
	static const MatchName parts = {"parts", 5};

	if (zone_find(rule, element, value[ZONE_NAME].name) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("option \"zones\" has a zone twice"),
				 errdetail("Element %d has \"%s\" again.", element + 1, zone_text(value[ZONE_NAME].name))));
	rule->zone_name[element] = value[ZONE_NAME].name;
	rule->zone_parent[element] = value[ZONE_PARENT].given ? value[ZONE_PARENT].name : (MatchName) {NULL, 0};
	*zone = (fee_zone) {.id = element,.parent = -1,.kind = ZONE_FEE_CONSTANT,.fee = value[ZONE_FEE].number};
	if (value[ZONE_FEE_KIND].given && match_name_same(value[ZONE_FEE_KIND].name, parts))
		zone->kind = ZONE_FEE_PARTS;
	else if (value[ZONE_FEE_KIND].given && !match_name_same(value[ZONE_FEE_KIND].name, constant))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be constant or parts", list_what(&zones_option, "fee_kind", element)),
				 errdetail("It is \"%s\".", zone_text(value[ZONE_FEE_KIND].name))));
	if (zone->fee < 0 || zone->fee > (zone->kind == ZONE_FEE_PARTS ? ZONE_FEES_PARTS_MAX : ZONE_FEES_CONSTANT_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be from 0 to %lld", list_what(&zones_option, "fee", element),
						(long long) (zone->kind == ZONE_FEE_PARTS ? ZONE_FEES_PARTS_MAX : ZONE_FEES_CONSTANT_MAX)),
				 errdetail("It is %lld.", (long long) zone->fee)));
}

void
match_read_zones(MatchRule *rule, JsonbValue *value)
{
	int			count = list_count(&zones_option, value);
	fee_zone   *zone = palloc0(sizeof(fee_zone) * (count + 1));

	rule->has_zones = true;
	rule->zones.zone = zone;
	rule->zone_name = palloc0(sizeof(MatchName) * (count + 1));
	rule->zone_parent = palloc0(sizeof(MatchName) * (count + 1));
	list_read(rule, &zones_option, value);
	rule->zones.zones = (uint32) count;
	for (int z = 0; z < count; z++)
	{
		if (rule->zone_parent[z].len == 0)
			continue;
		zone[z].parent = zone_find(rule, count, rule->zone_parent[z]);
		if (zone[z].parent < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be a zone of the option", list_what(&zones_option, "parent", z)),
					 errdetail("It is \"%s\".", zone_text(rule->zone_parent[z]))));
	}
	if (zone_fees_check(zone, count) != ZONE_FEES_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"zones\" must be trees of at most %d zones from the root down", ZONE_FEES_DEPTH_MAX),
				 errdetail("A zone stands deeper, or above itself.")));
}

/* ---- lines ---- */

enum
{
	LINE_FROM,
	LINE_TO,
	LINE_CAPACITY,
	LINE_CAPACITY_BACK,
	LINE_FEE,
	LINE_FIELDS
};

static void line_take(MatchRule *rule, int element, const list_value *value);

static const list_option lines_option = {"lines", COUPLING_LINES_MAX,
	{{"from", LIST_NAME, true}, {"to", LIST_NAME, true}, {"capacity", LIST_NUMBER, true}, {"capacity_back", LIST_NUMBER, true},
	{"fee", LIST_NUMBER, false}}, LINE_FIELDS, line_take
};

static int
line_end(const MatchRule *rule, int element, const char *field, MatchName name)
{
	int			zone = zone_find(rule, (int) rule->zones.zones, name);

	if (zone < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a zone of option \"zones\"", list_what(&lines_option, field, element)),
				 errdetail("It is \"%s\".", zone_text(name))));
	return zone;
}

static void
line_check_number(int element, int field, int64 value, int64 most)
{
	if (value < 0 || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be from 0 to %lld", list_what(&lines_option, lines_option.field[field].name, element), (long long) most),
				 errdetail("It is %lld.", (long long) value)));
}

static void
line_take(MatchRule *rule, int element, const list_value *value)
{
	coupling_line *line = (coupling_line *) &rule->zones.line[element];

	line->id = element;
	line->from_zone = line_end(rule, element, "from", value[LINE_FROM].name);
	line->to_zone = line_end(rule, element, "to", value[LINE_TO].name);
	if (line->from_zone == line->to_zone)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"lines\" has a line from a zone to itself"),
				 errdetail("Element %d, zone \"%s\".", element + 1, zone_text(value[LINE_FROM].name))));
	line_check_number(element, LINE_CAPACITY, value[LINE_CAPACITY].number, PG_INT64_MAX);
	line_check_number(element, LINE_CAPACITY_BACK, value[LINE_CAPACITY_BACK].number, PG_INT64_MAX);
	line_check_number(element, LINE_FEE, value[LINE_FEE].number, COUPLING_FEE_MAX);
	line->capacity_forth_wh = value[LINE_CAPACITY].number;
	line->capacity_back_wh = value[LINE_CAPACITY_BACK].number;
	line->fee_micro_per_kwh = value[LINE_FEE].number;
}

void
match_read_lines(MatchRule *rule, JsonbValue *value)
{
	int			count = list_count(&lines_option, value);

	rule->zones.line = palloc0(sizeof(coupling_line) * (count + 1));
	rule->zones.has_lines = true;
	list_read(rule, &lines_option, value);
	rule->zones.lines = (uint32) count;
}

/* ---- sources and conditions ---- */

static void
source_take(MatchRule *rule, int element, const list_value *value)
{
	rule->source[element] = (MatchSource) {value[0].number, value[1].name};
}

void
match_read_sources(MatchRule *rule, JsonbValue *value)
{
	static const list_option option = {"sources", MATCHING_ORDERS_MAX,
		{{"order_id", LIST_NUMBER, true}, {"source", LIST_NAME, true}}, 2, source_take
	};

	rule->sources = list_count(&option, value);
	rule->source = palloc_extended(sizeof(MatchSource) * ((Size) rule->sources + 1), MCXT_ALLOC_HUGE);
	list_read(rule, &option, value);
}

static void
condition_take(MatchRule *rule, int element, const list_value *value)
{
	rule->condition[element] = (MatchRuleCondition) {.order_id = value[0].number,
		.condition = {.partner = value[1].name,.source = value[2].name,.zone = value[3].name,
			.has_energy = value[4].given,.energy = value[4].number,
		.has_price = value[5].given,.price = value[5].number}
	};
}

void
match_read_conditions(MatchRule *rule, JsonbValue *value)
{
	static const list_option option = {"conditions", MATCHING_CONDITIONS_MAX,
		{{"order_id", LIST_NUMBER, true}, {"partner", LIST_NAME, false}, {"source", LIST_NAME, false}, {"zone", LIST_NAME, false},
		{"energy", LIST_NUMBER, false}, {"price", LIST_NUMBER, false}}, 6, condition_take
	};

	rule->conditions = list_count(&option, value);
	rule->condition = palloc_extended(sizeof(MatchRuleCondition) * ((Size) rule->conditions + 1), MCXT_ALLOC_HUGE);
	list_read(rule, &option, value);
}
