-- Stores orders as they were before being sent. An order whose result came first keeps it.
--
-- $1 counters  $2 event ids  $3 accounts  $4 moments  $5 details (JSON)
INSERT INTO rebalance_orders AS known (
    order_ref, event_id, account_id, symbol, side, quantity, order_type, limit_price, time_in_force, reason,
    intended_at, last_counter
)
SELECT DISTINCT ON (details ->> 'order_ref')
       details ->> 'order_ref', event_id, account_id, details ->> 'symbol', details ->> 'side',
       (details ->> 'quantity')::numeric, details ->> 'order_type', (details ->> 'limit_price')::numeric,
       details ->> 'time_in_force', details ->> 'reason', recorded_at, counter
FROM (
    SELECT counter, event_id, account_id, recorded_at, details::jsonb AS details
    FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
         AS r (counter, event_id, account_id, recorded_at, details)
) AS batch
ORDER BY details ->> 'order_ref', counter
ON CONFLICT (order_ref) DO UPDATE SET intended_at = LEAST(known.intended_at, excluded.intended_at)
