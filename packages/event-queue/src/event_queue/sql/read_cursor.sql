-- Reads the stream id of the last stored record.
SELECT stream_id FROM audit_cursor
