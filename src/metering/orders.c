/*
 * orders.c: orders and cancellations among accepted messages.
 *
 * Whether an order is taken is decided by the market's functions (sql/order.sql); what
 * they refuse is a row of order_refusal.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "metering/orders.h"
#include "metering/signed_call.h"
#include "metering/unix_time.h"

static const Oid orders_lock_types[] = {TEXTARRAYOID, TEXTARRAYOID};

static SignedCall orders_lock_call = {
	"SELECT energyledger.lock_orders($1, $2)", "lock markets", lengthof(orders_lock_types), orders_lock_types, NULL
};

static const Oid orders_order_types[] = {TEXTOID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID, INT8OID, TEXTOID,
TIMESTAMPTZOID, TEXTOID, INT8OID, TEXTOID};

static SignedCall orders_order_call = {
	"SELECT energyledger.take_signed_order($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb)",
	"take an order", lengthof(orders_order_types), orders_order_types, NULL
};

static const Oid orders_cancel_types[] = {TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID};

static SignedCall orders_cancel_call = {
	"SELECT energyledger.take_signed_cancel($1, $2, $3, $4, $5)",
	"take a cancellation", lengthof(orders_cancel_types), orders_cancel_types, NULL
};

/*
 * All locks before anything is done, each batch in the same sequence: two that bring
 * orders of the same parties wait for each other, and not both.
 */
static void
orders_lock(IngestMessage **messages, int count)
{
	Datum	   *market = palloc(count * sizeof(Datum));
	Datum	   *meter = palloc(count * sizeof(Datum));
	Datum		values[2];
	int			markets = 0;

	for (int i = 0; i < count; i++)
	{
		meter[i] = CStringGetTextDatum(messages[i]->meter);
		if (messages[i]->order != NULL)
			market[markets++] = CStringGetTextDatum(messages[i]->order->market);
	}
	values[0] = signed_call_texts(market, markets);
	values[1] = signed_call_texts(meter, count);
	signed_call(&orders_lock_call, values, NULL);
}

static void
orders_put_text(StringInfo out, const char *name, const char *text, bool *first)
{
	if (text[0] == '\0')
		return;
	appendStringInfo(out, "%s\"%s\": ", *first ? "" : ", ", name);
	escape_json(out, text);
	*first = false;
}

static void
orders_put_number(StringInfo out, const char *name, bool has, int64 number, bool *first)
{
	if (!has)
		return;
	appendStringInfo(out, "%s\"%s\": %lld", *first ? "" : ", ", name, (long long) number);
	*first = false;
}

/* As market_order has them. */
static char *
orders_conditions(const payload_order *o)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	for (int i = 0; i < o->condition_count; i++)
	{
		const payload_condition *c = &o->condition[i];
		bool		first = true;

		appendStringInfoString(&out, i > 0 ? ", {" : "{");
		orders_put_text(&out, "partner", c->partner, &first);
		orders_put_text(&out, "source", c->source, &first);
		orders_put_text(&out, "zone", c->zone, &first);
		orders_put_number(&out, "energy_wh", c->has_energy, c->energy_wh, &first);
		orders_put_number(&out, "limit_price_micro_per_kwh", c->has_price, c->price_micro_per_kwh, &first);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

static void
orders_take_order(const IngestMessage *m)
{
	const payload_order *o = m->order;
	Datum		value[lengthof(orders_order_types)];
	char		null[lengthof(orders_order_types)];

	memset(null, ' ', sizeof(null));
	value[0] = CStringGetTextDatum(m->meter);
	value[1] = Int64GetDatum(m->epoch);
	value[2] = Int64GetDatum(m->seq);
	value[3] = CStringGetTextDatum(o->market);
	value[4] = TimestampTzGetDatum(unix_ms_to_timestamp(o->slot_ms));
	value[5] = CStringGetTextDatum(order_side_name(o->side));
	value[6] = Int64GetDatum(o->energy_wh);
	value[7] = Int64GetDatum(o->price_micro_per_kwh);
	null[7] = o->has_price ? ' ' : 'n';
	value[8] = CStringGetTextDatum(order_kind_name(o->kind));
	value[9] = TimestampTzGetDatum(unix_ms_to_timestamp(o->valid_until_ms));
	null[9] = o->has_valid_until ? ' ' : 'n';
	value[10] = CStringGetTextDatum(o->partner);
	null[10] = o->partner[0] != '\0' ? ' ' : 'n';
	value[11] = Int64GetDatum(o->partner_price_micro_per_kwh);
	null[11] = o->has_partner_price ? ' ' : 'n';
	value[12] = o->condition_count > 0 ? CStringGetTextDatum(orders_conditions(o)) : (Datum) 0;
	null[12] = o->condition_count > 0 ? ' ' : 'n';
	signed_call(&orders_order_call, value, null);
}

static void
orders_take_cancel(const IngestMessage *m)
{
	Datum		value[lengthof(orders_cancel_types)];

	value[0] = CStringGetTextDatum(m->meter);
	value[1] = Int64GetDatum(m->epoch);
	value[2] = Int64GetDatum(m->seq);
	value[3] = Int64GetDatum(m->cancel->epoch);
	value[4] = Int64GetDatum(m->cancel->seq);
	signed_call(&orders_cancel_call, value, NULL);
}

void
orders_store(IngestMessage **accepted, int count)
{
	IngestMessage **messages = palloc(Max(count, 1) * sizeof(*messages));
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (accepted[i]->order != NULL || accepted[i]->cancel != NULL)
			messages[n++] = accepted[i];
	}
	if (n == 0)
		return;
	signed_call_sort(messages, n);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	orders_lock(messages, n);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (messages[i]->order != NULL)
			orders_take_order(messages[i]);
		else
			orders_take_cancel(messages[i]);
	}
	SPI_finish();
}
