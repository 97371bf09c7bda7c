-- Reads the latest day on which each account traded, in the zone of the exchange, and for which event.
SELECT DISTINCT ON (account_id) account_id, event_id,
       to_char(executed_at AT TIME ZONE 'America/New_York', 'YYYY-MM-DD') AS trading_day
FROM rebalance_fills
ORDER BY account_id, executed_at DESC
