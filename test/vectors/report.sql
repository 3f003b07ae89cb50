/*
 * report.sql: a suite is ok when all it should have is there and right.  What
 * is wrong is named in a comment line before it.
 */
WITH verdict AS (
	SELECT s.ordinal, s.suite, s.wanted,
		count(c.id) AS found,
		count(*) FILTER (WHERE c.is_right) AS passed,
		string_agg(c.id, ', ' ORDER BY c.id) FILTER (WHERE NOT c.is_right) AS wrong
	FROM vector_suite s
		LEFT JOIN vector_case c USING (suite)
	GROUP BY s.ordinal, s.suite, s.wanted
)
SELECT line
FROM (
	SELECT 0 AS ordinal, format('1..%s', count(*)) AS line FROM verdict
	UNION ALL
	SELECT ordinal,
		concat(CASE WHEN found <> wanted THEN format(E'# %s: %s cases found, %s wanted\n', suite, found, wanted) END,
			E'# wrong: ' || wrong || E'\n',
			CASE WHEN passed = wanted AND found = wanted THEN 'ok ' ELSE 'not ok ' END,
			format('%s - %s: %s of %s', ordinal, suite, passed, wanted))
	FROM verdict
) r
ORDER BY ordinal;
