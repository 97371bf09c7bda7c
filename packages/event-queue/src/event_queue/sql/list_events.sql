-- Reads a page of events, youngest first.
--
-- $1 account  $2 command  $3 status  $4 created from  $5 created until  (NULL matches all)
-- $6 moment and $7 id of the event before the page (NULL: from the start)  $8 the most events to return
SELECT event_id, account_id, exec_command, source, status, times_queued, payload, result, error_message, created_at,
       received_at, started_at, completed_at, next_attempt_at, first_failed_date
FROM rebalance_events
WHERE ($1::text IS NULL OR account_id = $1)
  AND ($2::text IS NULL OR exec_command = $2)
  AND ($3::text IS NULL OR status = $3)
  AND ($4::timestamptz IS NULL OR created_at >= $4)
  AND ($5::timestamptz IS NULL OR created_at < $5)
  AND ($6::timestamptz IS NULL OR (created_at, event_id) < ($6, $7::uuid))
ORDER BY created_at DESC, event_id DESC
LIMIT $8
