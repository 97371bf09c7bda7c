-- Ends a halt, and wakes the worker for what waited.
--
-- Keys
--   halt     STRING  why nothing is claimed
--   checked  STRING  the run of Redis that was compared with history
--   wake     LIST    tokens
-- Arguments: the run of Redis
-- Replies: {'ok'}
-- Twice: there is no halt any more.
--@include wake
local halt, checked, tokens = unpack(KEYS)
local run = unpack(ARGV)

local halts = redis.call('DEL', halt)
redis.call('SET', checked, run)
if halts > 0 then
  wake(tokens)
end
return {'ok'}
