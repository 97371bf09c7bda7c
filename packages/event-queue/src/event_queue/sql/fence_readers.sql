-- Begins another epoch, after a batch that is being stored at this moment: what was read before is not stored any more.
UPDATE audit_cursor SET epoch = epoch + 1
