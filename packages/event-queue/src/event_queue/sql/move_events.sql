-- Moves the events that a batch of history tells of, which has just been stored.
-- A row keeps the state of its highest counter, and an ended event stays ended: what Redis did with it after it went
-- back in time is history only.
--
-- $1 first and  $2 last counter of the batch  $3 the kinds that move an event  $4 the status after each of them
WITH told AS (
    SELECT counter, event_id, account_id, event, status, details ->> 'next_attempt_at' AS next_attempt_at,
           max(counter) OVER steps AS last_counter,
           array_agg(details -> 'result') FILTER (WHERE details ? 'result') OVER steps AS results,
           array_agg(details ->> 'error') FILTER (WHERE details ? 'error') OVER steps AS errors,
           min(recorded_at) FILTER (WHERE kind = 'queued') OVER steps AS received_at,
           max(recorded_at) FILTER (WHERE kind = 'claimed') OVER steps AS started_at,
           max(recorded_at) FILTER (WHERE status IN ('completed', 'skipped', 'deleted')) OVER steps AS completed_at,
           min(recorded_at) FILTER (WHERE kind = 'requeued') OVER steps AS first_failed_at
    FROM event_history
    JOIN unnest($3::text[], $4::text[]) AS moves (kind, status) USING (kind)
    WHERE counter BETWEEN $1 AND $2
    WINDOW steps AS (
        PARTITION BY event_id ORDER BY counter ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
), folded AS (
    SELECT *, results[cardinality(results)] AS result, errors[cardinality(errors)] AS error_message
    FROM told
    WHERE counter = last_counter
)
INSERT INTO rebalance_events AS known (
    event_id, account_id, exec_command, source, status, times_queued, retry_count, payload, result, error_message,
    received_at, started_at, completed_at, next_attempt_at, first_failed_date, created_at, last_counter
)
SELECT event_id, account_id, event ->> 'exec_command', event ->> 'source', status, (event ->> 'times_queued')::integer,
       (event ->> 'times_queued')::integer - 1, event -> 'data', result,
       CASE WHEN status IN ('completed', 'skipped') THEN NULL ELSE error_message END,
       COALESCE(received_at, (event ->> 'created_at')::timestamptz), started_at, completed_at,
       next_attempt_at::timestamptz, (first_failed_at AT TIME ZONE 'UTC')::date,
       (event ->> 'created_at')::timestamptz, last_counter
FROM folded
ON CONFLICT (event_id) DO UPDATE SET
    status = excluded.status,
    times_queued = excluded.times_queued,
    retry_count = excluded.retry_count,
    result = COALESCE(excluded.result, known.result),
    error_message = CASE
        WHEN excluded.status IN ('completed', 'skipped') THEN NULL
        ELSE COALESCE(excluded.error_message, known.error_message)
    END,
    started_at = COALESCE(excluded.started_at, known.started_at),
    completed_at = excluded.completed_at,
    next_attempt_at = excluded.next_attempt_at,
    first_failed_date = LEAST(known.first_failed_date, excluded.first_failed_date),
    last_counter = excluded.last_counter
WHERE known.last_counter < excluded.last_counter
  AND known.status NOT IN ('completed', 'skipped', 'deleted')
