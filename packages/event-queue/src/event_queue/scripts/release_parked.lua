-- Makes the parked events due that no pause covers: a worker's start finds none, unless a stranger lifted a pause.
--
-- Keys
--   lease    STRING  token of the one worker
--   paused   HASH    account, or `*` for all -> pause
--   parked   HASH    event id -> account
--   delayed  ZSET    event id by due time, ms
--   wake     LIST    tokens
-- Arguments: token
-- Replies: {'ok'}  {'lease_lost'}
-- Twice: what is due already is not parked.
--@include clock wake pauses parked
local lease, paused, parked, delayed, tokens = unpack(KEYS)
local token = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
release({paused = paused, parked = parked, delayed = delayed, wake = tokens})
return {'ok'}
