-- Moves the cursor forward, never back.
--
-- $1 counter  $2 stream id
UPDATE audit_cursor SET counter = $1, stream_id = $2 WHERE counter < $1
