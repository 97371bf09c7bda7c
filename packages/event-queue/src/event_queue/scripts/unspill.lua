-- Forgets a spill whose records are all stored, unless more were added to it since.
--
-- Keys
--   spilled  HASH  identity of a spill directory -> marker
-- Arguments: identity, marker as it was last read
-- Replies: {'ok'}
local spilled = unpack(KEYS)
local identity, marker = unpack(ARGV)

if redis.call('HGET', spilled, identity) == marker then
  redis.call('HDEL', spilled, identity)
end
return {'ok'}
