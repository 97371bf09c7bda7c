-- Reads the events that have not ended, in the order of their latest transitions.
SELECT known.event_id, known.account_id, known.exec_command, known.source, known.status, known.times_queued,
       known.payload, known.created_at, known.next_attempt_at, known.last_counter,
       COALESCE(latest.recorded_at, known.received_at) AS moved_at
FROM rebalance_events AS known
LEFT JOIN event_history AS latest ON latest.counter = known.last_counter
WHERE known.status IN ('pending', 'processing', 'failed', 'delayed')
ORDER BY known.last_counter
