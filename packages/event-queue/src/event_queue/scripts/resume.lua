-- Lifts the pause of a scope, and makes the parked events due that no other pause covers.
--
-- Keys
--   receipt  STRING  the pause this very request lifted before; expires
--   paused   HASH    account, or `*` for all -> pause
--   parked   HASH    event id -> account
--   delayed  ZSET    event id by due time, ms
--   wake     LIST    tokens
--   outbox   STREAM  audit records
--   counter  STRING  of the last record
-- Arguments: scope, details, life of the receipt in ms
-- Replies: {'resumed', pause}  {'not_paused'}
-- Twice: the receipt of the first run answers the second.
--@include outbox clock wake pauses parked
local receipt, paused, parked, delayed, tokens, outbox, counter = unpack(KEYS)
local scope, details, life = unpack(ARGV)
local k = {paused = paused, parked = parked, delayed = delayed, wake = tokens, outbox = outbox, counter = counter}

local lifted = redis.call('GET', receipt)
if lifted then
  return {'resumed', lifted}
end
local pause = redis.call('HGET', paused, scope)
if not pause then
  return {'not_paused'}
end
redis.call('HDEL', paused, scope)
release(k)
append(k, 'resumed', 'null', details)
redis.call('SET', receipt, pause, 'PX', life)
return {'resumed', pause}
