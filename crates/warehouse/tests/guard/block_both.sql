== block statement.kind

INSERT INTO flights (carrier) VALUES ('XX')

UPDATE flights SET carrier = 'XX'

DELETE FROM flights

DROP TABLE flights

CREATE TABLE t AS SELECT * FROM flights

CREATE VIEW v AS SELECT * FROM flights

ALTER TABLE flights ADD COLUMN x INT

TRUNCATE TABLE flights

GRANT SELECT ON flights TO public

REVOKE ALL ON flights FROM public

SET statement_timeout = 0

SET transaction_read_only = off

RESET ALL

SHOW TABLES

SHOW ALL

EXPLAIN ANALYZE SELECT 1

EXPLAIN ANALYZE DELETE FROM flights

CALL do_it()

PREPARE p AS SELECT 1

EXECUTE p

DEALLOCATE p

BEGIN

START TRANSACTION

COMMIT

ROLLBACK

SAVEPOINT a

COPY flights TO '/tmp/x.csv'

COPY flights FROM '/tmp/x.csv'

COPY (SELECT * FROM flights) TO STDOUT

VACUUM

ANALYZE flights

DISCARD ALL

USE other

CREATE FUNCTION f() RETURNS INT LANGUAGE sql AS 'SELECT 1'

CREATE ROLE admin

CREATE SCHEMA s

CREATE DATABASE d

CREATE EXTENSION dblink

COMMENT ON TABLE flights IS 'x'

MERGE INTO flights USING airlines ON flights.carrier = airlines.carrier WHEN MATCHED THEN DELETE

/* hello */ DELETE FROM flights

-- select
DROP TABLE flights

DeLeTe FrOm flights

DELETE FROM flights;

CREATE SEQUENCE s

CREATE INDEX i ON flights (carrier)

== block statement.multiple

SELECT 1; SELECT 2

SELECT 1; DROP TABLE flights

COMMIT; DROP TABLE flights

SELECT 1;; SELECT 2

; SELECT 1

SELECT 1;/* x */DELETE FROM flights

SELECT 1;
-- x
SELECT 2

SELECT 1;;

== block statement.empty

-- nothing here

/* nothing */

;

== block statement.write

WITH d AS (DELETE FROM flights RETURNING *) SELECT * FROM d

WITH d AS (INSERT INTO flights (carrier) VALUES ('x') RETURNING carrier) SELECT * FROM d

WITH d AS (UPDATE flights SET carrier = 'x' RETURNING carrier) SELECT * FROM d

WITH a AS (SELECT 1), d AS (DELETE FROM flights RETURNING *) SELECT * FROM a

== block statement.into

SELECT * INTO copy FROM flights

SELECT carrier INTO TEMP t FROM flights

SELECT carrier INTO TEMPORARY TABLE t FROM flights

SELECT 1 UNION SELECT carrier INTO x FROM flights

SELECT/**/carrier/**/INTO/**/x FROM flights

== block statement.lock

SELECT * FROM flights FOR UPDATE

SELECT * FROM flights FOR SHARE

SELECT * FROM (SELECT * FROM flights FOR UPDATE) t

SELECT * FROM flights WHERE EXISTS (SELECT 1 FROM airlines FOR UPDATE)

SELECT * FROM flights FOR UPDATE NOWAIT

SELECT * FROM flights FOR UPDATE SKIP LOCKED

WITH t AS (SELECT * FROM flights FOR SHARE) SELECT * FROM t

== block lexer.executable_comment

SELECT /*!50000 1 */ FROM flights

SELECT 1 /*! UNION SELECT 2 */

/*!DROP TABLE flights*/ SELECT 1

SELECT 1 /* /*! nested */ */

== block lexer.character

SELECT<U+00A0>1

SELECT 1<U+200B>

SELECT c<U+0430>rrier FROM flights

SELECT ｃarrier FROM flights

SELECT 1<U+FF1B> SELECT 2

<U+FEFF>SELECT 1

SELECT 1 <U+202E>

SELECT "a<U+202E>b" FROM flights

SELECT 1 /* <U+2066> */

SELECT 1 -- <U+200D>

SELECT 1<U+0000>

SELECT 'a<U+0000>b'

SELECT "a<U+0000>b" FROM flights

SELECT 1<U+0008>

SELECT 1\g

SELECT 1 \! ls

SELECT 12abc

SELECT 1_000x

SELECT 1 -- <U+000D>; DROP TABLE flights

== block lexer.unterminated

SELECT 'abc

SELECT "abc

SELECT 1 /* abc

SELECT 1 /* /* abc */

SELECT E'abc\'

== block lexer.string_form

SELECT U&'\0061'

SELECT U&"pg_read_fil\0065"('/etc/passwd')

SELECT N'abc'

SELECT B'0101'

SELECT X'CAFE'

SELECT x'cafe'

== block lexer.parameter

SELECT $1

SELECT $$abc$$

SELECT $tag$ DROP TABLE flights $tag$

DO $$ BEGIN PERFORM 1; END $$

