/*
 * outcome.c: what an auction comes to: the engine's result, and what it netted.
 */
#include "postgres.h"
#include "compat.h"

#include "utils/memutils.h"

#include "market/outcome.h"

const char *
outcome_reason_name(LapseReason reason)
{
	static const char *const name[] = {"netted", "dropped", "expired", "cancelled"};

	return name[reason];
}

void
outcome_lapse(Outcome *out, uint32 position, LapseReason reason, int64 energy)
{
	if (out->lapses == out->lapses_size)
	{
		out->lapses_size = Max(256, 2 * out->lapses_size);
		out->lapse = out->lapse == NULL ? palloc_extended(out->lapses_size * sizeof(OutcomeLapse), MCXT_ALLOC_HUGE) :
			repalloc_huge(out->lapse, out->lapses_size * sizeof(OutcomeLapse));
	}
	out->lapse[out->lapses++] = (OutcomeLapse) {position, (uint8) reason, energy};
}

Outcome *
outcome_of_auction(Book *book, const char *method, Jsonb *options)
{
	Outcome    *out = palloc0(sizeof(*out));
	MatchRule	rule;

	match_rule_read(&rule, method, options);
	match_input_hash(book->in, method, options, out->input_hash);
	out->result = *match_run(book->in, &rule);
	for (uint32 i = 0; i < book->in->count; i++)
	{
		if (out->result.netted[i] > 0)
			outcome_lapse(out, i, LAPSE_NETTED, out->result.netted[i]);
	}
	return out;
}
