-- Finds which records are stored under the very stream ids given.
--
-- $1 counters  $2 stream ids
SELECT r.stream_id
FROM unnest($1::bigint[], $2::text[]) AS r (counter, stream_id)
JOIN (
    SELECT counter, stream_id FROM event_history WHERE counter = ANY ($1)
    UNION ALL
    SELECT counter, stream_id FROM trading_pauses WHERE counter = ANY ($1)
    UNION ALL
    SELECT counter, stream_id FROM audit_quarantine WHERE counter = ANY ($1)
) AS known USING (counter, stream_id)
