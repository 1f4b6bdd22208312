== allow

SELECT count(*) FROM flights

SELECT count(*) AS n FROM flights WHERE month = 2

SELECT carrier, count(*) AS n FROM flights GROUP BY carrier ORDER BY n DESC

SELECT carrier, avg(dep_delay) AS mean_delay FROM flights WHERE dep_delay IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 5

SELECT * FROM airlines

SELECT * FROM flights LIMIT 10

SELECT f.* FROM flights AS f LIMIT 10

SELECT * EXCEPT (year, month) FROM flights LIMIT 3

SELECT * EXCLUDE (year) FROM flights LIMIT 3

SELECT DISTINCT origin FROM flights

SELECT COUNT(DISTINCT tailnum) FROM flights

SELECT a.name, count(*) FROM flights f JOIN airlines a ON f.carrier = a.carrier GROUP BY a.name

SELECT a.name, count(*) AS n FROM flights f INNER JOIN airlines a USING (carrier) GROUP BY a.name ORDER BY n DESC, a.name ASC

SELECT name, count(*) FROM flights NATURAL JOIN airlines GROUP BY name

SELECT f.origin, f.dest, p.manufacturer FROM flights f LEFT JOIN planes p ON p.tailnum = f.tailnum WHERE p.tailnum IS NULL

SELECT f.carrier, w.temp FROM flights f JOIN weather w ON f.origin = w.origin AND f.time_hour = w.time_hour

SELECT o.name AS origin_name, d.name AS dest_name, count(*) AS n FROM flights f JOIN airports o ON f.origin = o.faa JOIN airports d ON f.dest = d.faa GROUP BY o.name, d.name ORDER BY n DESC LIMIT 20

SELECT f.carrier FROM flights f, airlines a WHERE f.carrier = a.carrier

SELECT f.carrier FROM flights f, airlines a, planes p WHERE f.carrier = a.carrier AND f.tailnum = p.tailnum

SELECT month, count(*) FILTER (WHERE dep_delay > 60) AS late, count(*) AS n FROM flights GROUP BY month ORDER BY month

SELECT month, round(100.0 * sum(CASE WHEN arr_delay > 15 THEN 1 ELSE 0 END) / count(*), 2) AS share FROM flights GROUP BY month

SELECT origin, CASE origin WHEN 'JFK' THEN 'Kennedy' WHEN 'LGA' THEN 'La Guardia' ELSE 'Newark' END AS airport, count(*) FROM flights GROUP BY origin

WITH late AS (SELECT carrier, dep_delay FROM flights WHERE dep_delay > 60) SELECT carrier, count(*) FROM late GROUP BY carrier

WITH a AS (SELECT carrier, count(*) AS n FROM flights GROUP BY carrier), b AS (SELECT max(n) AS most FROM a) SELECT a.carrier FROM a JOIN b ON a.n = b.most

WITH t (c, n) AS (SELECT carrier, count(*) FROM flights GROUP BY carrier) SELECT c, n FROM t WHERE n > 1000

WITH outermost AS (WITH innermost AS (SELECT month FROM flights) SELECT month, count(*) AS n FROM innermost GROUP BY month) SELECT * FROM outermost ORDER BY n

SELECT carrier FROM flights GROUP BY carrier HAVING count(*) > 10000

SELECT carrier, count(*) AS n FROM flights GROUP BY carrier HAVING n > 10000

SELECT carrier, month, rank() OVER (PARTITION BY month ORDER BY count(*) DESC) AS r FROM flights GROUP BY carrier, month

SELECT carrier, month, n, lag(n) OVER (PARTITION BY carrier ORDER BY month) AS before FROM (SELECT carrier, month, count(*) AS n FROM flights GROUP BY carrier, month) AS t

SELECT day, sum(n) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS week FROM (SELECT date_trunc('day', time_hour) AS day, count(*) AS n FROM flights GROUP BY 1) t

SELECT month, n, sum(n) OVER (ORDER BY month ROWS UNBOUNDED PRECEDING) AS running FROM (SELECT month, count(*) AS n FROM flights GROUP BY month) t

