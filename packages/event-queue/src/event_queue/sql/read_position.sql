-- Reads counter and stream id of the last stored record, after a batch that is being stored at this moment.
SELECT counter, stream_id FROM audit_cursor
FOR SHARE
