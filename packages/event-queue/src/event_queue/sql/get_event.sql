-- Reads one event.
--
-- $1 event id
SELECT event_id, account_id, exec_command, source, status, times_queued, payload, result, error_message, created_at,
       received_at, started_at, completed_at, next_attempt_at, first_failed_date
FROM rebalance_events
WHERE event_id = $1
