-- Reads the stream id of the last stored record, and the epoch in which what follows it is read.
SELECT stream_id, epoch FROM audit_cursor
