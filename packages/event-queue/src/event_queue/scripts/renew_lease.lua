-- Extends the holder's lease to its full length.
--
-- Keys
--   lease  STRING  `<holder>:<fence>`; expires
-- Arguments: token, length in ms
-- Replies: {'ok'}  {'lease_lost'}
local lease = unpack(KEYS)
local token, length = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
redis.call('PEXPIRE', lease, length)
return {'ok'}
