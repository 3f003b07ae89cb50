/*
 * meter_run.c: the playing itself: sign, keep, publish, hear receipts and commands, send again.
 *
 * A run ends well in one way only: everything is signed and nothing is kept any
 * more, because receipts of the site have covered it all.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter.h"

#define SIGN_BATCH_MAX 256		/* messages that share one sync of the state */
#define PROGRESS_EVERY_MS 250
#define WAIT_MS_MAX 50

typedef struct run_state
{
	meter_fleet *fleet;
	meter_keep *keep;
	const meter_options *options;
	meter_link *link;
	FILE	   *dump;
	int64_t		started_ms;
	int64_t		progress_ms;
	uint64_t	generation;
	bool		all_signed;
	bool		failed;			/* an error was printed: give up */
	int64_t		signed_count;
	int64_t		sent_count;
	int64_t		resent_count;
	int64_t		damaged_count;
	int64_t		receipted_count;
	int64_t		receipts_heard;
	int64_t		receipts_bad;	/* not signed by the site, or not of our bytes */
	int64_t		commands_taken;
	int64_t		downlink_bad;	/* commands and requests not signed by the right key */
	int64_t		asked_again;	/* messages that a request named */
} run_state;

static volatile sig_atomic_t stop_wanted;

static void
on_stop_signal(int signal_number)
{
	stop_wanted = 1;
}

static void
run_take_receipt(run_state *r, meter *m, const char *topic_text, const void *data, size_t len)
{
	meter_receipt receipt;
	int64_t		let_go;

	r->receipts_heard++;
	if (!meter_receipt_parse(data, len, &r->options->site_key, &receipt) ||
		strcmp(receipt.meter, m->name) != 0 ||
		meter_keep_receipt(r->keep, m, receipt.epoch, receipt.seq, receipt.digest, &let_go) == KEEP_MISMATCH)
	{
		if (r->receipts_bad++ == 0)
			meter_error("a receipt on %s is not the site's, or not of what was sent", topic_text);
		return;
	}
	r->receipted_count += let_go;
}

/* Whatever else comes down.  What is to be said to it is kept and sent by the loop, not here. */
static void
run_take_downlink(run_state *r, meter *m, const topic *t, const void *data, size_t len)
{
	downlink_verdict verdict;
	int64_t		again = 0;

	if (strcmp(t->leaf, "cmd") == 0 && r->options->operator_key_count > 0)
		verdict = meter_command_take(r->fleet, r->keep, m, data, len);
	else if (strcmp(t->leaf, "resend") == 0 && r->options->has_site_key)
		verdict = meter_resend_take(r->fleet, r->keep, m, data, len, &again);
	else
		return;
	r->asked_again += again;
	if (verdict == DOWNLINK_TAKEN && again == 0)
		r->commands_taken += strcmp(t->leaf, "cmd") == 0;
	else if (verdict == DOWNLINK_FAILED)
		r->failed = true;
	else if (verdict == DOWNLINK_NOT_BELIEVED && r->downlink_bad++ == 0)
		meter_error("a message on el/v1/%s/%s/%s/down/%s is not signed by the right key, or not for this meter",
					t->tenant, t->shard, t->meter, t->leaf);
}

static void
run_on_message(void *context, const char *topic_text, const void *data, size_t len)
{
	run_state  *r = context;
	topic		t;
	meter	   *m;

	if (!topic_parse(topic_text, strlen(topic_text), &t) || (m = meter_fleet_find(r->fleet, t.meter)) == NULL)
		return;					/* another fleet's */
	if (strcmp(t.leaf, "receipt") != 0)
		run_take_downlink(r, m, &t, data, len);
	else if (r->options->has_site_key)
		run_take_receipt(r, m, topic_text, data, len);
}

/* What was to be done later. */
static void
run_due(run_state *r)
{
	for (int i = 0; i < r->fleet->count && !r->failed; i++)
		if (r->fleet->meters[i].orders != NULL)
			r->failed = !meter_command_due(r->fleet, r->keep, &r->fleet->meters[i]);
}

/*
 * One bit of the signature, so that the message arrives as what it is not:
 * a well-formed message that nobody signed.
 */
