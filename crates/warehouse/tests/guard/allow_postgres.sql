== allow

SELECT count(*) FROM flights

SELECT carrier, count(*) AS n FROM public.flights GROUP BY carrier ORDER BY n DESC

SELECT dep_delay::int, time_hour::date, carrier::text FROM flights LIMIT 5

SELECT date_trunc('month', time_hour) AS month, count(*) FROM flights GROUP BY 1 ORDER BY 1

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY dep_delay) FROM flights

SELECT mode() WITHIN GROUP (ORDER BY carrier) FROM flights

SELECT count(*) FILTER (WHERE dep_delay > 60) FROM flights

SELECT DISTINCT ON (carrier) carrier, dep_delay FROM flights ORDER BY carrier, dep_delay DESC

SELECT to_char(time_hour, 'YYYY-MM') AS ym, count(*) FROM flights GROUP BY ym

SELECT age(now(), time_hour) FROM flights LIMIT 1

SELECT carrier, string_agg(DISTINCT origin, ', ' ORDER BY origin) FROM flights GROUP BY carrier

SELECT a.carrier, t.dest FROM airlines a CROSS JOIN LATERAL (SELECT f.dest FROM flights f WHERE f.carrier = a.carrier LIMIT 3) t

SELECT a.carrier, t.dest FROM airlines a LEFT JOIN LATERAL (SELECT f.dest FROM flights f WHERE f.carrier = a.carrier ORDER BY f.distance DESC LIMIT 1) t ON TRUE

SELECT g.month, count(f.flight) FROM generate_series(1, 12) AS g (month) LEFT JOIN flights f ON f.month = g.month GROUP BY g.month

SELECT d::date FROM generate_series('2013-01-01'::timestamp, '2013-12-31'::timestamp, '1 day'::interval) AS d

SELECT name FROM airlines WHERE name ~* 'air'

SELECT name FROM airlines WHERE name = ANY(ARRAY['a', 'b'])

SELECT count FROM (SELECT count(*) FROM flights) t

SELECT json_build_object('carrier', carrier, 'name', name) FROM airlines

SELECT origin, carrier, count(*) FROM flights GROUP BY GROUPING SETS ((origin), (carrier), ())

SELECT EXTRACT(epoch FROM time_hour) FROM flights LIMIT 1

SELECT time_hour AT TIME ZONE 'America/New_York' FROM flights LIMIT 1

SELECT width_bucket(distance, 0, 5000, 10) AS bucket, count(*) FROM flights GROUP BY bucket

SELECT carrier, rank() OVER (ORDER BY count(*) DESC) FROM flights GROUP BY carrier

WITH m AS MATERIALIZED (SELECT month FROM flights) SELECT month, count(*) FROM m GROUP BY month

SELECT Carrier FROM FLIGHTS LIMIT 1

SELECT current_date - INTERVAL '7 days', now() - INTERVAL '1 month'

SELECT regexp_replace(name, 'Inc\.?', '', 'g') FROM airlines

SELECT unnest(ARRAY[1, 2, 3]) AS x

SELECT a.name, count(*) FROM flights f JOIN airlines a USING (carrier) GROUP BY a.name

SELECT carrier, avg(dep_delay) OVER (PARTITION BY carrier ORDER BY time_hour RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) FROM flights LIMIT 10

SELECT count(*) FROM flights WHERE (origin, dest) IN (('JFK', 'LAX'), ('LGA', 'ORD'))

SELECT round(avg(dep_delay)::numeric, 2) FROM flights

SELECT carrier FROM airlines FETCH FIRST 5 ROWS ONLY

SELECT E'a\'b' AS quoted

SELECT position('a' in name), substring(name from 1 for 2), trim(both ' ' from name) FROM airlines

SELECT make_date(year, month, day) FROM flights LIMIT 1

SELECT bool_and(dep_delay > 0), every(distance > 0) FROM flights

SELECT coalesce(sum(distance), 0) FROM flights WHERE carrier IS NOT DISTINCT FROM 'UA'

SELECT count(*) FROM flights WHERE tailnum SIMILAR TO 'N[0-9]+%'

SELECT md5(tailnum) FROM flights LIMIT 1
