== block table.file

SELECT * FROM 'data.parquet'

SELECT * FROM '/etc/passwd'

SELECT * FROM "/etc/passwd"

SELECT * FROM "data/flights.parquet"

SELECT * FROM "https://example.com/x.parquet"

SELECT * FROM "s3://bucket/x.csv"

SELECT * FROM `x.csv`

SELECT * FROM 'flights'

SELECT f.carrier FROM flights f JOIN 'x.parquet' x ON f.carrier = x.carrier

== block function.forbidden

SELECT * FROM read_csv('/etc/passwd')

SELECT * FROM read_parquet('x.parquet')

SELECT input_file_name() FROM flights

== block function.table

SELECT * FROM parquet_metadata('x.parquet')

SELECT * FROM metadata_cache()

SELECT * FROM arrow_file('x')

SELECT * FROM TABLE(flights)

== block statement.kind

CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'

PRAGMA table_info('flights')

INSTALL httpfs

== block lexer.parameter

SELECT ?

== block statement.setting

SELECT * FROM flights SETTINGS max_threads = 1

== block syntax.unsupported

SELECT * FROM flights |> LIMIT 1

SELECT * FROM flights PREWHERE carrier = 'UA'

SELECT TOP 5 carrier FROM flights

SELECT DISTINCT carrier, STRUCT(1, 2) FROM flights

SELECT * FROM flights LIMIT 5 BY carrier

SELECT carrier FROM flights SORT BY carrier

SELECT carrier FROM flights CONNECT BY PRIOR carrier = origin

SELECT carrier COLLATE "C" FROM flights

SELECT {'a': 1}

SELECT a:b FROM (SELECT 1 AS a) t

SELECT array_transform([1], x -> x + 1)

SELECT FROM flights

== block column.unknown

SELECT * EXCEPT (nosuch) FROM flights

== block syntax.error

SELECT * FROM flights FOR SYSTEM_TIME AS OF '2020-01-01'