static void
damage(uint8_t *data, size_t len, envelope_kind format)
{
	uint8_t    *p = data + len - 10;

	if (format == ENVELOPE_COSE_SIGN1)
	{
		*p ^= 1;
		return;
	}
	/* Of a letter or digit some bit leads to another one: still base64url. */
	for (int bit = 1; bit < 64; bit <<= 1)
	{
		uint8_t		c = (uint8_t) (*p ^ bit);

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		{
			*p = c;
			return;
		}
	}
	*p = *p == '-' ? '_' : '-';
}

static bool
run_publish(run_state *r, kept *e)
{
	const meter_options *o = r->options;
	char		to[TOPIC_LEN_MAX];
	bool		sent;

	meter_fleet_topic(r->fleet, e->whose, e->leaf, to);
	if (e->attempts == 0)
		r->sent_count++;
	else
		r->resent_count++;
	if (e->attempts == 0 && o->flip_bit_every > 0 && r->sent_count % o->flip_bit_every == 0)
	{
		uint8_t		bad[MESSAGE_BYTES_MAX];

		memcpy(bad, e->data, e->len);
		damage(bad, e->len, o->format);
		r->damaged_count++;
		sent = meter_link_publish(r->link, to, bad, e->len);
	}
	else
		sent = meter_link_publish(r->link, to, e->data, e->len);
	if (sent)
		meter_keep_sent(r->keep, e, meter_now_ms());
	return sent;
}

/* Whatever waited too long for its receipt. */
static void
run_resend(run_state *r)
{
	int64_t		now = meter_now_ms();

	while (r->keep->first != NULL && meter_link_room(r->link))
	{
		kept	   *e = r->keep->first;

		if (e->sent_ms != KEPT_UNSENT && now - e->sent_ms < r->options->resend_after_ms)
			break;
		if (!run_publish(r, e))
			break;
	}
}

/* How many may be signed now: the window's, the rate's and a batch's limit. */
static int64_t
run_allowance(run_state *r)
{
	int64_t		n = r->options->window - r->keep->count;

	if (r->options->rate_per_s > 0)
	{
		int64_t		due = 1 + (int64_t) ((double) (meter_now_ms() - r->started_ms) *
										 r->options->rate_per_s / 1000.0);

		if (due - r->signed_count < n)
			n = due - r->signed_count;
	}
	return n > SIGN_BATCH_MAX ? SIGN_BATCH_MAX : n;
}

static void
run_dump(run_state *r, const meter *m)
{
	fprintf(r->dump, "%s %" PRIu32 " %" PRIu64 " ", m->name, m->epoch, m->last_seq);
	for (int i = 0; i < SHA256_LEN; i++)
		fprintf(r->dump, "%02x", m->last_digest[i]);
	fputc('\n', r->dump);
}

/* Sign some, put them safely away, then publish them. */
static void
run_sign_and_send(run_state *r)
{
	uint8_t		message[MESSAGE_BYTES_MAX];
	kept	   *batch[SIGN_BATCH_MAX];
	int			count = 0;
	int64_t		allowed = run_allowance(r);

	while (count < allowed && !r->all_signed)
	{
		meter	   *m;
		meter_leaf	leaf;
		int			len = meter_fleet_sign_next(r->fleet, message, &m, &leaf);

		if (len > 0)
			batch[count] = meter_keep_add(r->keep, m, message, (size_t) len, leaf);
		r->all_signed = len == 0;
		r->failed = len < 0 || (len > 0 && batch[count] == NULL);
		if (len <= 0 || r->failed)
			break;
		count++;
		r->signed_count++;
		if (r->dump != NULL)
			run_dump(r, m);
	}
	if (count == 0 || r->failed || !meter_keep_sync(r->keep))
		return;
	for (int i = 0; i < count; i++)
	{
		if (!run_publish(r, batch[i]))
			return;				/* the reconnect sends what is left */
	}
}

static void
run_progress(run_state *r, bool last)
{
	int64_t		now = meter_now_ms();

	if (r->options->quiet || !isatty(STDERR_FILENO) || (!last && now - r->progress_ms < PROGRESS_EVERY_MS))
		return;
	r->progress_ms = now;
	fprintf(stderr, "\r\033[K");
	if (!last)
		fprintf(stderr, "signed %" PRId64 ", receipted %" PRId64 ", kept %" PRId64,
				r->signed_count, r->receipted_count, r->keep->count);
}

