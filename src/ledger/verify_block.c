/*
 * verify_block.c: what a block's signed checkpoint decides.
 *
 * At a block the log pass holds two trees, one over the hashes that were stored and
 * one over those that the rows give, and a root that the site signed.  Whichever gives
 * that root is right, and what differs from it was changed.  The block's own row is
 * held against the chain, the clock and the stored frontier.
 */
#include "postgres.h"
#include "compat.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "ledger/verify_log.h"

/* Clocks are corrected in small steps: so much is tolerated. */
#define CLOCK_TOLERANCE_US (INT64CONST(1) * 1000 * 1000)

static const char *
log_time(int64 unix_us)
{
	return pstrdup(timestamptz_to_str(unix_us - log_unix_us(0)));
}

/* The signed checkpoint of a block; false (and a finding) where it is not one. */
static bool
log_check_note(LogPass *p, uint64 height, const Datum *values, const bool *nulls,
			   note_checkpoint *checkpoint)
{
	note_key	key;
	const char *origin = NULL;
	char	   *note = nulls[AT_NOTE] ? pstrdup("") : TextDatumGetCString(values[AT_NOTE]);
	size_t		text_len;
	bool		exists = false;
	bool		usable = !nulls[AT_INCARNATION] && !nulls[AT_KEY_NUMBER] &&
		keys_find(p->v->keys, DatumGetInt32(values[AT_INCARNATION]), DatumGetInt32(values[AT_KEY_NUMBER]),
				  &key, &exists, &origin);

	if (!exists)
	{
		verify_finding(&p->v->findings, "energyledger.block", (int64) height, "site_missing",
					   "the incarnation that sealed the block, with its key", NULL);
		return false;
	}
	if (!usable || note_verify(note, strlen(note), &key, &text_len) != NOTE_VALID ||
		!note_checkpoint_parse(note, text_len, checkpoint) ||
		strcmp(checkpoint->origin, key.name) != 0)
	{
		verify_finding(&p->v->findings, "energyledger.block", (int64) height, "checkpoint_signature",
					   psprintf("a checkpoint signed by %s", origin), "none that verifies");
		return false;
	}
	return true;
}

static void
log_check_chain(LogPass *p, const encode_block *b, uint64 index)
{
	Findings   *f = &p->v->findings;

	if (b->height != p->v->log.height + 1)
		verify_finding(f, "energyledger.block", (int64) b->height, "block_height",
					   verify_number(p->v->log.height + 1), verify_number(b->height));
	if (memcmp(b->previous_block_hash, p->block_hash, MERKLE_HASH_LEN) != 0)
		verify_finding(f, "energyledger.block", (int64) b->height, "block_chain",
					   verify_hex(p->block_hash), verify_hex(b->previous_block_hash));
	if (b->first_index != p->batch_first || b->first_index + b->count != index)
		verify_finding(f, "energyledger.block", (int64) b->height, "block_range",
					   psprintf("leaves " UINT64_FORMAT " to " UINT64_FORMAT, p->batch_first, index),
					   psprintf("leaves " UINT64_FORMAT " to " UINT64_FORMAT, b->first_index,
								b->first_index + b->count));
}

/*
 * Times only go forward: what a block took was written before it was sealed, and
 * after the block before came this one.  Clocks are corrected in small steps: those
 * are tolerated.
 */
static void
log_check_clock(LogPass *p, const encode_block *b)
{
	if (p->v->log.height > 0 && b->sealed_at_us < p->v->log.sealed_at_us - CLOCK_TOLERANCE_US)
		verify_finding(&p->v->findings, "energyledger.block", (int64) b->height, "clock_set_back",
					   psprintf("sealed at %s or later", log_time(p->v->log.sealed_at_us)),
					   log_time(b->sealed_at_us));
	if (p->latest_ref >= 0 && p->latest_us > b->sealed_at_us + CLOCK_TOLERANCE_US)
		verify_finding(&p->v->findings, log_kind_table(p->latest_kind), p->latest_ref, "clock_set_back",
					   psprintf("made at %s or earlier, when it was sealed", log_time(b->sealed_at_us)),
					   log_time(p->latest_us));
}

static bool
log_frontier_gives(const merkle_frontier *frontier, const note_checkpoint *checkpoint)
{
	uint8		root[MERKLE_HASH_LEN];

	merkle_frontier_root(frontier, root);
	return frontier->size == checkpoint->size && memcmp(root, checkpoint->root, MERKLE_HASH_LEN) == 0;
}

