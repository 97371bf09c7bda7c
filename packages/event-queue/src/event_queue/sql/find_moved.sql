-- Finds which stream ids stand behind a counter.
--
-- $1 counter  $2 stream ids
SELECT stream_id FROM event_history WHERE counter > $1 AND stream_id = ANY ($2)
UNION ALL
SELECT stream_id FROM trading_pauses WHERE counter > $1 AND stream_id = ANY ($2)
UNION ALL
SELECT stream_id FROM audit_quarantine WHERE counter > $1 AND stream_id = ANY ($2)
