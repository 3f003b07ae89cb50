/*
 * prelude.sql: where the vectors are put and what was found about each.
 *
 * A suite says how many cases its publisher gives (wanted), so that a file
 * that was read wrongly, or half, cannot pass for a smaller one that is whole.
 */
SET client_min_messages = warning;
SET client_encoding = 'UTF8';

CREATE TEMP TABLE vector_file (path text PRIMARY KEY, content text NOT NULL);

CREATE TEMP TABLE vector_suite (
	ordinal int GENERATED ALWAYS AS IDENTITY,
	suite text PRIMARY KEY,
	wanted bigint NOT NULL CHECK (wanted > 0)
);

/* is_right: the function answered as the publisher says. */
CREATE TEMP TABLE vector_case (
	suite text NOT NULL REFERENCES vector_suite,
	id text NOT NULL,
	is_right boolean NOT NULL,
	PRIMARY KEY (suite, id)
);

CREATE FUNCTION pg_temp.vector_json(path text) RETURNS jsonb
LANGUAGE sql STABLE
RETURN (SELECT f.content::jsonb FROM vector_file f WHERE f.path = vector_json.path);

CREATE FUNCTION pg_temp.base64url(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN decode(rpad(translate(value, '-_', '+/'), (length(value) + 3) / 4 * 4, '='), 'base64');

CREATE FUNCTION pg_temp.flipped(value bytea, bit_number bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE
RETURN set_bit(value, bit_number, 1 - get_bit(value, bit_number));
