/*
 * test_merkle_path.c: proofs put together from perfect subtrees, and those from
 * tiles, against RFC 6962's own recursion.
 *
 * A tree's perfect subtrees are all computed first, level by level; the proofs made
 * from them are compared, hash by hash, with the recursive definitions, which know
 * of no subtrees.  Roots of ranges are remembered, or they would take the day.
 */
#include "unit.h"

#include "core/base64.h"
#include "core/merkle.h"
#include "core/merkle_path.h"
#include "core/sha256.h"

#define TREE_SIZE_MAX 600
#define LEVELS 10				/* 2^9 is the largest subtree in 600 leaves */

typedef uint8_t hash[MERKLE_HASH_LEN];
typedef const uint8_t (*proof_arg)[MERKLE_HASH_LEN];

static hash node[LEVELS][TREE_SIZE_MAX];	/* [k][i]: subtree i of 2^k leaves */
static hash range_root[TREE_SIZE_MAX + 1][TREE_SIZE_MAX + 1];
static bool range_known[TREE_SIZE_MAX + 1][TREE_SIZE_MAX + 1];
static int	asked;				/* subtrees that a proof took */

static int
make_tree(void **state)
{
	for (int i = 0; i < TREE_SIZE_MAX; i++)
	{
		uint8_t		data[2] = {(uint8_t) i, (uint8_t) (i >> 8)};

		merkle_leaf_hash(data, sizeof(data), node[0][i]);
	}
	for (int k = 1; k < LEVELS; k++)
		for (int i = 0; i < TREE_SIZE_MAX >> k; i++)
			merkle_node_hash(node[k - 1][2 * i], node[k - 1][2 * i + 1], node[k][i]);
	return 0;
}

/* ---- the definitions of RFC 6962 section 2.1 ---- */

