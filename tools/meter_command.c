/*
 * meter_command.c: what comes down to a meter beside receipts: commands and requests to
 * send again.
 *
 * Nothing is believed that the right key has not signed for this very meter.  A command
 * is taken once, by its counter; each is answered by a signed message, and answer and
 * new state are written down in one record, so that a crash leaves both or neither.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "meter_orders.h"

static int64_t meter_clock_ahead_ms;

void
meter_clock_set(int64_t ahead_ms)
{
	meter_clock_ahead_ms = ahead_ms;
}

int64_t
meter_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000 + meter_clock_ahead_ms;
}

/* Sign an answer and put it where it is sent next; false: error printed. */
static bool
command_answer(meter_fleet *f, meter_keep *k, meter *m, const char *id, int64_t counter, ack_result result,
			   const char *detail)
{
	payload_ack ack = {.counter = counter, .result = result, .at_ms = meter_clock_ms()};
	uint8_t		message[MESSAGE_BYTES_MAX];
	kept	   *e;
	int			len;

	snprintf(ack.id, sizeof(ack.id), "%s", id);
	snprintf(ack.detail, sizeof(ack.detail), "%s", detail);
	len = meter_fleet_sign_ack(f, m, &ack, message);
	if (len <= 0)
		return false;
	e = meter_keep_add(k, m, message, (size_t) len, LEAF_ACK);
	if (e == NULL || !meter_keep_sync(k))
		return false;
	meter_keep_first(k, e);
	if (!f->options->quiet)
		printf("%s: command %" PRId64 " %s%s%s\n", m->name, counter, ack_result_name(result),
			   detail[0] != '\0' ? ": " : "", detail);
	return true;
}

/* What waits for the same thing, for no earlier time, is not done any more. */
static bool
command_supersede(meter_fleet *f, meter_keep *k, meter *m, const command *c, int64_t not_before_ms)
{
	meter_orders *o = m->orders;
	char		thing[COMMAND_THING_LEN_MAX + 1];

	command_thing(c, thing);
	for (int i = o->held_count - 1; i >= 0; i--)
	{
		held_command h = o->held[i];
		char		other[COMMAND_THING_LEN_MAX + 1];

		command_thing(&h.what, other);
		if (strcmp(thing, other) != 0 || h.not_before_ms < not_before_ms)
			continue;
		meter_orders_drop(o, i);
		if (!command_answer(f, k, m, h.id, h.counter, ACK_SUPERSEDED, ""))
			return false;
	}
	return true;
}

/* The one that waits and is named by a cancellation. */
static bool
command_cancel_held(meter_fleet *f, meter_keep *k, meter *m, const char *id, const char **detail)
{
	int			i = meter_orders_find(m->orders, id);
	int64_t		counter;

	*detail = i < 0 ? "it does not wait here" : "";
	if (i < 0)
		return true;
	counter = m->orders->held[i].counter;
	meter_orders_drop(m->orders, i);
	return command_answer(f, k, m, id, counter, ACK_CANCELLED, "");
}

static bool
command_hold(meter_fleet *f, meter_keep *k, meter *m, const command_note *n, const command *c)
{
	meter_orders *o = m->orders;
	held_command *h;

	meter_orders_remember(o, n->counter);
	if (o->held_count == ORDERS_HELD_MAX)
		return command_answer(f, k, m, n->id, n->counter, ACK_FAILED, "too many commands wait already");
	h = &o->held[o->held_count++];
	*h = (held_command) {.counter = n->counter, .not_before_ms = n->not_before_ms, .expires_ms = n->expires_ms, .what = *c};
	strcpy(h->id, n->id);
	return command_answer(f, k, m, n->id, n->counter, ACK_SCHEDULED, "");
}

/* A command with a counter above the last. */
static bool
command_take_new(meter_fleet *f, meter_keep *k, meter *m, const command_note *n)
{
	char		said[ACK_DETAIL_LEN_MAX + 1] = "";
	const char *detail = said;
	int64_t		now_ms = meter_clock_ms();
	ack_result	result;
	command		c;
	const char *wrong = command_parse_canonical(n->command, strlen(n->command), &c);

	if (wrong != NULL)
	{
		meter_orders_remember(m->orders, n->counter);
		return command_answer(f, k, m, n->id, n->counter, ACK_MALFORMED, wrong);
	}
	if (now_ms >= n->expires_ms)
	{
		meter_orders_remember(m->orders, n->counter);
		return command_answer(f, k, m, n->id, n->counter, ACK_EXPIRED, "");
	}
	if (!command_supersede(f, k, m, &c, n->not_before_ms))
		return false;
	if (now_ms < n->not_before_ms)
		return command_hold(f, k, m, n, &c);
	if (c.type == COMMAND_CANCEL)
	{
		if (!command_cancel_held(f, k, m, c.id, &detail))
			return false;
		result = ACK_DONE;
	}
	else
		result = meter_orders_apply(m->orders, &c, now_ms, said);
	meter_orders_remember(m->orders, n->counter);
	return command_answer(f, k, m, n->id, n->counter, result, detail);
}

