-- Reads the cursor and keeps other relays out until the transaction ends.
SELECT counter, stream_id, epoch FROM audit_cursor FOR UPDATE
