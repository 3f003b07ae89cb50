/*
 * merkle.c: hashes, frontiers and proof checks of one RFC 6962 tree.
 *
 * The same code serves the rows of an entry and the log as a whole.  Appending
 * merges equal-sized subtrees as binary addition carries, so a leaf costs one
 * node hash on average; the root folds the frontier from its smallest subtree
 * up.  The proof checks follow the iterative algorithms of RFC 9162: they touch
 * each hash of the proof once, tell a proof of the wrong length from one that
 * leads elsewhere, and allocate nothing.
 */
#include "core/merkle.h"

#include <string.h>

#include "core/bytes.h"
#include "core/sha256.h"

#define MERKLE_NODE_BYTES (1 + 2 * MERKLE_HASH_LEN)
#define MERKLE_NODES_AT_ONCE 16

void
merkle_leaf_hash(const void *data, size_t len, uint8_t out[MERKLE_HASH_LEN])
{
	static const uint8_t prefix = 0x00;

	sha256_of_two(&prefix, 1, data, len, out);
}

void
merkle_node_hash(const uint8_t left[MERKLE_HASH_LEN],
				 const uint8_t right[MERKLE_HASH_LEN],
				 uint8_t out[MERKLE_HASH_LEN])
{
	uint8_t		buf[MERKLE_NODE_BYTES];

	buf[0] = 0x01;
	memcpy(buf + 1, left, MERKLE_HASH_LEN);
	memcpy(buf + 1 + MERKLE_HASH_LEN, right, MERKLE_HASH_LEN);
	sha256_of(buf, sizeof(buf), out);
}

void
merkle_frontier_init(merkle_frontier *f)
{
	f->size = 0;
}

/* size must be below 2^64 - 1: no caller can count that far. */
void
merkle_frontier_append(merkle_frontier *f, const uint8_t leaf_hash[MERKLE_HASH_LEN])
{
	uint8_t		carry[MERKLE_HASH_LEN];
	int			level = 0;

	memcpy(carry, leaf_hash, MERKLE_HASH_LEN);
	while ((f->size >> level) & 1)
	{
		uint8_t		parent[MERKLE_HASH_LEN];

		merkle_node_hash(f->node[level], carry, parent);
		memcpy(f->node[level], carry, MERKLE_HASH_LEN);
		memcpy(carry, parent, MERKLE_HASH_LEN);
		level++;
	}
	memcpy(f->node[level], carry, MERKLE_HASH_LEN);
	f->size++;
}

/*
 * The n parents of hash[], where first (if it is not NULL) is the left sibling of
 * hash[0].  out may be hash.
 */
static void
merkle_parents(const uint8_t *first, const uint8_t (*hash)[MERKLE_HASH_LEN], size_t n,
			   uint8_t (*out)[MERKLE_HASH_LEN])
{
	uint8_t		data[MERKLE_NODES_AT_ONCE][MERKLE_NODE_BYTES + SHA256_PAD_MAX];
	sha256_message message[MERKLE_NODES_AT_ONCE];
	size_t		from = 0;		/* next to become a child */
	size_t		done = 0;

	while (done < n)
	{
		size_t		batch = n - done < MERKLE_NODES_AT_ONCE ? n - done : MERKLE_NODES_AT_ONCE;

		for (size_t i = 0; i < batch; i++)
		{
			data[i][0] = 0x01;
			memcpy(data[i] + 1, first != NULL ? first : hash[from++], MERKLE_HASH_LEN);
			memcpy(data[i] + 1 + MERKLE_HASH_LEN, hash[from++], MERKLE_HASH_LEN);
			first = NULL;
			message[i].data = data[i];
			message[i].len = MERKLE_NODE_BYTES;
			message[i].out = out[done + i];	/* read already, if it is a child */
		}
		sha256_of_each(message, batch);
		done += batch;
	}
}

void
merkle_node_hashes(const uint8_t (*child)[MERKLE_HASH_LEN], size_t n, uint8_t (*out)[MERKLE_HASH_LEN])
{
	merkle_parents(NULL, child, n, out);
}

/* Level by level: the nodes of a level do not wait for each other. */
void
merkle_frontier_append_all(merkle_frontier *f, uint8_t (*leaf_hash)[MERKLE_HASH_LEN], size_t count)
{
	uint64_t	size = f->size;

	f->size += count;
	for (int level = 0; count > 0; level++)
	{
		bool		odd = (size >> level) & 1;
		uint8_t		left[MERKLE_HASH_LEN];
		size_t		parents = (count + odd) / 2;

		if (odd)
			memcpy(left, f->node[level], MERKLE_HASH_LEN);
		memcpy(f->node[level], leaf_hash[count - 1], MERKLE_HASH_LEN);
		merkle_parents(odd ? left : NULL, (const uint8_t (*)[MERKLE_HASH_LEN]) leaf_hash, parents, leaf_hash);
		count = parents;
	}
}

