-- Drops records that history holds.
--
-- Keys
--   outbox  STREAM  audit records
-- Arguments: stream id of the last of them, lowest stream id to keep
-- Replies: {'ok'}  {'another'} when that record is not where it was read, so that nothing was dropped
-- Twice: nothing is left to drop.
--@include last_up_to drop
local outbox = unpack(KEYS)
local through, first_kept = unpack(ARGV)

return {drop(outbox, through, first_kept) and 'ok' or 'another'}
