/*
 * verify_note.c: energyledger-verify note, and checkpoints.
 *
 * Two checkpoints of one log say that the log only grew, if hashes lead from one root to
 * the other.  The hashes need no trust: wrong ones lead nowhere.  What cannot be had
 * without them is a verdict, and then none is given.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "verify_tiles.h"

verify_status
verify_note(const verify_options *o)
{
	verify_buffer b = {0};
	note_result result = NOTE_UNSIGNED;
	note_checkpoint c;
	size_t		text_len = 0;
	const note_key *key = NULL;
	verify_status status = verify_need_note(o->operand[0], &b);

	if (status != VERIFY_OK)
		return status;
	for (int i = 0; i < o->key_count && result == NOTE_UNSIGNED; i++)
	{
		key = &o->key[i];
		result = note_verify((char *) b.data, b.len, key, &text_len);
	}
	switch (result)
	{
		case NOTE_VALID:
			report_string("signed_by", key->name);
			if (note_checkpoint_parse((char *) b.data, text_len, &c) && strcmp(c.origin, key->name) == 0)
			{
				report_number("log_size", c.size);
				report_hash("log_root", c.root);
			}
			else
				report_text("text", (char *) b.data, text_len);
			status = report_end(VERIFY_OK, "valid", "signed by %s", key->name);
			break;
		case NOTE_INVALID:
			status = report_end(VERIFY_NOT, "wrong_signature", "the signature of %s is wrong", key->name);
			break;
		case NOTE_UNSIGNED:
			status = report_end(VERIFY_NOT, "other_key", "signed by none of the keys");
			break;
		case NOTE_MALFORMED:
			status = report_end(VERIFY_NOT, "note_malformed", "this is not a signed note");
			break;
	}
	free(b.data);
	return status;
}

/* One of the two, its signature checked. */
static verify_status
read_checkpoint(const verify_options *o, const char *path, note_checkpoint *c)
{
	verify_buffer b = {0};
	log_check_result result;
	verify_status status = verify_need_note(path, &b);

	if (status != VERIFY_OK)
		return status;
	result = log_check_note(o->key, o->key_count, (char *) b.data, b.len, c);
	free(b.data);
	if (result != LOG_CHECK_OK)
		return report_end(VERIFY_NOT, log_check_name(result), "\"%s\": %s", path, log_check_sentence(result));
	return VERIFY_OK;
}

static verify_status
read_proof(const char *path, uint8_t proof[MERKLE_PATH_MAX][MERKLE_HASH_LEN], size_t *count)
{
	verify_buffer b = {0};
	verify_status status = verify_need_file(path, NOTE_BYTES_MAX, &b);
	const char *at = (const char *) b.data;

	if (status != VERIFY_OK)
		return status;
	for (*count = 0; *at != '\0'; (*count)++)
	{
		size_t		len = strcspn(at, "\n");
		size_t		n;

		if (*count == MERKLE_PATH_MAX || !base64_decode(at, len, proof[*count], MERKLE_HASH_LEN, &n) ||
			n != MERKLE_HASH_LEN)
		{
			status = report_end(VERIFY_NOT, "proof_malformed",
								"\"%s\": line %zu is not the base64 of a hash", path, *count + 1);
			break;
		}
		at += len + (at[len] == '\n' ? 1 : 0);
	}
	free(b.data);
	return status;
}

/* The proof out of a folder's tiles. */
static verify_status
make_proof(const verify_options *o, uint64_t size1, uint64_t size2,
		   uint8_t proof[MERKLE_PATH_MAX][MERKLE_HASH_LEN], size_t *count)
{
	static tiles_folder tiles;
	char		path[VERIFY_PATH_MAX];
	note_checkpoint c;
	merkle_range range[MERKLE_PATH_MAX];
	int			n;
	verify_status status;

	snprintf(path, sizeof(path), "%s/checkpoint", o->tiles_dir);
	status = read_checkpoint(o, path, &c);
	if (status != VERIFY_OK)
		return status;
	if (c.size < size2)
		return report_end(VERIFY_UNKNOWN, "folder_too_small",
						  "the folder's log has %llu leaves, NEW's %llu: export it again",
						  (unsigned long long) c.size, (unsigned long long) size2);
	tiles_open(&tiles, o->tiles_dir, c.size);
	if (!merkle_path_consistency(size1, size2, range, &n))
		return VERIFY_OK;		/* not reached: sizes have been compared */
	for (int i = 0; i < n; i++)
	{
		if (!merkle_path_root(range[i], tiles_source, &tiles, proof[i]))
			return report_end(VERIFY_UNKNOWN, "unreadable", "could not read \"%s\"", tiles.missing);
	}
	*count = (size_t) n;
	return VERIFY_OK;
}

verify_status
verify_checkpoints(const verify_options *o)
{
	note_checkpoint before;
	note_checkpoint after;
	uint8_t		proof[MERKLE_PATH_MAX][MERKLE_HASH_LEN];
	size_t		count = 0;
	merkle_result result;
	verify_status status = read_checkpoint(o, o->operand[0], &before);

	if (status == VERIFY_OK)
		status = read_checkpoint(o, o->operand[1], &after);
	if (status != VERIFY_OK)
		return status;
	report_number("old_size", before.size);
	report_number("new_size", after.size);
	/* a log that was opened anew goes on under another name: the hashes say whether it is the same */
	report_string("old_origin", before.origin);
	report_string("origin", after.origin);
	if (before.size > after.size)
		return report_end(VERIFY_NOT, "smaller", "NEW is smaller than OLD");
	if (o->proof_file != NULL)
		status = read_proof(o->proof_file, proof, &count);
	else if (o->tiles_dir != NULL)
		status = make_proof(o, before.size, after.size, proof, &count);
	else if (before.size != after.size && before.size != 0)
		status = report_end(VERIFY_UNKNOWN, "no_proof", "without --proof or --tiles there is no telling");
	if (status != VERIFY_OK)
		return status;
	result = merkle_verify_consistency(before.size, after.size,
									   (const uint8_t (*)[MERKLE_HASH_LEN]) proof, count,
									   before.root, after.root);
	if (result == MERKLE_VALID)
		return report_end(VERIFY_OK, "consistent", "the log only grew, from %llu leaves to %llu",
						  (unsigned long long) before.size, (unsigned long long) after.size);
	if (before.size == after.size && count == 0)
		return report_end(VERIFY_NOT, "fork", "two logs of one size: the roots differ");
	return report_end(VERIFY_NOT, result == MERKLE_MALFORMED ? "proof_malformed" : "inconsistent",
					  result == MERKLE_MALFORMED ? "no such trees have a proof of %zu hashes" :
					  "%zu hashes do not lead from OLD's root to NEW's", count);
}
