== block statement.kind

LISTEN a

NOTIFY a, 'b'

UNLISTEN a

LOCK TABLE flights

== block function.table

SELECT * FROM json_populate_record(NULL, '{}')

== block function.forbidden

SELECT * FROM pg_read_file('/etc/passwd')

SELECT * FROM pg_ls_dir('/')

SELECT * FROM dblink('host=x', 'SELECT 1') AS t (a int)

SELECT a.carrier FROM airlines a, LATERAL pg_sleep(1)

SELECT has_table_privilege('flights', 'select')

SELECT pg_get_viewdef('v')

SELECT currval('s')

SELECT table_to_xml('flights', true, true, '')

SELECT lo_get(1)

== block table.file

SELECT * FROM "/etc/passwd"

== block type.unknown

SELECT 'x'::xml

SELECT 'x'::my_type

== block column.whole_row

SELECT (c).email FROM customers c

== block function.session

SELECT txid_current()

== block syntax.error

SELECT * FROM ROWS FROM (generate_series(1, 2))