SELECT month, avg(n) OVER (ORDER BY month ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM (SELECT month, count(*) AS n FROM flights GROUP BY month) t

SELECT origin, dest, row_number() OVER w AS r FROM (SELECT origin, dest, count(*) AS n FROM flights GROUP BY origin, dest) t WINDOW w AS (PARTITION BY origin ORDER BY n DESC)

SELECT carrier, dep_delay FROM flights QUALIFY row_number() OVER (PARTITION BY carrier ORDER BY dep_delay DESC) = 1

SELECT carrier, first_value(dep_delay) OVER (PARTITION BY carrier ORDER BY time_hour) FROM flights LIMIT 10

SELECT carrier, first_value(dep_delay) IGNORE NULLS OVER (PARTITION BY carrier ORDER BY time_hour) FROM flights LIMIT 10

SELECT carrier, last_value(dep_delay ORDER BY time_hour) FROM flights GROUP BY carrier

SELECT ntile(4) OVER (ORDER BY distance) AS quartile, distance FROM flights LIMIT 100

SELECT carrier, percent_rank() OVER (ORDER BY n), cume_dist() OVER (ORDER BY n), dense_rank() OVER (ORDER BY n) FROM (SELECT carrier, count(*) AS n FROM flights GROUP BY carrier) t

SELECT origin, carrier, count(*) FROM flights GROUP BY GROUPING SETS ((origin), (carrier), ())

SELECT origin, carrier, count(*) FROM flights GROUP BY ROLLUP (origin, carrier)

SELECT origin, carrier, count(*) FROM flights GROUP BY CUBE (origin, carrier)

SELECT origin, grouping(origin) AS total, count(*) FROM flights GROUP BY ROLLUP (origin)

SELECT * FROM flights f WHERE EXISTS (SELECT 1 FROM planes p WHERE p.tailnum = f.tailnum AND p.seats > 300) LIMIT 10

SELECT count(*) FROM flights f WHERE NOT EXISTS (SELECT 1 FROM planes p WHERE p.tailnum = f.tailnum)

SELECT count(*) FROM flights WHERE dest IN (SELECT faa FROM airports WHERE tz = -8)

SELECT count(*) FROM flights WHERE dest NOT IN ('LAX', 'SFO', 'SEA')

SELECT carrier, (SELECT name FROM airlines a WHERE a.carrier = f.carrier) AS name, count(*) FROM flights f GROUP BY carrier

SELECT carrier FROM flights WHERE distance > (SELECT avg(distance) FROM flights) LIMIT 5

SELECT median(dep_delay) FROM flights

SELECT approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY dep_delay) FROM flights

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY dep_delay) FROM flights

SELECT approx_distinct(tailnum) FROM flights

SELECT stddev(dep_delay), var_pop(dep_delay), corr(dep_delay, arr_delay) FROM flights

SELECT CAST(dep_delay AS INT) FROM flights LIMIT 1

SELECT dep_delay::int, distance::double FROM flights LIMIT 1

SELECT TRY_CAST(tailnum AS INT) FROM flights LIMIT 1

SELECT CAST(distance AS DECIMAL(10, 2)) / 1.609 FROM flights LIMIT 1

SELECT time_hour + INTERVAL '1 day' FROM flights LIMIT 1

SELECT time_hour - INTERVAL '3' MONTH FROM flights LIMIT 1

SELECT count(*) FROM flights WHERE time_hour >= DATE '2013-06-01' AND time_hour < DATE '2013-07-01'

SELECT count(*) FROM flights WHERE time_hour BETWEEN TIMESTAMP '2013-06-01 00:00:00' AND TIMESTAMP '2013-06-30 23:59:59'

SELECT EXTRACT(hour FROM time_hour) AS h, count(*) FROM flights GROUP BY h ORDER BY h

SELECT extract(dow FROM time_hour), count(*) FROM flights GROUP BY 1

SELECT date_part('month', time_hour), count(*) FROM flights GROUP BY 1