SELECT * FROM flights WHERE carrier = $1

== block function.forbidden

SELECT pg_sleep(10)

SELECT pg_read_file('/etc/passwd')

SELECT pg_ls_dir('/')

SELECT set_config('statement_timeout', '0', false)

SELECT nextval('s')

SELECT lo_import('/etc/passwd')

SELECT pg_advisory_lock(1)

SELECT query_to_xml('SELECT 1', true, true, '')

SELECT ts_stat('SELECT 1')

SELECT pg_notify('a', 'b')

SELECT pg_terminate_backend(1)

SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) FROM flights

SELECT sum(distance) OVER (ORDER BY pg_sleep(1)) FROM flights

SELECT sum(distance) OVER (PARTITION BY pg_sleep(1)) FROM flights

SELECT carrier FROM flights ORDER BY pg_sleep(1)

SELECT carrier FROM flights GROUP BY carrier HAVING pg_sleep(1) IS NULL

SELECT carrier FROM flights GROUP BY pg_sleep(1), carrier

VALUES (pg_sleep(1))

SELECT * FROM (VALUES (pg_sleep(1))) v

SELECT carrier FROM flights LIMIT (SELECT pg_sleep(1))

SELECT CASE WHEN pg_sleep(1) IS NULL THEN 1 END

SELECT CASE 1 WHEN 1 THEN pg_sleep(1) END

SELECT coalesce(NULL, pg_sleep(1))

SELECT carrier FROM flights WHERE carrier IN (SELECT pg_read_file('x'))

SELECT f.carrier FROM flights f JOIN airlines a ON f.carrier = a.carrier AND pg_sleep(1) IS NULL

WITH t AS (SELECT pg_sleep(1)) SELECT 1 FROM t

WITH unused AS (SELECT pg_sleep(1)) SELECT 1

SELECT 1 UNION SELECT pg_sleep(1)

SELECT array_agg(carrier ORDER BY pg_sleep(1)) FROM flights

SELECT ARRAY[pg_sleep(1)]

SELECT (1, pg_sleep(1))

SELECT CAST(pg_sleep(1) AS TEXT)

SELECT pg_catalog.pg_sleep(1)

SELECT PG_SLEEP(1)

SELECT "pg_sleep"(1)

SELECT pg_sleep/**/(1)

SELECT * FROM flights WHERE pg_sleep(1) IS NULL

SELECT dblink('host=x', 'SELECT 1')

SELECT DISTINCT ON (pg_sleep(1)) carrier FROM flights

SELECT carrier FROM flights WINDOW w AS (ORDER BY pg_sleep(1))

SELECT EXTRACT(day FROM pg_sleep(1))

SELECT trim(both pg_read_file('x') from carrier) FROM flights

SELECT carrier FROM flights WHERE carrier LIKE pg_read_file('x')

SELECT carrier FROM flights WHERE dep_delay BETWEEN 1 AND pg_sleep(1)

== block function.unknown

SELECT no_such_function(1)

SELECT "Sum"(distance) FROM flights

SELECT evil(carrier) FROM flights

SELECT benchmark1(1)

== block function.qualified

SELECT hr.f(1)

SELECT public.count(*) FROM flights

== block function.session

SELECT current_user

SELECT session_user

SELECT current_setting('data_directory')

SELECT version()

SELECT carrier FROM flights WHERE carrier = current_user

== block function.size

SELECT repeat('x', 1000000000)

SELECT lpad('x', 1000000000)

SELECT rpad('x', distance::int) FROM flights

SELECT repeat(repeat('x', 10000), 10000)

SELECT replace(repeat('x', 10000), 'x', repeat('y', 10000))

SELECT * FROM generate_series(1, 100000000000)

SELECT * FROM generate_series(1, 9223372036854775807)

SELECT count(*) FROM generate_series(1, (SELECT count(*) FROM flights))

SELECT generate_series(1, 1000000000)

SELECT repeat('x', length(carrier) * 1000000) FROM flights

== block catalog.system

SELECT * FROM information_schema.tables

SELECT * FROM INFORMATION_SCHEMA.COLUMNS

SELECT * FROM pg_catalog.pg_class

SELECT * FROM pg_stats

SELECT * FROM pg_user

SELECT * FROM pg_shadow

SELECT * FROM flights WHERE carrier IN (SELECT usename FROM pg_user)

SELECT * FROM "pg_catalog"."pg_tables"

WITH t AS (SELECT * FROM pg_settings) SELECT * FROM t

SELECT 1 UNION SELECT 1 FROM pg_roles

== block catalog.cast

SELECT 'flights'::regclass

SELECT CAST('flights' AS regclass)

SELECT 1::regproc

SELECT 'x'::oid

SELECT carrier FROM flights WHERE carrier::regtype IS NULL

== block table.unknown

SELECT * FROM nosuch

SELECT * FROM flihgts

SELECT * FROM other.flights

SELECT * FROM a.b.flights

SELECT * FROM flights WHERE carrier IN (SELECT x FROM secret)

