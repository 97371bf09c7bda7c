-- Reads the latest day on which each account has orders taken that will fill, as those for the close do.
--
-- $1 only orders of since this moment
SELECT DISTINCT ON (account_id) account_id, event_id, details ->> 'trading_day' AS trading_day
FROM event_history
WHERE kind = 'order_result' AND recorded_at >= $1 AND details ? 'trading_day'
ORDER BY account_id, counter DESC
