-- Reads counter and stream id of the last stored record.
SELECT counter, stream_id FROM audit_cursor