void
merkle_frontier_root(const merkle_frontier *f, uint8_t out[MERKLE_HASH_LEN])
{
	bool		have = false;

	if (f->size == 0)
	{
		sha256_of(NULL, 0, out);
		return;
	}
	for (int level = 0; level < MERKLE_LEVELS_MAX && (f->size >> level) != 0; level++)
	{
		if (((f->size >> level) & 1) == 0)
			continue;
		if (have)
			merkle_node_hash(f->node[level], out, out);
		else
			memcpy(out, f->node[level], MERKLE_HASH_LEN);
		have = true;
	}
}

size_t
merkle_frontier_store(const merkle_frontier *f, uint8_t out[MERKLE_FRONTIER_BYTES_MAX])
{
	size_t		len = 8;

	bytes_store_u64(out, f->size);
	for (int level = MERKLE_LEVELS_MAX - 1; level >= 0; level--)
	{
		if (((f->size >> level) & 1) == 0)
			continue;
		memcpy(out + len, f->node[level], MERKLE_HASH_LEN);
		len += MERKLE_HASH_LEN;
	}
	return len;
}

/* False where the bytes are not a frontier; f is then unspecified. */
bool
merkle_frontier_load(merkle_frontier *f, const uint8_t *data, size_t len)
{
	size_t		at = 8;

	if (len < 8)
		return false;
	f->size = bytes_load_u64(data);
	if (len != 8 + (size_t) __builtin_popcountll(f->size) * MERKLE_HASH_LEN)
		return false;
	for (int level = MERKLE_LEVELS_MAX - 1; level >= 0; level--)
	{
		if (((f->size >> level) & 1) == 0)
			continue;
		memcpy(f->node[level], data + at, MERKLE_HASH_LEN);
		at += MERKLE_HASH_LEN;
	}
	return true;
}

/* RFC 9162 section 2.1.3.2. */
merkle_result
merkle_verify_inclusion(const uint8_t leaf_hash[MERKLE_HASH_LEN],
						uint64_t index, uint64_t size,
						const uint8_t (*proof)[MERKLE_HASH_LEN], size_t proof_count,
						const uint8_t root[MERKLE_HASH_LEN])
{
	uint8_t		r[MERKLE_HASH_LEN];
	uint64_t	fn = index;
	uint64_t	sn;

	if (index >= size)
		return MERKLE_MALFORMED;
	sn = size - 1;
	memcpy(r, leaf_hash, MERKLE_HASH_LEN);
	for (size_t i = 0; i < proof_count; i++)
	{
		if (sn == 0)
			return MERKLE_MALFORMED;
		if ((fn & 1) || fn == sn)
		{
			merkle_node_hash(proof[i], r, r);
			while ((fn & 1) == 0 && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else
			merkle_node_hash(r, proof[i], r);
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return MERKLE_MALFORMED;
	return memcmp(r, root, MERKLE_HASH_LEN) == 0 ? MERKLE_VALID : MERKLE_INVALID;
}

/*
 * RFC 9162 section 2.1.4.2, and the two cases it leaves out, whose proof is
 * empty: a tree extends itself with the same root only, and any tree extends
 * the empty one, whose root is known.
 */
merkle_result
merkle_verify_consistency(uint64_t size1, uint64_t size2,
						  const uint8_t (*proof)[MERKLE_HASH_LEN], size_t proof_count,
						  const uint8_t root1[MERKLE_HASH_LEN],
						  const uint8_t root2[MERKLE_HASH_LEN])
{
	uint8_t		fr[MERKLE_HASH_LEN];
	uint8_t		sr[MERKLE_HASH_LEN];
	uint64_t	fn;
	uint64_t	sn;
	size_t		i = 0;

	if (size1 > size2)
		return MERKLE_MALFORMED;
	if (size1 == 0 || size1 == size2)
	{
		if (proof_count != 0)
			return MERKLE_MALFORMED;
		if (size1 == 0)
		{
			sha256_of(NULL, 0, fr);
			if (memcmp(root1, fr, MERKLE_HASH_LEN) != 0)
				return MERKLE_INVALID;
		}
		if (size1 == size2 && memcmp(root1, root2, MERKLE_HASH_LEN) != 0)
			return MERKLE_INVALID;
		return MERKLE_VALID;
	}
	fn = size1 - 1;
	sn = size2 - 1;
	while (fn & 1)
	{
		fn >>= 1;
		sn >>= 1;
	}
	if ((size1 & (size1 - 1)) == 0)
		memcpy(fr, root1, MERKLE_HASH_LEN); /* the old tree is perfect: its
											 * root starts the path */
	else
	{
		if (proof_count == 0)
			return MERKLE_MALFORMED;
		memcpy(fr, proof[i++], MERKLE_HASH_LEN);
	}
	memcpy(sr, fr, MERKLE_HASH_LEN);
	for (; i < proof_count; i++)
	{
		if (sn == 0)
			return MERKLE_MALFORMED;
		if ((fn & 1) || fn == sn)
		{
			merkle_node_hash(proof[i], fr, fr);
			merkle_node_hash(proof[i], sr, sr);
			while ((fn & 1) == 0 && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else
			merkle_node_hash(sr, proof[i], sr);
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return MERKLE_MALFORMED;
	if (memcmp(fr, root1, MERKLE_HASH_LEN) != 0 || memcmp(sr, root2, MERKLE_HASH_LEN) != 0)
		return MERKLE_INVALID;
	return MERKLE_VALID;
}
