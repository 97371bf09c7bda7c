-- Finds the moment before which what is over may leave history: a retention before the last stored record, by the clock
-- of Redis that its id tells, and before the clock of whoever asks. One of them that runs ahead deletes nothing.
--
-- What may leave (`purge_events`, `purge_loose`), once the last word on it is older:
--   an event that has ended, with its history, orders and fills
--   a signal refused or remembered, and whatever else was told of no event that is known
--   a pause of trading, and the resumption before it; a record in quarantine
-- What stays, however old, because a Redis that is lost gets it back from here:
--   all that was told of an event that has not ended, and the signals refused or remembered because of it
--   the last resumption of each scope of trading, and every pause since
--   the last message of each channel up to which everything was taken in
-- Receipts, expected fills and the days of trading need no word here: the settings allow no retention as short as their
-- lives.
--
-- $1 now  $2 retention
SELECT LEAST($1::timestamptz, to_timestamp(split_part(stream_id, '-', 1)::bigint / 1000.0)) - $2::interval
FROM audit_cursor
