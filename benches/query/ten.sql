-- Ten analytic queries over orders (10,000,000 rows) and customers (1,000,000), as the load program makes them.
-- q01_filter_count
SELECT count(*) AS n FROM orders WHERE status = 'completed' AND quantity > 5;
-- q02_group20
SELECT country, count(*) AS n, sum(quantity*unit_price*(1-discount)) AS rev FROM orders GROUP BY country ORDER BY rev DESC;
-- q03_month_channel
SELECT date_trunc('month', ordered_at) AS m, channel, sum(quantity*unit_price) AS rev FROM orders GROUP BY 1, 2 ORDER BY 1, 2;
-- q04_top_customers
SELECT customer_id, sum(quantity*unit_price) AS rev FROM orders GROUP BY customer_id ORDER BY rev DESC, customer_id LIMIT 10;
-- q05_count_distinct
SELECT country, count(DISTINCT customer_id) AS buyers FROM orders GROUP BY country ORDER BY country;
-- q06_join_segment
SELECT c.segment, count(*) AS n, sum(o.quantity*o.unit_price) AS rev FROM orders o JOIN customers c ON c.customer_id = o.customer_id WHERE c.score > 50 GROUP BY c.segment ORDER BY c.segment;
-- q07_moving_avg
WITH d AS (SELECT CAST(ordered_at AS DATE) AS day, sum(quantity*unit_price) AS rev FROM orders GROUP BY 1) SELECT day, rev, avg(rev) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS ma7 FROM d ORDER BY day;
-- q08_median
SELECT channel, median(unit_price) AS med, stddev(unit_price) AS sd FROM orders GROUP BY channel ORDER BY channel;
-- q09_like
SELECT count(*) AS n FROM orders WHERE email LIKE '%9999@example%' AND status <> 'cancelled';
-- q10_topn_per_group
SELECT country, order_id, amt FROM (SELECT country, order_id, quantity*unit_price AS amt, row_number() OVER (PARTITION BY country ORDER BY quantity*unit_price DESC, order_id) AS rn FROM orders) t WHERE rn <= 3 ORDER BY country, amt DESC, order_id;
