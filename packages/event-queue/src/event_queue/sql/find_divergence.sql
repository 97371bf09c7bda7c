-- Finds the first record whose counter is stored under another stream id.
--
-- $1 counters  $2 stream ids
SELECT r.counter, r.stream_id, known.stream_id AS known_as
FROM unnest($1::bigint[], $2::text[]) AS r (counter, stream_id)
JOIN (
    SELECT counter, stream_id FROM event_history WHERE counter = ANY ($1)
    UNION ALL
    SELECT counter, stream_id FROM trading_pauses WHERE counter = ANY ($1)
    UNION ALL
    SELECT counter, stream_id FROM audit_quarantine WHERE counter = ANY ($1)
) AS known USING (counter)
WHERE known.stream_id <> r.stream_id
ORDER BY r.counter
LIMIT 1