SELECT * FROM "Flights"

WITH t AS (SELECT 1 AS x) SELECT * FROM u

SELECT * FROM (WITH t AS (SELECT 1 AS x) SELECT * FROM t) a JOIN t ON a.x = t.x

== block column.unknown

SELECT nosuch FROM flights

SELECT carier FROM flights

SELECT f.nosuch FROM flights f

SELECT g.carrier FROM flights f

SELECT flights.carrier FROM flights f

SELECT "Carrier" FROM flights

SELECT carrier FROM flights WHERE nosuch = 1

SELECT carrier FROM flights ORDER BY nosuch

SELECT carrier FROM flights GROUP BY nosuch

SELECT x FROM (SELECT carrier FROM flights) t

SELECT a.name FROM flights f JOIN airlines a USING (nosuch)

SELECT t.* FROM flights f

SELECT sum(nosuch) OVER (PARTITION BY carrier) FROM flights

SELECT n FROM flights WHERE n > 1 GROUP BY carrier

SELECT (SELECT nosuch FROM airlines a WHERE a.carrier = f.carrier) FROM flights f

SELECT ctid FROM flights

SELECT xmin FROM flights

== block column.ambiguous

SELECT carrier FROM flights f JOIN airlines a ON f.carrier = a.carrier

SELECT year FROM flights JOIN planes ON flights.tailnum = planes.tailnum

== block column.whole_row

SELECT c FROM customers c

SELECT customers FROM customers

SELECT count(c) FROM customers c

SELECT c::text FROM customers c

== block table.duplicate

SELECT 1 FROM flights, flights

SELECT 1 FROM flights a JOIN airlines a ON a.carrier = a.carrier

== block join.unconnected

SELECT * FROM flights CROSS JOIN planes

SELECT * FROM flights, planes

SELECT * FROM flights f JOIN planes p ON 1 = 1

SELECT * FROM flights f JOIN planes p ON TRUE

SELECT * FROM flights f JOIN planes p ON f.carrier = 'UA'

SELECT * FROM flights f JOIN planes p ON f.tailnum = f.tailnum

SELECT * FROM flights a JOIN flights b ON a.tailnum <> b.tailnum

SELECT * FROM flights a, flights b WHERE a.tailnum <> b.tailnum

SELECT * FROM flights a, flights b WHERE a.distance > b.distance

SELECT * FROM flights f, airlines a, planes p WHERE f.carrier = a.carrier

SELECT * FROM flights f JOIN airlines a ON f.carrier = a.carrier CROSS JOIN weather w

SELECT * FROM flights f JOIN planes p ON f.tailnum = p.tailnum OR 1 = 1

SELECT * FROM flights f JOIN planes p ON f.tailnum = p.tailnum OR f.year = 2013

SELECT * FROM flights f LEFT JOIN planes p ON f.year = 2013

SELECT count(*) FROM (SELECT 1 FROM flights CROSS JOIN flights b) t

SELECT 1 FROM airlines WHERE EXISTS (SELECT 1 FROM flights a, flights b)

WITH a AS (SELECT carrier FROM flights), b AS (SELECT tailnum FROM planes) SELECT count(*) FROM a, b

SELECT * FROM flights f JOIN planes p ON f.tailnum || p.tailnum = 'x'

SELECT * FROM flights f JOIN planes p ON NOT f.tailnum = p.tailnum

SELECT * FROM flights CROSS JOIN (SELECT carrier FROM airlines GROUP BY carrier) a

SELECT * FROM flights f JOIN planes p ON (f.tailnum = p.tailnum) IS NOT NULL

== block query.recursive

WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t

WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t

SELECT * FROM (WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t) SELECT * FROM t) x

== block limit.dynamic

SELECT carrier FROM flights LIMIT 1 + 1

SELECT carrier FROM flights LIMIT (SELECT 5)

SELECT carrier FROM flights LIMIT -1

SELECT carrier FROM flights OFFSET distance

== block cap.joins

SELECT 1 FROM airlines a JOIN airlines b USING (carrier) JOIN airlines c USING (carrier) JOIN airlines d USING (carrier) JOIN airlines e USING (carrier) JOIN airlines f USING (carrier) JOIN airlines g USING (carrier) JOIN airlines h USING (carrier) JOIN airlines i USING (carrier) JOIN airlines j USING (carrier) JOIN airlines k USING (carrier) JOIN airlines l USING (carrier)

== block syntax.unsupported

SELECT * FROM flights TABLESAMPLE SYSTEM (10)

SELECT * FROM flights TABLESAMPLE BERNOULLI (10) REPEATABLE (1)

== block syntax.error

SELEC 1

SELECT 1 +

SELECT (1

SELECT * FROM

this is not sql

TABLE secret

ATTACH '/tmp/x.db' AS y FROM

SELECT 1 INTO OUTFILE '/tmp/x' FROM flights

SELECT carrier FROM flights AS f END f.distance

SELECT 1 END DROP TABLE flights
