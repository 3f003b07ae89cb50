/*
 * fuzz_merkle.c: proof checks against a second algorithm, over all 64-bit sizes.
 *
 * merkle.c walks a path bit by bit as RFC 9162 does.  Here the same path is cut
 * in two at once: below the point where the leaf's way and the tree's right edge
 * meet, every level has a sibling, on the side that the index's bit says; above
 * it, siblings are to the left only, one for each set bit.  That gives, from
 * index and size alone, how many hashes a proof has, and from the hashes the
 * root.  The two must agree on every input: what counts as malformed, and what
 * root a proof leads to.
 *
 * Input: u64 index (or size1), u64 size (or size2), a hash to start from, then
 * the proof.
 */
#include "fuzz.h"

#include "core/bytes.h"
#include "core/merkle.h"
#include "core/sha256.h"

#define PROOF_MAX 80

typedef uint8_t hash[MERKLE_HASH_LEN];
typedef const uint8_t (*proof_arg)[MERKLE_HASH_LEN];

/* Levels below the meeting point, and left siblings above it. */
static void
path_shape(uint64_t index, uint64_t size, int *inner, int *border)
{
	uint64_t	differ = index ^ (size - 1);

	*inner = differ == 0 ? 0 : 64 - __builtin_clzll(differ);
	*border = *inner == 64 ? 0 : __builtin_popcountll(index >> *inner);
}

/* Siblings on both sides; with left_only, the right ones are passed over. */
static void
chain_inner(hash h, const hash *proof, int count, uint64_t index, bool left_only)
{
	for (int i = 0; i < count; i++)
	{
		if ((index >> i) & 1)
			merkle_node_hash(proof[i], h, h);
		else if (!left_only)
			merkle_node_hash(h, proof[i], h);
	}
}

static void
chain_border(hash h, const hash *proof, int count)
{
	for (int i = 0; i < count; i++)
		merkle_node_hash(proof[i], h, h);
}

static void
try_inclusion(uint64_t index, uint64_t size, const hash start, const hash *proof, int count)
{
	proof_arg	p = (proof_arg) proof;
	int			inner;
	int			border;
	hash		root;
	merkle_result result;

	memcpy(root, start, MERKLE_HASH_LEN);
	if (index >= size)
	{
		FUZZ_CHECK(merkle_verify_inclusion(start, index, size, p, count, root) == MERKLE_MALFORMED);
		return;
	}
	path_shape(index, size, &inner, &border);
	if (count >= inner + border)
	{
		chain_inner(root, proof, inner, index, false);
		chain_border(root, proof + inner, border);
	}
	result = merkle_verify_inclusion(start, index, size, p, count, root);
	FUZZ_CHECK(result == (count == inner + border ? MERKLE_VALID : MERKLE_MALFORMED));
	if (result == MERKLE_VALID)
	{
		root[index % 32] ^= 0x10;
		FUZZ_CHECK(merkle_verify_inclusion(start, index, size, p, count, root) == MERKLE_INVALID);
	}
}

/* The path of the old tree's last whole subtree, which the proof starts from. */
static void
try_growth(uint64_t size1, uint64_t size2, const hash start, const hash *proof, int count)
{
	proof_arg	p = (proof_arg) proof;
	int			shift = __builtin_ctzll(size1);
	bool		perfect = (size1 & (size1 - 1)) == 0;
	const hash *path = perfect ? proof : proof + 1;
	uint64_t	index = (size1 - 1) >> shift;
	int			inner;
	int			border;
	int			wanted;
	hash		root1;
	hash		root2;
	merkle_result result;

	path_shape(size1 - 1, size2, &inner, &border);
	inner -= shift;
	wanted = (perfect ? 0 : 1) + inner + border;
	memcpy(root1, perfect || count == 0 ? start : proof[0], MERKLE_HASH_LEN);
	memcpy(root2, root1, MERKLE_HASH_LEN);
	if (count >= wanted)
	{
		chain_inner(root1, path, inner, index, true);
		chain_border(root1, path + inner, border);
		chain_inner(root2, path, inner, index, false);
		chain_border(root2, path + inner, border);
	}
	result = merkle_verify_consistency(size1, size2, p, count, root1, root2);
	FUZZ_CHECK(result == (count == wanted ? MERKLE_VALID : MERKLE_MALFORMED));
	if (result == MERKLE_VALID)
	{
		root2[size1 % 32] ^= 0x10;
		FUZZ_CHECK(merkle_verify_consistency(size1, size2, p, count, root1, root2) == MERKLE_INVALID);
	}
}

static void
try_consistency(uint64_t size1, uint64_t size2, const hash start, const hash *proof, int count)
{
	proof_arg	p = (proof_arg) proof;
	hash		empty;

	if (size1 > size2)
		FUZZ_CHECK(merkle_verify_consistency(size1, size2, p, count, start, start) == MERKLE_MALFORMED);
	else if (size1 == 0)
	{
		sha256_of(NULL, 0, empty);
		FUZZ_CHECK(merkle_verify_consistency(0, size2, p, count, empty, size2 == 0 ? empty : start) ==
				   (count == 0 ? MERKLE_VALID : MERKLE_MALFORMED));
	}
	else if (size1 == size2)
		FUZZ_CHECK(merkle_verify_consistency(size1, size2, p, count, start, start) ==
				   (count == 0 ? MERKLE_VALID : MERKLE_MALFORMED));
	else
		try_growth(size1, size2, start, proof, count);
}

/* What loads is stored as it was, and can grow by a leaf. */
static void
try_frontier(const uint8_t *data, size_t size)
{
	merkle_frontier f;
	uint8_t		stored[MERKLE_FRONTIER_BYTES_MAX];
	hash		root;

	if (!merkle_frontier_load(&f, data, size))
		return;
	FUZZ_CHECK(merkle_frontier_store(&f, stored) == size);
	FUZZ_CHECK(memcmp(stored, data, size) == 0);
	merkle_frontier_root(&f, root);
	if (f.size < UINT64_MAX)
	{
		merkle_frontier_append(&f, root);
		FUZZ_CHECK(merkle_frontier_store(&f, stored) == 8 + 32 * (size_t) __builtin_popcountll(f.size));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hash		proof[PROOF_MAX];
	hash		start;
	uint64_t	first;
	uint64_t	second;
	size_t		count;

	try_frontier(data, size);
	if (size < 16 + MERKLE_HASH_LEN)
		return 0;
	first = bytes_load_u64(data);
	second = bytes_load_u64(data + 8);
	memcpy(start, data + 16, MERKLE_HASH_LEN);
	data += 16 + MERKLE_HASH_LEN;
	size -= 16 + MERKLE_HASH_LEN;

	count = size / MERKLE_HASH_LEN;
	if (count > PROOF_MAX)
		count = PROOF_MAX;
	memcpy(proof, data, count * MERKLE_HASH_LEN);

	/*
	 * With the proof as long as the input has it, and, because the right length
	 * is rarely hit, with every length up to it.
	 */
	for (int n = 0; n <= (int) count; n++)
	{
		try_inclusion(first, second, start, proof, n);
		try_consistency(first, second, start, proof, n);
	}
	return 0;
}
