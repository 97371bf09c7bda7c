-- Lets the executions of events follow what history tells of them: each as it was told last, unless it was busted (no
-- shares) or another has taken its place. In whatever order they are told, and told again, the same ones stand.
-- A commission that was reported stays until another is: of the execution itself, else of what it takes the place of.
--
-- $1 event ids of fills, stored in history
WITH told AS (
    SELECT counter, event_id, account_id, details, details ->> 'exec_id' AS exec_id
    FROM event_history
    WHERE event_id = ANY ($1::uuid[]) AND kind = 'fill'
), latest AS (
    SELECT DISTINCT ON (exec_id) counter, event_id, account_id, details, exec_id
    FROM told
    ORDER BY exec_id, counter DESC
), standing AS (
    SELECT counter, event_id, account_id, details, exec_id
    FROM latest
    WHERE (details ->> 'quantity')::numeric IS DISTINCT FROM 0
      AND NOT EXISTS (SELECT FROM latest AS other WHERE other.details -> 'replaces' ? latest.exec_id)
), dropped AS (
    DELETE FROM rebalance_fills AS old
    WHERE old.event_id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM standing WHERE standing.exec_id = old.exec_id)
)
INSERT INTO rebalance_fills AS known (
    exec_id, order_ref, event_id, account_id, symbol, side, quantity, price, commission, commission_currency,
    executed_at, last_counter
)
SELECT exec_id, details ->> 'order_ref', event_id, account_id, details ->> 'symbol', details ->> 'side',
       (details ->> 'quantity')::numeric, (details ->> 'price')::numeric, paid.commission,
       COALESCE(paid.currency, 'USD'), (details ->> 'executed_at')::timestamptz, counter
FROM standing
LEFT JOIN LATERAL (
    SELECT (report.details ->> 'commission')::numeric AS commission,
           report.details ->> 'commission_currency' AS currency
    FROM told AS report
    WHERE report.details ->> 'commission' IS NOT NULL
      AND (report.exec_id = standing.exec_id OR standing.details -> 'replaces' ? report.exec_id)
    ORDER BY report.exec_id = standing.exec_id DESC, report.counter DESC
    LIMIT 1
) AS paid ON true
ON CONFLICT (exec_id) DO UPDATE SET
    quantity = excluded.quantity,
    price = excluded.price,
    commission = excluded.commission,
    commission_currency = excluded.commission_currency,
    last_counter = excluded.last_counter
WHERE known.last_counter < excluded.last_counter
