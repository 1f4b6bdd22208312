== allow

SELECT count(*) FROM customers

SELECT country, count(*) AS customers FROM customers GROUP BY country ORDER BY customers DESC

SELECT status, count(*) AS n, sum(total_amount) AS revenue FROM orders GROUP BY status

SELECT date_trunc('month', ordered_at) AS month, sum(total_amount) AS revenue FROM orders WHERE status <> 'cancelled' GROUP BY month ORDER BY month

SELECT p.category, sum(i.amount) AS revenue FROM order_items i JOIN products p ON p.product_id = i.product_id GROUP BY p.category ORDER BY revenue DESC

SELECT c.country, avg(o.total_amount) AS basket FROM orders o JOIN customers c ON c.customer_id = o.customer_id GROUP BY c.country HAVING count(*) > 50

SELECT c.segment, count(DISTINCT o.customer_id) AS buyers, sum(o.total_amount) AS revenue FROM customers c LEFT JOIN orders o USING (customer_id) GROUP BY c.segment

SELECT date_trunc('day', occurred_at) AS day, count(DISTINCT customer_id) AS dau FROM events GROUP BY day ORDER BY day

SELECT event_type, device, count(*) FROM events GROUP BY CUBE (event_type, device)

WITH monthly AS (SELECT date_trunc('month', ordered_at) AS month, sum(total_amount) AS revenue FROM orders GROUP BY 1) SELECT month, revenue, lag(revenue) OVER (ORDER BY month) AS before, revenue - lag(revenue) OVER (ORDER BY month) AS change FROM monthly ORDER BY month

WITH firsts AS (SELECT customer_id, min(ordered_at) AS first_order FROM orders GROUP BY customer_id) SELECT date_trunc('month', first_order) AS cohort, count(*) FROM firsts GROUP BY cohort ORDER BY cohort

WITH firsts AS (SELECT customer_id, date_trunc('month', min(ordered_at)) AS cohort FROM orders GROUP BY customer_id), activity AS (SELECT DISTINCT customer_id, date_trunc('month', ordered_at) AS month FROM orders) SELECT f.cohort, a.month, count(*) AS active FROM firsts f JOIN activity a ON a.customer_id = f.customer_id GROUP BY f.cohort, a.month ORDER BY f.cohort, a.month

SELECT p.name, sum(i.quantity) AS pieces FROM products p JOIN order_items i ON i.product_id = p.product_id JOIN orders o ON o.order_id = i.order_id WHERE o.status = 'paid' GROUP BY p.name ORDER BY pieces DESC LIMIT 10

SELECT name FROM products WHERE product_id NOT IN (SELECT product_id FROM order_items)

SELECT c.customer_id, count(o.order_id) AS orders FROM customers c LEFT JOIN orders o ON o.customer_id = c.customer_id GROUP BY c.customer_id HAVING count(o.order_id) = 0

SELECT channel, payment_method, sum(total_amount) FROM orders GROUP BY ROLLUP (channel, payment_method)

SELECT payment_method, sum(total_amount) FILTER (WHERE channel = 'web') AS web, sum(total_amount) FILTER (WHERE channel = 'mobile') AS mobile FROM orders GROUP BY payment_method

SELECT sum(total_amount - shipping_cost + discount) AS goods FROM orders

SELECT count(*) * 1.0 / count(DISTINCT customer_id) AS orders_per_customer FROM orders

SELECT customer_id, order_id, ordered_at, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at) AS nth FROM orders LIMIT 50

SELECT avg(gap) FROM (SELECT ordered_at - lag(ordered_at) OVER (PARTITION BY customer_id ORDER BY ordered_at) AS gap FROM orders) t

SELECT device, count(*) * 100.0 / (SELECT count(*) FROM events) AS share FROM events GROUP BY device

SELECT brand, min(unit_price), max(unit_price), avg(unit_price) FROM products WHERE active GROUP BY brand

SELECT brand FROM products WHERE active IS TRUE AND unit_price BETWEEN 10 AND 20

SELECT o.order_id, sum(i.amount) - o.discount + o.shipping_cost - o.total_amount AS error FROM orders o JOIN order_items i USING (order_id) GROUP BY o.order_id, o.discount, o.shipping_cost, o.total_amount HAVING sum(i.amount) - o.discount + o.shipping_cost <> o.total_amount