SELECT date_trunc('week', time_hour) AS week, count(*) FROM flights GROUP BY week ORDER BY week

SELECT date_bin(INTERVAL '15 minutes', time_hour) AS slot, count(*) FROM flights GROUP BY slot

SELECT to_char(time_hour, '%Y-%m') AS ym, count(*) FROM flights GROUP BY ym

SELECT make_date(year, month, day) AS d, count(*) FROM flights GROUP BY d

SELECT upper(name), lower(name), length(name), trim(name), substr(name, 1, 3) FROM airlines

SELECT SUBSTRING(name FROM 1 FOR 3), POSITION('a' IN name), TRIM(BOTH ' ' FROM name) FROM airlines

SELECT trim(LEADING 'A' FROM name), overlay(name PLACING 'X' FROM 1 FOR 1) FROM airlines

SELECT concat(carrier, '-', name), carrier || ': ' || name FROM airlines

SELECT replace(name, 'Inc.', ''), split_part(name, ' ', 1), initcap(name), reverse(name), left(name, 2), right(name, 2) FROM airlines

SELECT lpad(carrier, 5, '0'), rpad(carrier, 5), repeat('ab', 3) FROM airlines

SELECT name FROM airlines WHERE name LIKE '%Air%' OR name ILIKE '%jet%'

SELECT name FROM airlines WHERE name NOT LIKE 'A\_%' ESCAPE '\'

SELECT name FROM airlines WHERE regexp_like(name, '^A') AND name ~ 'Air'

SELECT regexp_replace(name, '[aeiou]', '', 'g') FROM airlines

SELECT name FROM airlines WHERE name SIMILAR TO '%(Air|Jet)%'

SELECT DISTINCT ON (carrier) carrier, dep_delay FROM flights ORDER BY carrier, dep_delay DESC

SELECT carrier FROM airlines UNION SELECT origin FROM flights

SELECT carrier FROM airlines UNION ALL SELECT carrier FROM flights LIMIT 10

SELECT carrier FROM airlines INTERSECT SELECT carrier FROM flights

SELECT faa FROM airports EXCEPT SELECT dest FROM flights

(SELECT carrier FROM airlines ORDER BY carrier LIMIT 3) UNION ALL (SELECT origin FROM flights LIMIT 3)

SELECT carrier AS c FROM airlines UNION SELECT origin FROM flights ORDER BY c

SELECT carrier FROM airlines ORDER BY carrier LIMIT 5 OFFSET 5

SELECT carrier FROM airlines ORDER BY carrier OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY

SELECT carrier FROM airlines ORDER BY carrier FETCH FIRST 3 ROWS ONLY

SELECT Carrier AS "The Carrier", COUNT(*) AS "Number of flights" FROM Flights GROUP BY Carrier ORDER BY "Number of flights" DESC

SELECT F.Carrier FROM FLIGHTS AS F WHERE F.MONTH = 1

SELECT "carrier" FROM "flights" LIMIT 1

VALUES (1, 'a'), (2, 'b')

SELECT * FROM (VALUES (1, 'Jan'), (2, 'Feb')) AS m (n, name)

SELECT m.name, count(*) FROM flights f JOIN (VALUES (1, 'Jan'), (2, 'Feb')) AS m (n, name) ON f.month = m.n GROUP BY m.name

SELECT carrier, n, 100.0 * n / total FROM (SELECT carrier, count(*) AS n FROM flights GROUP BY carrier) a CROSS JOIN (SELECT count(*) AS total FROM flights) b

SELECT carrier, count(*) * 100.0 / sum(count(*)) OVER () AS share FROM flights GROUP BY carrier

SELECT f.carrier FROM flights f CROSS JOIN (VALUES (1), (2), (3)) AS v (x) WHERE f.month = v.x

SELECT origin, v.x FROM airlines CROSS JOIN (VALUES (1), (2)) AS v (x), (SELECT max(origin) AS origin FROM flights) t

SELECT 1

SELECT 1 + 1 AS two, 'x' AS x, NULL AS nothing, TRUE AS yes

SELECT now(), current_date, current_timestamp

