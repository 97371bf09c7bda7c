-- Extends the holder's lease to its full length. The sole holder vouches for the present run of Redis: whoever has the
-- lease in it after him is the sole one too.
--
-- Keys
--   lease      STRING  `<holder>:<fence>`; expires
--   lease_run  STRING  the run of Redis in which no lease is forgotten
-- Arguments: token, length in ms, '1' from the sole holder
-- Replies: {'ok'}  {'lease_lost'}
--@include run
local lease, lease_run = unpack(KEYS)
local token, length, is_sole = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
redis.call('PEXPIRE', lease, length)
if is_sole == '1' then
  redis.call('SET', lease_run, this_run())
end
return {'ok'}
