-- Takes records that are safely in a file out of the outbox, and remembers where they are.
--
-- Keys
--   outbox   STREAM  audit records
--   spilled  HASH    identity of a spill directory -> marker
-- Arguments: identity, marker, stream id of the last of them, lowest stream id to keep
-- Replies: {'ok'}  {'another'} when that record is not where it was read, so that nothing was changed
--@include last_up_to drop
local outbox, spilled = unpack(KEYS)
local identity, marker, through, first_kept = unpack(ARGV)

-- The trim comes first because Redis allows it at its memory limit, and with it the write behind it.
if not drop(outbox, through, first_kept) then
  return {'another'}
end
redis.call('HSET', spilled, identity, marker)
return {'ok'}