/* Row or stored hash?  The signed root has decided; where there is none, the hash is named. */
static void
log_name_suspects(LogPass *p, bool stored_is_right)
{
	for (int i = 0; i < p->suspect_count; i++)
	{
		const LogSuspect *s = &p->suspect[i];
		char	   *stored = s->has_stored ? verify_hex(s->stored) : NULL;

		if (stored_is_right && s->has_stored)
			verify_finding(&p->v->findings, log_kind_table(s->kind), s->ref,
						   log_kind_finding(s->kind, "changed"), stored, verify_hex(s->computed));
		else
			verify_finding(&p->v->findings, "energyledger.leaf_run", (int64) s->index, "leaf_hash",
						   verify_hex(s->computed), stored);
	}
	p->suspect_count = 0;
}

static void
log_name_subtrees(LogPass *p, bool known, bool stored_is_right)
{
	for (int i = 0; i < p->subtree_count; i++)
	{
		const LogSubtree *s = &p->subtree[i];

		subtree_compare(p->subtrees, s->level, s->index,
						!known ? NULL : stored_is_right ? s->stored : s->computed);
	}
	p->subtree_count = 0;
}

/* What the block keeps of the tree; false where it is not what was signed. */
static bool
log_check_frontier(LogPass *p, uint64 height, const Datum *values, const bool *nulls,
				   const note_checkpoint *checkpoint, merkle_frontier *frontier)
{
	bytea	   *stored = nulls[AT_FRONTIER] ? NULL : DatumGetByteaPP(values[AT_FRONTIER]);
	uint8		root[MERKLE_HASH_LEN];

	if (stored == NULL ||
		!merkle_frontier_load(frontier, (uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored)))
	{
		verify_finding(&p->v->findings, "energyledger.block", (int64) height, "frontier",
					   "a frontier", "other bytes");
		return false;
	}
	if (log_frontier_gives(frontier, checkpoint))
		return true;
	merkle_frontier_root(frontier, root);
	verify_finding(&p->v->findings, "energyledger.block", (int64) height, "frontier",
				   verify_hex(checkpoint->root), verify_hex(root));
	return false;
}

static void
log_root_finding(LogPass *p, uint64 height, const note_checkpoint *checkpoint)
{
	const merkle_frontier *found = p->diverged && !p->computed_broken ? &p->computed : &p->stored;
	uint8		root[MERKLE_HASH_LEN];

	if (p->stored_broken && found == &p->stored)
		return;					/* what is missing has been told */
	merkle_frontier_root(found, root);
	verify_finding(&p->v->findings, "energyledger.block", (int64) height, "log_root",
				   psprintf("%s over " UINT64_FORMAT " leaves", verify_hex(checkpoint->root), checkpoint->size),
				   psprintf("%s over " UINT64_FORMAT " leaves", verify_hex(root), found->size));
}

/* The block's signed root against both frontiers; afterwards they are one again. */
static void
log_check_root(LogPass *p, uint64 height, const Datum *values, const bool *nulls)
{
	note_checkpoint checkpoint;
	merkle_frontier kept;
	bool		signed_root = log_check_note(p, height, values, nulls, &checkpoint);
	bool		stored = signed_root && !p->stored_broken && log_frontier_gives(&p->stored, &checkpoint);
	bool		computed = signed_root && !p->computed_broken && p->diverged &&
		log_frontier_gives(&p->computed, &checkpoint);

	log_name_suspects(p, stored);
	log_name_subtrees(p, stored || computed || !p->diverged, stored || !p->diverged);
	if (signed_root && !stored && !computed)
		log_root_finding(p, height, &checkpoint);
	if (signed_root && log_check_frontier(p, height, values, nulls, &checkpoint, &kept))
		p->stored = kept;
	else if (!stored && p->diverged && (computed || !p->computed_broken))
		p->stored = p->computed;
	p->diverged = p->stored_broken = p->computed_broken = false;
}

void
log_check_block(LogPass *p, const LogLeaf *leaf, const Datum *values, const bool *nulls)
{
	encode_block b;
	uint8		hash[MERKLE_HASH_LEN];

	if (!log_read_block(values, nulls, &b))
	{
		log_broken_leaf(p, leaf, "malformed");
		return;
	}
	log_block_hash(&b, hash);
	log_append(p, leaf, hash);
	log_check_chain(p, &b, leaf->index);
	log_check_clock(p, &b);
	log_check_root(p, b.height, values, nulls);
	memcpy(p->block_hash, hash, MERKLE_HASH_LEN);
	p->v->log.height = b.height;
	p->v->log.size = leaf->index + 1;
	p->v->log.sealed_at_us = b.sealed_at_us;
	p->batch_first = leaf->index + 1;
	p->latest_ref = -1;
}

void
log_undecided(LogPass *p)
{
	log_name_suspects(p, false);
	log_name_subtrees(p, false, false);
}
