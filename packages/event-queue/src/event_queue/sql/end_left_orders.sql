-- Ends orders of earlier attempts of whose end nobody was told: those that a dead worker, a lost connection or a closing
-- auction has left behind. An attempt that intends an order, that has ended live, or that has cancelled all orders has
-- seen before that none is open on its account any more, and has had what filled of them written down.
--
-- $1 counters of the batch, which has just been stored
WITH clear AS (
    SELECT told.account_id, max(claim.counter) AS since, max(told.recorded_at) AS at
    FROM event_history AS told
    CROSS JOIN LATERAL (
        SELECT max(counter) AS counter
        FROM event_history
        WHERE event_id = told.event_id AND kind = 'claimed' AND counter < told.counter
    ) AS claim
    WHERE told.counter = ANY ($1)
      AND (
          told.kind = 'order_intent'
          OR told.kind = 'completed' AND (
              told.event ->> 'exec_command' = 'cancel-orders'
              OR told.details #>> '{result,execution_mode}' = 'live'
          )
      )
    GROUP BY told.account_id
), ended AS (
    SELECT orders.order_ref, clear.at, COALESCE(filled.quantity, 0) AS quantity,
           filled.value / filled.quantity AS average_price, COALESCE(filled.commission, 0) AS commission,
           COALESCE(filled.quantity, 0) >= orders.quantity AS is_filled
    FROM rebalance_orders AS orders
    JOIN clear ON orders.account_id = clear.account_id AND orders.last_counter < clear.since
    CROSS JOIN LATERAL (
        SELECT sum(quantity) AS quantity, sum(quantity * price) AS value, sum(commission) AS commission
        FROM rebalance_fills
        WHERE order_ref = orders.order_ref
    ) AS filled
    WHERE orders.status IN ('intended', 'PENDING', 'WORKING', 'UNCONFIRMED')
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