SELECT coalesce(tailnum, 'unknown'), nullif(dep_delay, 0), greatest(1, 2), least(1, 2) FROM flights LIMIT 1

SELECT abs(dep_delay), round(distance / 3.0, 1), floor(distance), ceil(distance), sqrt(distance), power(2, 3), ln(distance) FROM flights LIMIT 1

SELECT distance % 10, -distance, +distance, distance / 2, - - distance FROM flights LIMIT 1

SELECT count(*) FROM flights WHERE NOT (dep_delay > 0 AND arr_delay > 0)

SELECT count(*) FROM flights WHERE dep_delay IS DISTINCT FROM arr_delay

SELECT count(*) FROM flights WHERE (dep_delay > 0) IS TRUE

SELECT count(*) FROM flights WHERE (dep_delay > 0) IS NOT TRUE OR dep_time IS NULL

SELECT count(*) FROM flights WHERE dep_delay NOT BETWEEN -5 AND 5

SELECT count(*) FROM flights WHERE carrier != 'UA' AND origin <> 'JFK'

SELECT array_agg(DISTINCT carrier) FROM flights

SELECT string_agg(name, ', ' ORDER BY name) FROM airlines

SELECT origin, array_agg(carrier ORDER BY carrier) AS carriers FROM (SELECT DISTINCT origin, carrier FROM flights) t GROUP BY origin

SELECT sum(distance) AS miles, min(time_hour), max(time_hour) FROM flights

SELECT bool_or(dep_delay > 100), bool_and(distance > 10) FROM flights

SELECT hour, count(*) FROM flights GROUP BY hour ORDER BY hour NULLS FIRST

SELECT carrier, dep_delay FROM flights ORDER BY dep_delay DESC NULLS LAST, carrier ASC LIMIT 5

SELECT value FROM generate_series(1, 12)

SELECT g.value AS month, count(f.flight) FROM generate_series(1, 12) AS g LEFT JOIN flights f ON f.month = g.value GROUP BY g.value

SELECT * FROM range(0, 10)

SELECT * FROM generate_series(TIMESTAMP '2013-01-01T00:00:00', TIMESTAMP '2013-12-31T00:00:00', INTERVAL '1 day')

SELECT unnest([1, 2, 3]) AS x

SELECT * FROM unnest([1, 2, 3]) AS u (x)

SELECT make_array(1, 2, 3)[1]

SELECT a.faa FROM airports a WHERE a.lat = (SELECT max(lat) FROM airports)

SELECT t.carrier FROM (SELECT carrier, count(*) AS n FROM flights GROUP BY carrier) t JOIN (SELECT carrier FROM airlines) a ON t.carrier = a.carrier

SELECT f1.carrier, count(*) FROM flights f1 JOIN flights f2 ON f1.tailnum = f2.tailnum AND f1.time_hour < f2.time_hour GROUP BY f1.carrier

SELECT a.carrier, b.carrier FROM airlines a JOIN airlines b ON a.name = b.name AND a.carrier <> b.carrier

SELECT month, carrier, n FROM (SELECT month, carrier, count(*) AS n, row_number() OVER (PARTITION BY month ORDER BY count(*) DESC) AS r FROM flights GROUP BY month, carrier) ranked WHERE r <= 3 ORDER BY month, r

SELECT p.manufacturer, avg(2013 - p.year) AS age FROM planes p GROUP BY p.manufacturer HAVING count(*) >= 10 ORDER BY age

SELECT year, month, day, count(*) FROM flights GROUP BY year, month, day ORDER BY count(*) DESC LIMIT 1

SELECT carrier, sum(dep_delay) / count(dep_delay) FROM flights GROUP BY ALL

SELECT concat_ws(', ', name, faa) FROM airports WHERE faa IN ('JFK', 'LGA')

SELECT carrier, avg(dep_delay) FROM flights WHERE origin = 'JFK' AND (month = 6 OR month = 7 OR month = 8) GROUP BY carrier

SELECT corr(w.visib, f.dep_delay) FROM flights f JOIN weather w USING (origin, time_hour)

