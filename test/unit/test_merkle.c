/*
 * test_merkle.c: the tree against RFC 6962's own words.
 *
 * The RFC defines root and proofs by recursion over a list of leaves.  That
 * definition is written down here as it stands, slow and obvious, and every
 * tree of up to TREE_SIZE_MAX leaves is compared with it: root, frontier, each
 * inclusion proof, each consistency proof, and what happens when any of it is
 * altered.
 */
#include "unit.h"

#include "core/bytes.h"
#include "core/merkle.h"
#include "core/sha256.h"

#define TREE_SIZE_MAX 70
#define EVERY_BIT_SIZE_MAX 18	/* above it, one bit a byte is flipped */
#define PROOF_MAX 16

typedef uint8_t hash[MERKLE_HASH_LEN];
typedef const uint8_t (*proof_arg)[MERKLE_HASH_LEN];

static hash leaf[TREE_SIZE_MAX];

static int
make_leaves(void **state)
{
	for (int i = 0; i < TREE_SIZE_MAX; i++)
	{
		uint8_t		data[3] = {(uint8_t) i, 0x6c, (uint8_t) (i * 7)};

		merkle_leaf_hash(data, 1 + (size_t) i % 3, leaf[i]);
	}
	return 0;
}

/* ---- the definitions of RFC 6962 section 2.1 ---- */

