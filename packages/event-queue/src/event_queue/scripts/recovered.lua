-- Lets the holder of the lease have what its slots hold given again: what others held has been recovered before.
--
-- Keys
--   lease      STRING  token of the one worker
--   recovered  STRING  token of the lease under which that was done last
-- Arguments: token
-- Replies: {'ok'}  {'lease_lost'}
local lease, recovered = unpack(KEYS)
local token = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
-- A first write that Redis allows at its memory limit: a full queue must still be worked on.
redis.call('DEL', recovered)
redis.call('SET', recovered, token)
return {'ok'}
