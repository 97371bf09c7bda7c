-- Brings orders up to date with executions that came after the last word on them, as those of the closing auction do.
--
-- $1 details (JSON) of fills
WITH told AS (
    SELECT DISTINCT details::jsonb ->> 'order_ref' AS order_ref FROM unnest($1::text[]) AS r (details)
), filled AS (
    SELECT order_ref, sum(quantity) AS quantity, sum(quantity * price) AS value, sum(commission) AS commission,
           max(executed_at) AS at, max(last_counter) AS last_counter
    FROM rebalance_fills JOIN told USING (order_ref)
    GROUP BY order_ref
)
UPDATE rebalance_orders AS known SET
    status = CASE WHEN filled.quantity >= known.quantity THEN 'FILLED' ELSE known.status END,
    filled_quantity = filled.quantity,
    average_price = filled.value / filled.quantity,
    commission = filled.commission,
    finished_at = CASE WHEN filled.quantity >= known.quantity THEN filled.at ELSE known.finished_at END
FROM filled
WHERE known.order_ref = filled.order_ref AND known.last_counter < filled.last_counter
