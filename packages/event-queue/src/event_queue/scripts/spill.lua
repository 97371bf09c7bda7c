-- Takes records that are safely in a file out of the outbox, and remembers where they are.
--
-- Keys
--   outbox   STREAM  audit records
--   spilled  HASH    identity of a spill directory -> marker
-- Arguments: identity, marker, lowest stream id to keep
-- Replies: {'ok'}
local outbox, spilled = unpack(KEYS)
local identity, marker, first_kept = unpack(ARGV)

-- The trim comes first because Redis allows it at its memory limit, and with it the write behind it.
redis.call('XTRIM', outbox, 'MINID', first_kept)
redis.call('HSET', spilled, identity, marker)
return {'ok'}
