-- Stores what the brokerage said of orders; the latest word stays.
--
-- $1 counters  $2 event ids  $3 accounts  $4 moments  $5 details (JSON)
INSERT INTO rebalance_orders AS known (
    order_ref, event_id, account_id, symbol, side, quantity, order_type, limit_price, time_in_force, reason,
    status, filled_quantity, average_price, commission, message, finished_at, last_counter
)
SELECT DISTINCT ON (details ->> 'order_ref')
       details ->> 'order_ref', event_id, account_id, details ->> 'symbol', details ->> 'side',
       (details ->> 'quantity')::numeric, details ->> 'order_type', (details ->> 'limit_price')::numeric,
       details ->> 'time_in_force', details ->> 'reason', details ->> 'status',
       (details ->> 'filled_quantity')::numeric, (details ->> 'average_price')::numeric,
       (details ->> 'commission')::numeric, details ->> 'message', recorded_at, counter
FROM (
    SELECT counter, event_id, account_id, recorded_at, details::jsonb AS details
    FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
         AS r (counter, event_id, account_id, recorded_at, details)
) AS batch
ORDER BY details ->> 'order_ref', counter DESC
ON CONFLICT (order_ref) DO UPDATE SET
    status = excluded.status,
    filled_quantity = excluded.filled_quantity,
    average_price = excluded.average_price,
    commission = excluded.commission,
    message = excluded.message,
    finished_at = excluded.finished_at,
    last_counter = excluded.last_counter
WHERE known.last_counter < excluded.last_counter
