-- Ends the halt under which the queue was put right, and wakes the worker for what waited.
--
-- Keys
--   halt       STRING  why nothing is claimed
--   checked    STRING  the run of Redis that was compared with history
--   lease_run  STRING  the run of Redis in which no lease is forgotten
--   wake       LIST    tokens
-- Arguments: the run of Redis, the halt or '', '1' when no lease was forgotten either
-- Replies: {'ok'}  {'changed'} when another halt is in force
-- Twice: there is no halt any more.
--@include wake run
local halt, checked, lease_run, tokens = unpack(KEYS)
local run, expected, forgets_no_lease = unpack(ARGV)

local present = redis.call('GET', halt)
if present and present ~= expected then
  return {'changed'}
end
local halts = redis.call('DEL', halt)
redis.call('SET', checked, run)
if forgets_no_lease == '1' and this_run() == run then
  redis.call('SET', lease_run, run)
end
if halts > 0 then
  wake(tokens)
end
return {'ok'}
