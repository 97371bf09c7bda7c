-- Deletes the records of signals that never became events, pauses of trading and quarantined records, of before a
-- moment.
--
-- $1 moment
WITH quarantined AS (
    DELETE FROM audit_quarantine WHERE quarantined_at < $1
), pauses AS (
    DELETE FROM trading_pauses WHERE recorded_at < $1
)
DELETE FROM event_history
WHERE recorded_at < $1
  AND kind IN ('duplicate', 'coalesced')
  AND NOT EXISTS (SELECT FROM rebalance_events WHERE rebalance_events.event_id = event_history.event_id)