SELECT city, count(*) FROM customers WHERE signed_up_at >= DATE '2025-01-01' GROUP BY city ORDER BY 2 DESC LIMIT 10

SELECT extract(year FROM signed_up_at) AS year, count(*) FROM customers GROUP BY year

SELECT extract(hour FROM ordered_at) AS hour, count(*) FROM orders GROUP BY extract(hour FROM ordered_at) ORDER BY hour

SELECT category, name, unit_price FROM (SELECT *, rank() OVER (PARTITION BY category ORDER BY unit_price DESC) AS place FROM products) ranked WHERE place <= 3

SELECT status, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS percent FROM orders GROUP BY status

SELECT c.country, p.category, sum(i.amount) AS revenue FROM order_items i JOIN orders o ON o.order_id = i.order_id JOIN customers c ON c.customer_id = o.customer_id JOIN products p ON p.product_id = i.product_id WHERE o.ordered_at >= TIMESTAMP '2025-01-01 00:00:00' GROUP BY c.country, p.category

WITH r AS (SELECT customer_id, sum(total_amount) AS spent FROM orders GROUP BY customer_id) SELECT ntile, avg(spent) FROM (SELECT spent, ntile(10) OVER (ORDER BY spent) AS ntile FROM r) t GROUP BY ntile ORDER BY ntile

SELECT 'web' AS channel, count(*) AS n FROM orders WHERE channel = 'web' UNION ALL SELECT 'mobile', count(*) FROM orders WHERE channel = 'mobile'

SELECT customer_id FROM orders INTERSECT SELECT customer_id FROM events WHERE event_type = 'search'

SELECT a.customer_id FROM events a JOIN events b ON a.customer_id = b.customer_id AND b.occurred_at > a.occurred_at AND b.occurred_at < a.occurred_at + INTERVAL '1 hour' WHERE a.event_type = 'view' AND b.event_type = 'purchase'

SELECT count(*) FROM orders o WHERE EXISTS (SELECT 1 FROM order_items i JOIN products p ON p.product_id = i.product_id WHERE i.order_id = o.order_id AND p.category = 'Toys')

SELECT date_trunc('week', ordered_at) AS week, channel, sum(total_amount) AS revenue, sum(sum(total_amount)) OVER (PARTITION BY channel ORDER BY date_trunc('week', ordered_at)) AS running FROM orders GROUP BY 1, 2

SELECT coalesce(c.city, 'unknown') AS city, count(*) AS n FROM customers c GROUP BY coalesce(c.city, 'unknown') ORDER BY n DESC, city

SELECT max(total_amount) AS biggest, min(total_amount) AS smallest, stddev(total_amount) FROM orders

SELECT product_id, quantity * unit_price AS amount FROM order_items WHERE quantity >= 5 ORDER BY amount DESC LIMIT 20

WITH this AS (SELECT sum(total_amount) AS v FROM orders WHERE ordered_at >= DATE '2025-06-01' AND ordered_at < DATE '2025-07-01'), that AS (SELECT sum(total_amount) AS v FROM orders WHERE ordered_at >= DATE '2024-06-01' AND ordered_at < DATE '2024-07-01') SELECT this.v, that.v AS before, 100.0 * (this.v - that.v) / that.v AS growth FROM this, that

SELECT t.device, t.n FROM (SELECT device, count(*) AS n FROM events GROUP BY device) AS t (device, n) WHERE t.n > 100

SELECT last_name, first_name FROM customers ORDER BY last_name, first_name LIMIT 100 OFFSET 100

SELECT DISTINCT country, city FROM customers ORDER BY country, city

SELECT o.channel, count(*) FROM orders o WHERE o.customer_id IN (SELECT customer_id FROM customers WHERE country = 'DE') GROUP BY o.channel

SELECT customer_id, array_agg(event_type ORDER BY occurred_at) AS path FROM events GROUP BY customer_id LIMIT 10

SELECT x.status, x.n FROM (SELECT status, count(*) AS n FROM orders GROUP BY status) x ORDER BY x.n DESC LIMIT 1

SELECT CASE WHEN total_amount < 50 THEN 'small' WHEN total_amount < 200 THEN 'medium' ELSE 'large' END AS size, count(*) FROM orders GROUP BY size
