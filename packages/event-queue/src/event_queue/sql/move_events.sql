-- Moves the events that a batch of history tells of, which has just been stored.
-- A row keeps the state of its highest counter, and an ended event stays ended: what Redis did with it after it went
-- back in time is history only.
--
-- $1 counters of the batch  $2 the kinds that move an event  $3 the status after each of them
WITH batch AS (
    SELECT told.counter, told.kind, told.event_id, told.account_id, told.recorded_at, told.event, told.details,
           moves.status
    FROM event_history AS told
    JOIN unnest($2::text[], $3::text[]) AS moves (kind, status) USING (kind)
    WHERE told.counter = ANY ($1)
), folded AS (
    SELECT event_id,
           max(counter) AS last_counter,
           (array_agg(account_id ORDER BY counter DESC))[1] AS account_id,
           (array_agg(event ORDER BY counter DESC))[1] AS event,
           (array_agg(status ORDER BY counter DESC))[1] AS status,
           (array_agg(details ->> 'next_attempt_at' ORDER BY counter DESC))[1]::timestamptz AS next_attempt_at,
           (array_agg(details -> 'result' ORDER BY counter DESC) FILTER (WHERE details ? 'result'))[1] AS result,
           (array_agg(details ->> 'error' ORDER BY counter DESC) FILTER (WHERE details ? 'error'))[1] AS error_message,
           min(recorded_at) FILTER (WHERE kind = 'queued') AS received_at,
           max(recorded_at) FILTER (WHERE kind = 'claimed') AS started_at,
           max(recorded_at) FILTER (WHERE status IN ('completed', 'skipped', 'deleted')) AS completed_at,
           (min(recorded_at) FILTER (WHERE kind = 'requeued') AT TIME ZONE 'UTC')::date AS first_failed_date
    FROM batch
    GROUP BY event_id
)
INSERT INTO rebalance_events AS known (
    event_id, account_id, exec_command, source, status, times_queued, retry_count, payload, result, error_message,
    received_at, started_at, completed_at, next_attempt_at, first_failed_date, created_at, last_counter
)
SELECT event_id, account_id, event ->> 'exec_command', event ->> 'source', status, (event ->> 'times_queued')::integer,
       (event ->> 'times_queued')::integer - 1, event -> 'data', result,
       CASE WHEN status IN ('completed', 'skipped') THEN NULL ELSE error_message END,
       COALESCE(received_at, (event ->> 'created_at')::timestamptz), started_at, completed_at, next_attempt_at,
       first_failed_date, (event ->> 'created_at')::timestamptz, last_counter
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