static int
split(int n)
{
	int			k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

/* MTH(D[begin:end]) */
static const uint8_t *
naive_root(int begin, int end)
{
	uint8_t    *out = range_root[begin][end];

	if (range_known[begin][end])
		return out;
	range_known[begin][end] = true;
	if (begin == end)
		sha256_of("", 0, out);
	else if (end - begin == 1)
		memcpy(out, node[0][begin], MERKLE_HASH_LEN);
	else
	{
		int			middle = begin + split(end - begin);
		uint8_t		data[1 + 2 * MERKLE_HASH_LEN] = {0x01};

		memcpy(data + 1, naive_root(begin, middle), MERKLE_HASH_LEN);
		memcpy(data + 1 + MERKLE_HASH_LEN, naive_root(middle, end), MERKLE_HASH_LEN);
		sha256_of(data, sizeof(data), out);
	}
	return out;
}

/* PATH(m, D[n]), D beginning at begin */
static int
naive_path(int m, int begin, int n, hash *out)
{
	int			k;
	int			count;

	if (n == 1)
		return 0;
	k = split(n);
	if (m < k)
	{
		count = naive_path(m, begin, k, out);
		memcpy(out[count], naive_root(begin + k, begin + n), MERKLE_HASH_LEN);
	}
	else
	{
		count = naive_path(m - k, begin + k, n - k, out);
		memcpy(out[count], naive_root(begin, begin + k), MERKLE_HASH_LEN);
	}
	return count + 1;
}

/* SUBPROOF(m, D[n], b) */
static int
naive_subproof(int m, int begin, int n, bool b, hash *out)
{
	int			k;
	int			count;

	if (m == n)
	{
		if (b)
			return 0;
		memcpy(out[0], naive_root(begin, begin + n), MERKLE_HASH_LEN);
		return 1;
	}
	k = split(n);
	if (m <= k)
	{
		count = naive_subproof(m, begin, k, b, out);
		memcpy(out[count], naive_root(begin + k, begin + n), MERKLE_HASH_LEN);
	}
	else
	{
		count = naive_subproof(m - k, begin + k, n - k, false, out);
		memcpy(out[count], naive_root(begin, begin + k), MERKLE_HASH_LEN);
	}
	return count + 1;
}

/* ---- sources ---- */

/* The tree's size is at *arg: what is asked for must lie within it. */
static bool
from_subtrees(void *arg, merkle_subtree s, uint8_t out[MERKLE_HASH_LEN])
{
	asked++;
	assert_true(s.level < LEVELS && (s.index + 1) << s.level <= *(uint64_t *) arg);
	memcpy(out, node[s.level][s.index], MERKLE_HASH_LEN);
	return true;
}

/* The hash at that place in the tiles: tile level l holds subtrees of 256^l leaves. */
static bool
from_tiles(void *arg, merkle_subtree s, uint8_t out[MERKLE_HASH_LEN])
{
	merkle_span span = merkle_path_span(s);
	uint64_t	first = span.tile * MERKLE_TILE_WIDTH + (uint64_t) span.first;

	assert_true(span.tile_level <= 1 && span.first + span.count <= MERKLE_TILE_WIDTH);
	assert_true(first + (uint64_t) span.count <= *(uint64_t *) arg >> (8 * span.tile_level));
	merkle_path_perfect((proof_arg) &node[8 * span.tile_level][first], span.count, out);
	return true;
}

static bool
from_nowhere(void *arg, merkle_subtree s, uint8_t out[MERKLE_HASH_LEN])
{
	memset(out, 0, MERKLE_HASH_LEN);
	return --*(int *) arg >= 0;
}

/* Both sources, which must agree. */
static void
prove(const merkle_range *range, int count, uint64_t size, hash *out)
{
	for (int i = 0; i < count; i++)
	{
		hash		other;

		assert_true(merkle_path_root(range[i], from_subtrees, &size, out[i]));
		assert_true(merkle_path_root(range[i], from_tiles, &size, other));
		assert_memory_equal(out[i], other, MERKLE_HASH_LEN);
	}
}

/* ---- ---- */

static void
roots(void **state)
{
	for (uint64_t size = 0; size <= TREE_SIZE_MAX; size++)
	{
		hash		got;

		asked = 0;
		prove(&(merkle_range) {0, size}, 1, size, &got);
		assert_memory_equal(got, naive_root(0, (int) size), MERKLE_HASH_LEN);
		assert_int_equal(asked, __builtin_popcountll(size));
	}
}

/* Every leaf in the smaller trees; in the larger, those around the edges of tiles. */
static void
inclusion_proofs(void **state)
{
	merkle_range range[MERKLE_PATH_MAX];
	hash		proof[MERKLE_PATH_MAX];
	hash		expected[MERKLE_PATH_MAX];
	int			count;

	for (int size = 1; size <= TREE_SIZE_MAX; size++)
		for (int m = 0; m < size; m += size <= 70 || m % 256 < 3 || m % 256 > 252 || size - m < 12 ? 1 : 10)
		{
			assert_true(merkle_path_inclusion(m, size, range, &count));
			prove(range, count, size, proof);
			assert_int_equal(count, naive_path(m, 0, size, expected));
			assert_memory_equal(proof, expected, (size_t) count * MERKLE_HASH_LEN);
			assert_int_equal(merkle_verify_inclusion(node[0][m], m, size, (proof_arg) proof, count,
													 naive_root(0, size)), MERKLE_VALID);
		}
	assert_false(merkle_path_inclusion(0, 0, range, &count));
	assert_false(merkle_path_inclusion(7, 7, range, &count));
	assert_false(merkle_path_inclusion(UINT64_MAX, UINT64_MAX, range, &count));
}

static void
consistency_proofs(void **state)
{
	merkle_range range[MERKLE_PATH_MAX];
	hash		proof[MERKLE_PATH_MAX];
	hash		expected[MERKLE_PATH_MAX];
	int			count;

	for (int size2 = 1; size2 <= TREE_SIZE_MAX; size2++)
		for (int size1 = 1; size1 <= size2;
			 size1 += size2 <= 70 || size1 % 256 < 3 || size1 % 256 > 252 || size2 - size1 < 12 ? 1 : 10)
		{
			assert_true(merkle_path_consistency(size1, size2, range, &count));
			prove(range, count, size2, proof);
			assert_int_equal(count, naive_subproof(size1, 0, size2, true, expected));
			assert_memory_equal(proof, expected, (size_t) count * MERKLE_HASH_LEN);
			assert_int_equal(merkle_verify_consistency(size1, size2, (proof_arg) proof, count,
													   naive_root(0, size1), naive_root(0, size2)), MERKLE_VALID);
		}
	for (int size2 = 0; size2 <= 9; size2++)
	{
		assert_true(merkle_path_consistency(0, size2, range, &count));
		assert_int_equal(count, 0);
		assert_false(merkle_path_consistency(size2 + 1, size2, range, &count));
	}
}

/* ---- published proofs, where they are at hand ---- */

/* A published case as text; false where there is none. */
static bool
read_case(const char *kind, int number, char *text, size_t cap)
{
	const char *folder = getenv("VECTORS");
	char		path[1024];
	FILE	   *file;
	size_t		len;

	snprintf(path, sizeof(path), "%s/ledger/merkle/%s/%d/happy-path.json",
			 folder != NULL ? folder : "../../../shared/vectors", kind, number);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	len = fread(text, 1, cap - 1, file);
	fclose(file);
	text[len] = '\0';
	return true;
}

static uint64_t
case_number(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	return strtoull(strchr(at, ':') + 1, NULL, 10);
}

/* The hashes of "proof", which may be null. */
static int
case_proof(const char *text, hash *out)
{
	const char *at = strstr(text, "\"proof\"");
	const char *end;
	int			count = 0;

	assert_non_null(at);
	at = strchr(at, ':');
	end = strchr(at, ']');
	if (strncmp(at, ": null", 6) == 0 || end == NULL)
		return 0;
	while ((at = strchr(at, '"')) != NULL && at < end)
	{
		size_t		len;

		assert_true(base64_decode(at + 1, BASE64_LEN(MERKLE_HASH_LEN), out[count++], MERKLE_HASH_LEN, &len));
		at += 1 + BASE64_LEN(MERKLE_HASH_LEN) + 1;
	}
	return count;
}

static int
make_published_tree(void **state)
{
	static const char *const data[] = {
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f"
	};

	for (int i = 0; i < 8; i++)
	{
		uint8_t		bytes[16];

		merkle_leaf_hash(bytes, unit_hex(data[i], bytes, sizeof(bytes)), node[0][i]);
	}
	for (int k = 1; k < 4; k++)
		for (int i = 0; i < 8 >> k; i++)
			merkle_node_hash(node[k - 1][2 * i], node[k - 1][2 * i + 1], node[k][i]);
	return 0;
}

static void
published_proofs(void **state)
{
	char		text[16384];
	merkle_range range[MERKLE_PATH_MAX];
	hash		proof[MERKLE_PATH_MAX];
	hash		expected[MERKLE_PATH_MAX];
	int			count;

	for (int i = 0; i < 3; i++)
	{
		uint64_t	size;

		if (!read_case("inclusion", i, text, sizeof(text)))
			skip();
		size = case_number(text, "treeSize");
		assert_true(merkle_path_inclusion(case_number(text, "leafIdx"), size, range, &count));
		assert_int_equal(count, case_proof(text, expected));
		prove(range, count, size, proof);
		assert_memory_equal(proof, expected, (size_t) count * MERKLE_HASH_LEN);

		assert_true(read_case("consistency", i, text, sizeof(text)));
		size = case_number(text, "size2");
		assert_true(merkle_path_consistency(case_number(text, "size1"), size, range, &count));
		assert_int_equal(count, case_proof(text, expected));
		prove(range, count, size, proof);
		assert_memory_equal(proof, expected, (size_t) count * MERKLE_HASH_LEN);
	}
}

/* The largest numbers: no shift and no array goes too far. */
static void
largest_trees(void **state)
{
	merkle_range range[MERKLE_PATH_MAX];
	merkle_subtree subtree[MERKLE_LEVELS_MAX];
	merkle_span span;
	int			count;
	int			left;
	hash		out;

	assert_true(merkle_path_inclusion(0, UINT64_MAX, range, &count));
	assert_int_equal(count, 64);
	assert_true(range[0].begin == 1 && range[0].end == 2 && range[63].end == UINT64_MAX);
	assert_true(merkle_path_inclusion(UINT64_MAX - 1, UINT64_MAX, range, &count));
	assert_int_equal(count, 63);
	assert_true(merkle_path_consistency(1, UINT64_MAX, range, &count));
	assert_int_equal(count, 64);
	assert_true(merkle_path_consistency((UINT64_C(1) << 63) + 1, UINT64_MAX, range, &count));
	assert_int_equal(count, MERKLE_PATH_MAX);
	assert_true(merkle_path_consistency(UINT64_MAX, UINT64_MAX, range, &count));
	assert_int_equal(count, 0);
	assert_true(merkle_path_subtrees((merkle_range) {0, UINT64_MAX}, subtree, &count));
	assert_int_equal(count, 64);
	assert_true(subtree[0].level == 63 && subtree[0].index == 0);
	assert_true(subtree[63].level == 0 && subtree[63].index == UINT64_MAX - 1);
	span = merkle_path_span(subtree[0]);
	assert_true(span.tile_level == 7 && span.tile == 0 && span.first == 0 && span.count == 128);
	span = merkle_path_span(subtree[63]);
	assert_true(span.tile_level == 0 && span.tile == UINT64_MAX / 256 && span.first == 254 && span.count == 1);

	/* a source that fails ends it, wherever it fails */
	for (int after = 0; after < 64; after++)
	{
		left = after;
		assert_false(merkle_path_root((merkle_range) {0, UINT64_MAX}, from_nowhere, &left, out));
	}
	left = 64;
	assert_true(merkle_path_root((merkle_range) {0, UINT64_MAX}, from_nowhere, &left, out));
}

static void
ranges_of_no_tree(void **state)
{
	merkle_subtree subtree[MERKLE_LEVELS_MAX];
	int			count;

	assert_false(merkle_path_subtrees((merkle_range) {2, 1}, subtree, &count));
	assert_false(merkle_path_subtrees((merkle_range) {1, 3}, subtree, &count));
	assert_false(merkle_path_subtrees((merkle_range) {2, 6}, subtree, &count));
	assert_true(merkle_path_subtrees((merkle_range) {4, 7}, subtree, &count));
	assert_int_equal(count, 2);
	assert_true(merkle_path_subtrees((merkle_range) {9, 9}, subtree, &count));
	assert_int_equal(count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots),
		cmocka_unit_test(inclusion_proofs),
		cmocka_unit_test(consistency_proofs),
		cmocka_unit_test_setup_teardown(published_proofs, make_published_tree, make_tree),
		cmocka_unit_test(largest_trees),
		cmocka_unit_test(ranges_of_no_tree),
	};

	return cmocka_run_group_tests(tests, make_tree, NULL);
}