/* Without receipts the broker's acknowledgement is the end of a message. */
static void
run_forget_acknowledged(run_state *r)
{
	if (meter_link_unacknowledged(r->link) > 0)
		return;
	for (int i = 0; i < r->fleet->count; i++)
	{
		meter	   *m = &r->fleet->meters[i];
		int64_t		let_go;

		if (m->newest != NULL && m->newest->sent_ms != KEPT_UNSENT)
		{
			(void) meter_keep_receipt(r->keep, m, m->newest->epoch, m->newest->seq,
									  m->newest->digest, &let_go);
			r->receipted_count += let_go;
		}
	}
}

static int
run_summary(run_state *r)
{
	int64_t		ms = meter_now_ms() - r->started_ms;
	const char *covered = r->options->no_receipt ? "acknowledged by the broker" : "receipted";

	run_progress(r, true);
	if (!r->options->quiet)
		printf("%d meters: %" PRId64 " messages signed, %" PRId64 " sent again, %" PRId64
			   " damaged on purpose, %" PRId64 " %s, in %" PRId64 ".%03" PRId64 " s\n",
			   r->fleet->count, r->signed_count, r->resent_count, r->damaged_count,
			   r->receipted_count, covered, ms / 1000, ms % 1000);
	if (r->receipts_bad > 0)
		meter_error("%" PRId64 " of %" PRId64 " receipts were not believed",
					r->receipts_bad, r->receipts_heard);
	if (!r->options->quiet && r->options->operator_key_count > 0)
		printf("%" PRId64 " commands answered, %" PRId64 " not believed, %" PRId64 " messages asked for again\n",
			   r->commands_taken, r->downlink_bad, r->asked_again);
	if (r->all_signed && r->keep->count == 0 && !r->failed)
		return 0;
	meter_error("%" PRId64 " messages have no receipt%s%s", r->keep->count,
				r->all_signed ? "" : ", and not everything was signed",
				stop_wanted ? " (stopped by a signal)" : "");
	return 1;
}

static void
run_loop(run_state *r)
{
	const meter_options *o = r->options;

	while (!stop_wanted && !r->failed &&
		   !(r->all_signed && r->keep->count == 0 && meter_now_ms() - r->started_ms >= o->listen_s * 1000))
	{
		bool		busy = !r->all_signed && r->keep->count < o->window && meter_link_room(r->link) &&
			o->rate_per_s == 0;

		if (o->timeout_s > 0 && meter_now_ms() - r->started_ms > o->timeout_s * 1000)
		{
			meter_error("gave up after %" PRId64 " s", o->timeout_s);
			return;
		}
		run_progress(r, false);
		if (!meter_link_turn(r->link, busy ? 0 : (o->rate_per_s > 0 ? 1 : WAIT_MS_MAX)))
			continue;
		if (meter_link_generation(r->link) != r->generation)
		{
			r->generation = meter_link_generation(r->link);
			meter_keep_all_unsent(r->keep);
		}
		if (o->operator_key_count > 0)
			run_due(r);
		if (r->failed)
			return;
		if (!o->no_receipt || r->keep->first == NULL || r->keep->first->sent_ms == KEPT_UNSENT)
			run_resend(r);
		if (meter_link_room(r->link))
			run_sign_and_send(r);
		if (o->no_receipt)
			run_forget_acknowledged(r);
	}
}

int
meter_run(meter_fleet *f, meter_keep *k, const meter_options *o)
{
	run_state	r = {.fleet = f, .keep = k, .options = o};
	struct sigaction action = {.sa_handler = on_stop_signal};
	int			status;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (o->dump_file != NULL && (r.dump = fopen(o->dump_file, "a")) == NULL)
	{
		meter_error("could not open \"%s\"", o->dump_file);
		return 1;
	}
	r.link = meter_link_new(o, run_on_message, &r);
	if (r.link == NULL)
		return 1;
	r.started_ms = meter_now_ms();
	run_loop(&r);
	status = run_summary(&r);
	meter_link_free(r.link);
	if (r.dump != NULL && fclose(r.dump) != 0)
	{
		meter_error("could not write \"%s\"", o->dump_file);
		status = 1;
	}
	return status;
}