SELECT CASE WHEN dep_delay < 0 THEN 'early' WHEN dep_delay < 15 THEN 'on time' WHEN dep_delay < 60 THEN 'late' ELSE 'very late' END AS bucket, count(*) FROM flights GROUP BY 1 ORDER BY 2 DESC

SELECT floor(dep_delay / 10) * 10 AS bin, count(*) FROM flights GROUP BY bin ORDER BY bin

SELECT origin, max(CASE WHEN month = 1 THEN n END) AS jan, max(CASE WHEN month = 2 THEN n END) AS feb FROM (SELECT origin, month, count(*) AS n FROM flights GROUP BY origin, month) t GROUP BY origin

SELECT x.origin, x.n - y.n AS change FROM (SELECT origin, count(*) AS n FROM flights WHERE month = 2 GROUP BY origin) x JOIN (SELECT origin, count(*) AS n FROM flights WHERE month = 1 GROUP BY origin) y ON x.origin = y.origin

SELECT carrier /* the two-letter code */, count(*) -- how many
FROM flights GROUP BY carrier

SELECT /*+ BROADCAST(a) */ a.name FROM airlines a

SELECT 'drop table flights; -- not code' AS text

SELECT 'it''s /* not */ a comment', 'pg_sleep(10)', E'tab\tand ''quote'''

SELECT 'Zürich', '東京', '🛫' AS "départ"

SELECT count(*) FROM flights;

FROM airlines

SELECT faa FROM airports WHERE faa = ANY(SELECT dest FROM flights)

SELECT avg(n) FROM (SELECT count(*) AS n FROM flights GROUP BY year, month, day)

SELECT count(*) FROM (SELECT 1 FROM flights LIMIT 100) AS t

SELECT f.year, p.year AS built FROM flights f JOIN planes p USING (tailnum) LIMIT 5

SELECT a.carrier FROM (airlines a JOIN flights f ON a.carrier = f.carrier) JOIN planes p ON f.tailnum = p.tailnum LIMIT 5

SELECT f.flight FROM flights f LEFT SEMI JOIN planes p ON f.tailnum = p.tailnum LIMIT 5

SELECT f.flight FROM flights f LEFT ANTI JOIN planes p ON f.tailnum = p.tailnum LIMIT 5

SELECT a.name FROM airlines a FULL OUTER JOIN (SELECT DISTINCT carrier FROM flights) f ON a.carrier = f.carrier

SELECT w.origin, f.n FROM weather w RIGHT JOIN (SELECT origin, time_hour, count(*) AS n FROM flights GROUP BY origin, time_hour) f ON w.origin = f.origin AND w.time_hour = f.time_hour LIMIT 10

SELECT public.flights.carrier FROM public.flights LIMIT 1

SELECT random() AS r FROM flights ORDER BY r LIMIT 10

SELECT count(*) FROM flights WHERE (origin, dest) IN (('JFK', 'LAX'), ('JFK', 'SFO'))

SELECT "count(*)" FROM (SELECT count(*) FROM flights) t

SELECT * FROM (SELECT carrier, month FROM flights) WHERE month = 1 LIMIT 1

SELECT nvl(dep_delay, 0) AS d FROM flights ORDER BY d LIMIT 1

SELECT a.name FROM airlines a JOIN (SELECT carrier FROM flights GROUP BY carrier ORDER BY count(*) DESC LIMIT 1) t ON t.carrier = a.carrier

SELECT count(*) FROM flights WHERE dep_time IS NULL AND month IN (1, 2, 3)

SELECT lead(time_hour, 1) OVER (PARTITION BY tailnum ORDER BY time_hour) - time_hour AS gap FROM flights LIMIT 10

SELECT carrier, dep_delay, avg(dep_delay) OVER (PARTITION BY carrier ORDER BY time_hour RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) FROM flights LIMIT 10

SELECT event_type, approx_distinct(customer_id) FROM events GROUP BY event_type

SELECT segment, median(total_amount) FROM orders JOIN customers USING (customer_id) GROUP BY segment
