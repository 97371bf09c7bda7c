-- Ends the halt under which the queue was put right, and wakes the worker for what waited.
--
-- Keys
--   halt     STRING  why nothing is claimed
--   checked  STRING  the run of Redis that was compared with history
--   wake     LIST    tokens
-- Arguments: the run of Redis, the halt or ''
-- Replies: {'ok'}  {'changed'} when another halt is in force
-- Twice: there is no halt any more.
--@include wake
local halt, checked, tokens = unpack(KEYS)
local run, expected = unpack(ARGV)

local present = redis.call('GET', halt)
if present and present ~= expected then
  return {'changed'}
end
local halts = redis.call('DEL', halt)
redis.call('SET', checked, run)
if halts > 0 then
  wake(tokens)
end
return {'ok'}
