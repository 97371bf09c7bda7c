-- Reads the latest records of one event, oldest first.
--
-- $1 event id  $2 the most records to return
SELECT counter, kind, recorded_at, times_queued, details
FROM (
    SELECT counter, kind, recorded_at, (event ->> 'times_queued')::integer AS times_queued, details
    FROM event_history
    WHERE event_id = $1
    ORDER BY counter DESC
    LIMIT $2
) AS latest
ORDER BY counter
