-- Gives the lease up, when it is still the holder's.
--
-- Keys
--   lease  STRING  `<holder>:<fence>`; expires
-- Arguments: token
-- Replies: {'ok'}
local lease = unpack(KEYS)
local token = unpack(ARGV)

if redis.call('GET', lease) == token then
  redis.call('DEL', lease)
end
return {'ok'}
