-- Ends orders of earlier attempts of whose end nobody was told: those that a dead worker, a lost connection or a closing
-- auction has left behind. An attempt that intends an order, that has ended live, or that has cancelled all orders has
-- seen before that none is open on its account any more, and has had what filled of them written down.
-- There are few such orders, and as a rule none, so that the batch is looked through for each of them.
--
-- $1 first and  $2 last counter of the batch, which has just been stored
WITH left_behind AS MATERIALIZED (
    SELECT order_ref, account_id, quantity, last_counter
    FROM rebalance_orders
    WHERE status IN ('intended', 'PENDING', 'WORKING', 'UNCONFIRMED')
), ended AS (
    SELECT order_ref, clear.at, COALESCE(filled.quantity, 0) AS quantity, filled.value / filled.quantity AS average_price,
           CASE WHEN filled.quantity IS NULL THEN 0 ELSE filled.commission END AS commission,
           COALESCE(filled.quantity, 0) >= left_behind.quantity AS is_filled
    FROM left_behind
    CROSS JOIN LATERAL (
        SELECT max(told.recorded_at) AS at
        FROM event_history AS told
        WHERE told.counter BETWEEN $1 AND $2
          AND told.account_id = left_behind.account_id
          AND (
              told.kind = 'order_intent'
              OR told.kind = 'completed' AND (
                  told.event ->> 'exec_command' = 'cancel-orders'
                  OR told.details #>> '{result,execution_mode}' = 'live'
              )
          )
          AND EXISTS (
              SELECT FROM event_history AS claim
              WHERE claim.event_id = told.event_id AND claim.kind = 'claimed'
                AND claim.counter > left_behind.last_counter AND claim.counter < told.counter
          )
    ) AS clear
    CROSS JOIN LATERAL (
        SELECT sum(quantity) AS quantity, sum(quantity * price) AS value,
               sum(commission) FILTER (WHERE commission_currency = 'USD') AS commission
        FROM rebalance_fills
        WHERE rebalance_fills.order_ref = left_behind.order_ref
    ) AS filled
    WHERE clear.at IS NOT NULL
)
UPDATE rebalance_orders AS known SET
    status = CASE WHEN is_filled THEN 'FILLED' ELSE 'ENDED' END,
    filled_quantity = ended.quantity,
    average_price = ended.average_price,
    commission = ended.commission,
    message = concat_ws('; ', NULLIF(known.message, ''), 'a later attempt found it no longer open'),
    finished_at = ended.at
FROM ended
WHERE known.order_ref = ended.order_ref
