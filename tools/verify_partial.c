/*
 * verify_partial.c: what is left of a bundle or tile from when it was narrower.
 *
 * A folder that was extended keeps the partial files of checkpoints that it served
 * before (tlog-tiles asks for that), until the full file is there.  They must be the
 * beginning of what there is now, or a client with an older checkpoint would be
 * served something else.
 */
#include <dirent.h>
#include <string.h>

#include "core/tlog_proof.h"
#include "verify_walk.h"

/* Are these the first n bytes of the whole, and no more? */
static bool
partial_is_beginning(const char *partial, const char *whole, uint64_t n)
{
	FILE	   *a = fopen(partial, "rb");
	FILE	   *b = fopen(whole, "rb");
	bool		same = a != NULL && b != NULL;

	while (same && n > 0)
	{
		uint8_t		x[8192];
		uint8_t		y[8192];
		size_t		now = n < sizeof(x) ? (size_t) n : sizeof(x);

		same = fread(x, 1, now, a) == now && fread(y, 1, now, b) == now && memcmp(x, y, now) == 0;
		n -= now;
	}
	same = same && fgetc(a) == EOF;
	if (a != NULL)
		fclose(a);
	if (b != NULL)
		fclose(b);
	return same;
}

/* ends[w]: where the first w leaves end; NULL: 32 bytes each. */
void
walk_partials(const char *dir, const char *kind, uint64_t n, unsigned width, const char *whole, const uint64_t *ends)
{
	char		path[VERIFY_PATH_MAX];
	size_t		len;
	DIR		   *d;
	const struct dirent *e;

	verify_tile_path(path, dir, kind, n, MERKLE_TILE_WIDTH);
	len = strlen(path);
	if (len + sizeof(".p/") + NAME_MAX >= sizeof(path))
		return;
	memcpy(path + len, ".p", 3);
	d = opendir(path);
	if (d == NULL)
		return;
	path[len + 2] = '/';
	while ((e = readdir(d)) != NULL)
	{
		uint64_t	w;

		if (e->d_name[0] == '.')
			continue;
		memcpy(path + len + 3, e->d_name, strlen(e->d_name) + 1);
		if (!tlog_number_parse(e->d_name, strlen(e->d_name), &w) || w == 0 || w > width || w >= MERKLE_TILE_WIDTH)
			report_finding(path, -1, "unknown_file", "no checkpoint of this folder needs it");
		else if (w < width &&
				 !partial_is_beginning(path, whole, ends == NULL ? w * MERKLE_HASH_LEN : ends[w]))
			report_finding(path, -1, "partial", "is not the beginning of \"%s\"", whole);
	}
	closedir(d);
}
