-- Reads the newer signals that were remembered for events which have not ended.
--
-- $1 only signals remembered after this counter
SELECT DISTINCT ON (twin.event_id) signal.event
FROM event_history AS signal
JOIN rebalance_events AS twin ON twin.event_id = (signal.details ->> 'active_event_id')::uuid
WHERE signal.kind = 'coalesced' AND signal.counter > $1
  AND twin.status IN ('pending', 'processing', 'failed', 'delayed')
  AND NOT EXISTS (SELECT FROM rebalance_events WHERE rebalance_events.event_id = signal.event_id)
ORDER BY twin.event_id, signal.counter DESC