/* the largest power of two below n */
static int
split(int n)
{
	int			k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static void
naive_root(const hash *d, int n, uint8_t *out)
{
	uint8_t		data[1 + 2 * MERKLE_HASH_LEN] = {0x01};

	if (n == 0)
		sha256_of("", 0, out);
	else if (n == 1)
		memcpy(out, d[0], MERKLE_HASH_LEN);
	else
	{
		naive_root(d, split(n), data + 1);
		naive_root(d + split(n), n - split(n), data + 1 + MERKLE_HASH_LEN);
		sha256_of(data, sizeof(data), out);
	}
}

/* PATH(m, D[n]) of section 2.1.1; returns the number of hashes */
static int
naive_path(int m, const hash *d, int n, hash *out)
{
	int			k;
	int			count;

	if (n == 1)
		return 0;
	k = split(n);
	if (m < k)
	{
		count = naive_path(m, d, k, out);
		naive_root(d + k, n - k, out[count]);
	}
	else
	{
		count = naive_path(m - k, d + k, n - k, out);
		naive_root(d, k, out[count]);
	}
	return count + 1;
}

/* SUBPROOF(m, D[n], b) of section 2.1.2 */
static int
naive_subproof(int m, const hash *d, int n, bool b, hash *out)
{
	int			k;
	int			count;

	if (m == n)
	{
		if (b)
			return 0;
		naive_root(d, n, out[0]);
		return 1;
	}
	k = split(n);
	if (m <= k)
	{
		count = naive_subproof(m, d, k, b, out);
		naive_root(d + k, n - k, out[count]);
	}
	else
	{
		count = naive_subproof(m - k, d + k, n - k, false, out);
		naive_root(d, k, out[count]);
	}
	return count + 1;
}

/* ---- ---- */

static void
flip(hash h, int bit)
{
	h[bit / 8] ^= (uint8_t) (1 << (bit % 8));
}

/* Bits to flip in a tree of this size: all, or one a byte. */
static int
next_bit(int bit, int size)
{
	return size <= EVERY_BIT_SIZE_MAX ? bit + 1 : bit + 9;
}

/* The roots that other implementations test with: eight leaves of growing length. */
static void
published_roots(void **state)
{
	static const char *const data[] = {
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f"
	};
	static const char *const root[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
	};
	merkle_frontier f;

	merkle_frontier_init(&f);
	for (int n = 0; n <= 8; n++)
	{
		uint8_t		bytes[16];
		hash		expected;
		hash		got;

		unit_hex(root[n], expected, sizeof(expected));
		merkle_frontier_root(&f, got);
		assert_memory_equal(got, expected, MERKLE_HASH_LEN);
		if (n < 8)
		{
			size_t		len = unit_hex(data[n], bytes, sizeof(bytes));

			merkle_leaf_hash(bytes, len, got);
			merkle_frontier_append(&f, got);
		}
	}
}

static void
frontier_agrees_with_the_definition(void **state)
{
	merkle_frontier f;

	merkle_frontier_init(&f);
	for (int n = 0; n <= TREE_SIZE_MAX; n++)
	{
		hash		expected;
		hash		got;

		assert_int_equal(f.size, n);
		naive_root(leaf, n, expected);
		merkle_frontier_root(&f, got);
		assert_memory_equal(got, expected, MERKLE_HASH_LEN);
		if (n < TREE_SIZE_MAX)
			merkle_frontier_append(&f, leaf[n]);
	}
}

/* Stored and loaded at every size, a frontier grows on as if nothing had been. */
static void
frontier_survives_storage(void **state)
{
	for (int n = 0; n <= TREE_SIZE_MAX; n++)
	{
		uint8_t		stored[MERKLE_FRONTIER_BYTES_MAX];
		merkle_frontier f;
		merkle_frontier g;
		size_t		len;
		hash		expected;
		hash		got;

		merkle_frontier_init(&f);
		for (int i = 0; i < n; i++)
			merkle_frontier_append(&f, leaf[i]);
		len = merkle_frontier_store(&f, stored);
		assert_int_equal(len, 8 + 32 * __builtin_popcount((unsigned int) n));

		memset(&g, 0xa5, sizeof(g));
		assert_true(merkle_frontier_load(&g, stored, len));
		for (int i = n; i < TREE_SIZE_MAX; i++)
			merkle_frontier_append(&g, leaf[i]);
		naive_root(leaf, TREE_SIZE_MAX, expected);
		merkle_frontier_root(&g, got);
		assert_memory_equal(got, expected, MERKLE_HASH_LEN);

		for (size_t wrong = 0; wrong <= len + 33; wrong++)
		{
			uint8_t		room[MERKLE_FRONTIER_BYTES_MAX] = {0};
			uint8_t    *exact;

			if (wrong == len)
				continue;
			memcpy(room, stored, len);
			exact = unit_exact(room, wrong);
			assert_false(merkle_frontier_load(&g, exact, wrong));
			free(exact);
		}
	}
}

/* All 64 levels in use: nothing is written or read beyond them. */
static void
fullest_frontier(void **state)
{
	uint8_t		bytes[MERKLE_FRONTIER_BYTES_MAX];
	uint8_t		again[MERKLE_FRONTIER_BYTES_MAX];
	merkle_frontier f;
	hash		expected;
	hash		got;
	uint64_t	seed = 64;

	unit_random_bytes(&seed, bytes, sizeof(bytes));
	bytes_store_u64(bytes, UINT64_MAX);
	assert_true(merkle_frontier_load(&f, bytes, sizeof(bytes)));
	assert_int_equal(merkle_frontier_store(&f, again), sizeof(again));
	assert_memory_equal(bytes, again, sizeof(bytes));

	memcpy(expected, bytes + 8 + 63 * MERKLE_HASH_LEN, MERKLE_HASH_LEN);
	for (int i = 62; i >= 0; i--)
		merkle_node_hash(bytes + 8 + i * MERKLE_HASH_LEN, expected, expected);
	merkle_frontier_root(&f, got);
	assert_memory_equal(got, expected, MERKLE_HASH_LEN);
}

static void
inclusion_proofs(void **state)
{
	for (int size = 1; size <= TREE_SIZE_MAX; size++)
	{
		hash		root;

		naive_root(leaf, size, root);
		for (int m = 0; m < size; m++)
		{
			hash		proof[PROOF_MAX];
			int			count = naive_path(m, leaf, size, proof);
			proof_arg	p = (proof_arg) proof;

			assert_int_equal(merkle_verify_inclusion(leaf[m], m, size, p, count, root), MERKLE_VALID);

			/* the same proof proves no other place */
			for (int other = 0; other <= size; other++)
				assert_int_equal(merkle_verify_inclusion(leaf[m], other, size, p, count, root) == MERKLE_VALID,
								 other == m);

			/* a hash too few, a hash too many */
			if (count > 0)
				assert_int_equal(merkle_verify_inclusion(leaf[m], m, size, p, count - 1, root), MERKLE_MALFORMED);
			memcpy(proof[count], root, MERKLE_HASH_LEN);
			assert_int_equal(merkle_verify_inclusion(leaf[m], m, size, p, count + 1, root), MERKLE_MALFORMED);

			for (int i = 0; i < count; i++)
			{
				for (int bit = 0; bit < 256; bit = next_bit(bit, size))
				{
					flip(proof[i], bit);
					assert_int_equal(merkle_verify_inclusion(leaf[m], m, size, p, count, root), MERKLE_INVALID);
					flip(proof[i], bit);
				}
			}
			for (int bit = 0; bit < 256; bit = next_bit(bit, size))
			{
				flip(root, bit);
				assert_int_equal(merkle_verify_inclusion(leaf[m], m, size, p, count, root), MERKLE_INVALID);
				flip(root, bit);
				flip(leaf[m], bit);
				assert_int_equal(merkle_verify_inclusion(leaf[m], m, size, p, count, root), MERKLE_INVALID);
				flip(leaf[m], bit);
			}
		}
	}
}

static void
consistency_proofs(void **state)
{
	for (int size2 = 1; size2 <= TREE_SIZE_MAX; size2++)
	{
		hash		root2;

		naive_root(leaf, size2, root2);
		for (int size1 = 1; size1 <= size2; size1++)
		{
			hash		root1;
			hash		proof[PROOF_MAX];
			int			count = naive_subproof(size1, leaf, size2, true, proof);
			proof_arg	p = (proof_arg) proof;

			naive_root(leaf, size1, root1);
			assert_int_equal(merkle_verify_consistency(size1, size2, p, count, root1, root2), MERKLE_VALID);
			if (size1 < size2)
				assert_int_equal(merkle_verify_consistency(size1, size2, p, count, root2, root1), MERKLE_INVALID);

			if (count > 0)
				assert_int_equal(merkle_verify_consistency(size1, size2, p, count - 1, root1, root2), MERKLE_MALFORMED);
			memcpy(proof[count], root2, MERKLE_HASH_LEN);
			assert_int_equal(merkle_verify_consistency(size1, size2, p, count + 1, root1, root2), MERKLE_MALFORMED);

			for (int i = 0; i < count; i++)
			{
				for (int bit = 0; bit < 256; bit = next_bit(bit, size2))
				{
					flip(proof[i], bit);
					assert_int_equal(merkle_verify_consistency(size1, size2, p, count, root1, root2), MERKLE_INVALID);
					flip(proof[i], bit);
				}
			}
			for (int bit = 0; bit < 256; bit = next_bit(bit, size2))
			{
				flip(root1, bit);
				assert_int_equal(merkle_verify_consistency(size1, size2, p, count, root1, root2), MERKLE_INVALID);
				flip(root1, bit);
				flip(root2, bit);
				assert_int_equal(merkle_verify_consistency(size1, size2, p, count, root1, root2), MERKLE_INVALID);
				flip(root2, bit);
			}
		}
	}
}

static void
empty_and_impossible_trees(void **state)
{
	hash		empty;
	hash		root;
	hash		proof[1];
	proof_arg	p = (proof_arg) proof;

	sha256_of("", 0, empty);
	naive_root(leaf, 5, root);
	memcpy(proof[0], root, MERKLE_HASH_LEN);

	assert_int_equal(merkle_verify_inclusion(leaf[0], 0, 0, p, 0, empty), MERKLE_MALFORMED);
	assert_int_equal(merkle_verify_inclusion(leaf[0], 5, 5, p, 1, root), MERKLE_MALFORMED);
	assert_int_equal(merkle_verify_inclusion(leaf[0], UINT64_MAX, 5, p, 1, root), MERKLE_MALFORMED);

	/* whatever grew, grew from the empty tree; but its root is one only */
	assert_int_equal(merkle_verify_consistency(0, 0, p, 0, empty, empty), MERKLE_VALID);
	assert_int_equal(merkle_verify_consistency(0, 5, p, 0, empty, root), MERKLE_VALID);
	assert_int_equal(merkle_verify_consistency(0, 5, p, 0, root, root), MERKLE_INVALID);
	assert_int_equal(merkle_verify_consistency(0, 0, p, 0, root, root), MERKLE_INVALID);
	assert_int_equal(merkle_verify_consistency(0, 5, p, 1, empty, root), MERKLE_MALFORMED);
	assert_int_equal(merkle_verify_consistency(5, 5, p, 1, root, root), MERKLE_MALFORMED);
	assert_int_equal(merkle_verify_consistency(6, 5, p, 0, root, root), MERKLE_MALFORMED);
}

/* Leaves appended together, in every split, leave the frontier that they leave one by one. */
static void
appended_together(void **state)
{
	for (size_t first = 0; first <= TREE_SIZE_MAX; first++)
		for (size_t second = 0; first + second <= TREE_SIZE_MAX; second++)
		{
			merkle_frontier one_by_one;
			merkle_frontier together;
			hash		copy[TREE_SIZE_MAX];

			memcpy(copy, leaf, sizeof(leaf));
			merkle_frontier_init(&one_by_one);
			merkle_frontier_init(&together);
			for (size_t i = 0; i < first + second; i++)
				merkle_frontier_append(&one_by_one, leaf[i]);
			merkle_frontier_append_all(&together, copy, first);
			merkle_frontier_append_all(&together, copy + first, second);
			assert_int_equal(together.size, one_by_one.size);
			/* what is below the size's highest bit was completed at some time */
			for (int level = 0; (one_by_one.size >> level) != 0; level++)
				assert_memory_equal(together.node[level], one_by_one.node[level], MERKLE_HASH_LEN);
			/* and what is beyond a call's leaves is left alone */
			assert_memory_equal(copy + first + second, leaf + first + second,
								(TREE_SIZE_MAX - first - second) * MERKLE_HASH_LEN);
		}
}

/* The largest sizes: a path of 64 hashes is followed to its end, and no further. */
static void
deepest_path(void **state)
{
	hash		proof[65];
	hash		root;
	proof_arg	p = (proof_arg) proof;
	uint64_t	seed = 6962;

	unit_random_bytes(&seed, (uint8_t *) proof, sizeof(proof));
	memcpy(root, leaf[0], MERKLE_HASH_LEN);
	for (int i = 0; i < 64; i++)
		merkle_node_hash(root, proof[i], root);
	assert_int_equal(merkle_verify_inclusion(leaf[0], 0, UINT64_MAX, p, 64, root), MERKLE_VALID);
	assert_int_equal(merkle_verify_inclusion(leaf[0], 0, UINT64_MAX, p, 63, root), MERKLE_MALFORMED);
	assert_int_equal(merkle_verify_inclusion(leaf[0], 0, UINT64_MAX, p, 65, root), MERKLE_MALFORMED);
	assert_int_equal(merkle_verify_consistency(1, UINT64_MAX, p, 64, leaf[0], root), MERKLE_VALID);
	assert_int_equal(merkle_verify_consistency(1, UINT64_MAX, p, 65, leaf[0], root), MERKLE_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_roots),
		cmocka_unit_test(frontier_agrees_with_the_definition),
		cmocka_unit_test(frontier_survives_storage),
		cmocka_unit_test(fullest_frontier),
		cmocka_unit_test(inclusion_proofs),
		cmocka_unit_test(consistency_proofs),
		cmocka_unit_test(empty_and_impossible_trees),
		cmocka_unit_test(appended_together),
		cmocka_unit_test(deepest_path),
	};

	return cmocka_run_group_tests(tests, make_leaves, NULL);
}
