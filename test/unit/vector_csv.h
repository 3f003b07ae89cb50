/*
 * vector_csv.h: reads the published vectors, comma-separated files that are not part of
 * the project, from where VECTORS says.
 *
 * A test that opens one is skipped, with the file's name, where it is absent.
 */
#ifndef VECTOR_CSV_H
#define VECTOR_CSV_H

#include "unit.h"

#define VECTOR_FIELDS_MAX 16

typedef struct vector_csv
{
	FILE	   *file;
	char		line[1024];
	char	   *field[VECTOR_FIELDS_MAX];
	int			fields;
} vector_csv;

/* The next row; of a quoted field with commas only the first part is whole. */
static inline bool
vector_next(vector_csv *csv)
{
	char	   *rest = csv->line;

	if (fgets(csv->line, sizeof(csv->line), csv->file) == NULL)
	{
		fclose(csv->file);
		return false;
	}
	csv->line[strcspn(csv->line, "\r\n")] = '\0';
	for (csv->fields = 0; rest != NULL && csv->fields < VECTOR_FIELDS_MAX; csv->fields++)
		csv->field[csv->fields] = strsep(&rest, ",");
	return true;
}

/* Past the line with the names. */
static inline void
vector_open(vector_csv *csv, const char *name)
{
	const char *folder = getenv("VECTORS");
	char		path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : "../../../shared/vectors", name);
	csv->file = fopen(path, "r");
	if (csv->file == NULL)
	{
		print_message("no %s (set VECTORS)\n", path);
		skip();
	}
	assert_true(vector_next(csv));
}

static inline double
vector_number(const vector_csv *csv, int field)
{
	char	   *end;
	double		value;

	assert_true(field < csv->fields);
	value = strtod(csv->field[field], &end);
	assert_true(end != csv->field[field]);
	return value;
}

#endif							/* VECTOR_CSV_H */