/* The operator's key that signed it, and its text; NULL: none of ours. */
static const note_key *
command_signed_by(const meter_options *o, const char *note, size_t len, size_t *text_len)
{
	for (int i = 0; i < o->operator_key_count; i++)
		if (note_verify(note, len, &o->operator_key[i], text_len) == NOTE_VALID)
			return &o->operator_key[i];
	return NULL;
}

/* Is the key the operator's of the log that the note names? */
static bool
command_key_fits(const note_key *key, const char *origin)
{
	size_t		len = strlen(origin);

	return strncmp(key->name, origin, len) == 0 && strcmp(key->name + len, OPERATOR_KEY_SUFFIX) == 0;
}

downlink_verdict
meter_command_take(meter_fleet *f, meter_keep *k, meter *m, const char *note, size_t len)
{
	command_note n;
	meter_orders *o;
	size_t		text_len = 0;
	char		detail[64];
	const note_key *key = command_signed_by(f->options, note, len, &text_len);

	if (key == NULL || !command_note_parse(note, text_len, &n) || strcmp(n.meter, m->name) != 0 ||
		!command_key_fits(key, n.origin))
		return DOWNLINK_NOT_BELIEVED;
	o = meter_orders_of(m);
	if (strcmp(o->operator_name, key->name) != 0)
	{
		/* another log's operator counts anew */
		strcpy(o->operator_name, key->name);
		o->counter = 0;
		o->taken = 0;
	}
	if (n.counter > o->counter)
		return command_take_new(f, k, m, &n) ? DOWNLINK_TAKEN : DOWNLINK_FAILED;
	if (meter_orders_knows(o, n.counter))
		return DOWNLINK_KNOWN;
	meter_orders_remember(o, n.counter);
	snprintf(detail, sizeof(detail), "%" PRId64 " was taken before", o->counter);
	return command_answer(f, k, m, n.id, n.counter, ACK_OLD_COUNTER, detail) ? DOWNLINK_TAKEN : DOWNLINK_FAILED;
}

bool
meter_command_due(meter_fleet *f, meter_keep *k, meter *m)
{
	int64_t		now_ms = meter_clock_ms();

	for (int i = 0; m->orders != NULL && i < m->orders->held_count;)
	{
		held_command h = m->orders->held[i];
		char		detail[ACK_DETAIL_LEN_MAX + 1] = "";
		ack_result	result = ACK_EXPIRED;

		if (now_ms < h.not_before_ms)
		{
			i++;
			continue;
		}
		if (now_ms < h.expires_ms)
			result = meter_orders_apply(m->orders, &h.what, now_ms, detail);
		meter_orders_drop(m->orders, i);
		if (!command_answer(f, k, m, h.id, h.counter, result, detail))
			return false;
	}
	return true;
}

downlink_verdict
meter_resend_take(meter_fleet *f, meter_keep *k, meter *m, const char *note, size_t len, int64_t *again)
{
	const note_key *site = &f->options->site_key;
	resend_note n;
	size_t		text_len = 0;

	*again = 0;
	if (!f->options->has_site_key || note_verify(note, len, site, &text_len) != NOTE_VALID ||
		!resend_note_parse(note, text_len, &n) || strcmp(n.meter, m->name) != 0 || strcmp(n.origin, site->name) != 0)
		return DOWNLINK_NOT_BELIEVED;
	/* each is answered once: whoever replays it must not make us send for ever */
	if (n.asked_ms <= m->asked_ms)
		return DOWNLINK_KNOWN;
	m->asked_ms = n.asked_ms;
	for (int i = n.range_count - 1; i >= 0; i--)
		*again += meter_keep_again(k, m, n.range[i].epoch, (uint64_t) n.range[i].from_seq, (uint64_t) n.range[i].to_seq);
	return DOWNLINK_TAKEN;
}
