-- Stores executions; one that was told again, as with its commission, is completed.
--
-- $1 counters  $2 event ids  $3 accounts  $4 moments  $5 details (JSON)
INSERT INTO rebalance_fills AS known (
    exec_id, order_ref, event_id, account_id, symbol, side, quantity, price, commission, executed_at, last_counter
)
SELECT DISTINCT ON (details ->> 'exec_id')
       details ->> 'exec_id', details ->> 'order_ref', event_id, account_id, details ->> 'symbol', details ->> 'side',
       (details ->> 'quantity')::numeric, (details ->> 'price')::numeric, (details ->> 'commission')::numeric,
       (details ->> 'executed_at')::timestamptz, counter
FROM (
    SELECT counter, event_id, account_id, recorded_at, details::jsonb AS details
    FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
         AS r (counter, event_id, account_id, recorded_at, details)
) AS batch
ORDER BY details ->> 'exec_id', counter DESC
ON CONFLICT (exec_id) DO UPDATE SET
    commission = COALESCE(excluded.commission, known.commission),
    last_counter = excluded.last_counter
WHERE known.last_counter < excluded.last_counter
