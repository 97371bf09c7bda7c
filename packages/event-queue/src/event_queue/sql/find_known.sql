-- Finds which records are stored, and under which stream ids.
--
-- $1 counters
SELECT counter, stream_id FROM event_history WHERE counter = ANY ($1)
UNION ALL
SELECT counter, stream_id FROM trading_pauses WHERE counter = ANY ($1)
UNION ALL
SELECT counter, stream_id FROM audit_quarantine WHERE counter = ANY ($1)
