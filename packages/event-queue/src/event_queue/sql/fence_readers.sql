-- Begins another epoch, after a batch that is being stored at this moment: what was read before is not stored any more.
-- Tells which run of Redis was ever met first.
--
-- $1 the present run of Redis
UPDATE audit_cursor SET epoch = epoch + 1, first_run = COALESCE(first_run, $1)
RETURNING first_run
