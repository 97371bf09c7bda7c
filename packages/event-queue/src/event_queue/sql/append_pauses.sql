-- Stores pauses and resumptions of trading; one whose counter is known changes nothing.
--
-- $1 counters  $2 stream ids  $3 kinds  $4 scopes  $5 moments  $6 details (JSON)
INSERT INTO trading_pauses (counter, stream_id, kind, scope, actor, reason, recorded_at)
SELECT counter, stream_id, kind, scope, details ->> 'actor', details ->> 'reason', recorded_at
FROM (
    SELECT counter, stream_id, kind, scope, recorded_at, details::jsonb AS details
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
         AS r (counter, stream_id, kind, scope, recorded_at, details)
) AS batch
ON CONFLICT (counter) DO NOTHING
