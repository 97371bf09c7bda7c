-- Lets orders follow their executions, whoever told last: what fills after the last word on an order, as in the closing
-- auction, is added; what a correction takes back is taken back, also from a result that had not heard of it. Without a
-- correction shares only ever come in, so that of two counts the higher one is right.
--
-- $1 event ids of fills and results, stored in history
WITH told AS (
    SELECT details ->> 'order_ref' AS order_ref, bool_or(details ? 'replaces') AS is_corrected
    FROM event_history
    WHERE event_id = ANY ($1::uuid[]) AND kind = 'fill'
    GROUP BY details ->> 'order_ref'
), standing AS (
    SELECT order_ref, sum(quantity) AS quantity, sum(quantity * price) / sum(quantity) AS average_price,
           sum(commission) FILTER (WHERE commission_currency = 'USD') AS commission, max(executed_at) AS at
    FROM rebalance_fills
    WHERE event_id = ANY ($1::uuid[])
    GROUP BY order_ref
), due AS (
    SELECT order_ref,
           CASE WHEN standing.quantity >= known.quantity THEN 'FILLED'
                WHEN known.status = 'FILLED' THEN 'ENDED'
                ELSE known.status END AS status,
           COALESCE(standing.quantity, 0) AS filled_quantity,
           standing.average_price,
           CASE WHEN standing.quantity IS NULL THEN 0
                ELSE COALESCE(standing.commission, known.commission) END AS commission,
           CASE WHEN standing.quantity >= known.quantity AND known.status <> 'FILLED' THEN standing.at
                ELSE known.finished_at END AS finished_at
    FROM rebalance_orders AS known
    JOIN told USING (order_ref)
    LEFT JOIN standing USING (order_ref)
    WHERE told.is_corrected OR standing.quantity >= COALESCE(known.filled_quantity, 0)
)
UPDATE rebalance_orders AS known SET
    status = due.status,
    filled_quantity = due.filled_quantity,
    average_price = due.average_price,
    commission = due.commission,
    finished_at = due.finished_at
FROM due
WHERE known.order_ref = due.order_ref
  AND (known.status, known.filled_quantity, known.average_price, known.commission, known.finished_at)
      IS DISTINCT FROM (due.status, due.filled_quantity, due.average_price, due.commission, due.finished_at)
