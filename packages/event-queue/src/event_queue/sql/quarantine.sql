-- Sets apart one record that the other tables refuse.
--
-- $1 counter  $2 stream id  $3 kind  $4 event id  $5 event (bytes)  $6 details (bytes)  $7 reason
INSERT INTO audit_quarantine (counter, stream_id, kind, event_id, event, details, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (counter) DO NOTHING
