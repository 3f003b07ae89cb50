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
 * From the same shape follows what merkle_path.c must put into a proof; and what is done
 * to many leaves at once must be what is done to one after the other.
 *
 * Input: u64 index (or size1), u64 size (or size2), a hash to start from, then
 * the proof.
 */
#include "fuzz.h"

#include "core/bytes.h"
#include "core/merkle.h"
#include "core/merkle_path.h"
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

/* The ranges of a proof: as many as its shape has, each a part of the tree, and together the rest of it. */
static void
check_ranges(const merkle_range *range, int count, int wanted, uint64_t size, uint64_t rest)
{
	uint64_t	leaves = 0;

	FUZZ_CHECK(count == wanted);
	for (int i = 0; i < count; i++)
	{
		merkle_subtree subtree[MERKLE_LEVELS_MAX];
		uint64_t	at = range[i].begin;
		int			n;

		FUZZ_CHECK(range[i].begin < range[i].end && range[i].end <= size);
		FUZZ_CHECK(merkle_path_subtrees(range[i], subtree, &n) && n > 0);
		for (int k = 0; k < n; k++)
		{
			merkle_span span = merkle_path_span(subtree[k]);

			FUZZ_CHECK(subtree[k].index << subtree[k].level == at);
			at += UINT64_C(1) << subtree[k].level;
			FUZZ_CHECK(span.tile_level < 8 && span.count >= 1 && span.first + span.count <= MERKLE_TILE_WIDTH);
		}
		FUZZ_CHECK(at == range[i].end);
		leaves += range[i].end - range[i].begin;
	}
	FUZZ_CHECK(leaves == rest);
}

static void
try_paths(uint64_t first, uint64_t second)
{
	merkle_range range[MERKLE_PATH_MAX];
	int			count;
	int			inner;
	int			border;

	if (first >= second)
		FUZZ_CHECK(!merkle_path_inclusion(first, second, range, &count));
	else
	{
		path_shape(first, second, &inner, &border);
		FUZZ_CHECK(merkle_path_inclusion(first, second, range, &count));
		check_ranges(range, count, inner + border, second, second - 1);
	}
	if (first > second)
		FUZZ_CHECK(!merkle_path_consistency(first, second, range, &count));
	else if (first == 0 || first == second)
		FUZZ_CHECK(merkle_path_consistency(first, second, range, &count) && count == 0);
	else
	{
		int			shift = __builtin_ctzll(first);
		bool		perfect = (first & (first - 1)) == 0;

		path_shape(first - 1, second, &inner, &border);
		FUZZ_CHECK(merkle_path_consistency(first, second, range, &count));
		check_ranges(range, count, (perfect ? 0 : 1) + inner - shift + border, second,
					 perfect ? second - first : second);
	}
}

/* Leaves appended together, messages hashed together. */
static void
try_many(const uint8_t *data, size_t size, uint64_t before)
{
	static uint8_t room[8][4096 + SHA256_PAD_MAX];
	sha256_message message[8];
	hash		out[8];
	hash		one;
	hash		leaf[64];
	size_t		count = size / MERKLE_HASH_LEN < 64 ? size / MERKLE_HASH_LEN : 64;
	size_t		messages = size % 9;
	merkle_frontier together;
	merkle_frontier apart;
	uint8_t		stored[2][MERKLE_FRONTIER_BYTES_MAX];

	for (size_t i = 0; i < messages; i++)
	{
		size_t		len = size / (i + 1) < 4096 ? size / (i + 1) : 4096;

		memcpy(room[i], data, len);
		message[i] = (sha256_message) {room[i], len, out[i]};
	}
	sha256_of_each(message, messages);
	for (size_t i = 0; i < messages; i++)
	{
		sha256_of(data, message[i].len, one);
		FUZZ_CHECK(memcmp(out[i], one, sizeof(one)) == 0);
	}

	memset(&together, 0x5a, sizeof(together));
	together.size = before >> 1;	/* far from the end of all numbers */
	apart = together;
	for (size_t i = 0; i < count; i++)
		merkle_frontier_append(&apart, data + i * MERKLE_HASH_LEN);
	if (count > 0)
		memcpy(leaf, data, count * MERKLE_HASH_LEN);
	merkle_frontier_append_all(&together, leaf, count);
	FUZZ_CHECK(merkle_frontier_store(&together, stored[0]) == merkle_frontier_store(&apart, stored[1]));
	FUZZ_CHECK(memcmp(stored[0], stored[1], 8 + 32 * (size_t) __builtin_popcountll(apart.size)) == 0);
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

	try_paths(first, second);
	try_many(data, size, first);

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
