-- Reads when each event that has not ended was asked for again last, by a signal that was refused because of it.
--
-- $1 only signals refused after this counter
SELECT twin.event_id, twin.account_id, twin.exec_command, max(refused.recorded_at) AS asked_at
FROM event_history AS refused
JOIN rebalance_events AS twin ON twin.event_id = (refused.details ->> 'active_event_id')::uuid
WHERE refused.kind = 'duplicate' AND refused.counter > $1
  AND twin.status IN ('pending', 'processing', 'failed', 'delayed')
GROUP BY twin.event_id
