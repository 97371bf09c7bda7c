-- Removes an event that waits or is set aside. A newer signal remembered for its pair becomes one follow-up event,
-- as at any other end: the operator removed one event, not the one that came after it.
--
-- Keys
--   receipt     STRING  the body this very request removed before; expires
--   events      HASH    event id -> body
--   active      HASH    account:command -> event id
--   reruns      HASH    account:command -> remembered newer signal
--   in_flight   HASH    slot -> event id
--   delayed     ZSET    event id by due time, ms
--   parked      HASH    event id -> account, until trading is resumed
--   queue       LIST    ids
--   ages        ZSET    event id by the moment it was taken in, ms
--   retrying    SET     ids of events queued more than once
--   recoveries  HASH    event id -> times a dead worker held it
--   wake        LIST    tokens
--   outbox      STREAM  audit records
--   counter     STRING  of the last record
-- Arguments: event id, account:command, details, life of the receipt in ms
-- Replies: {'deleted', body}  {'in_progress'}  {'not_found'}
-- Twice: the receipt of the first run answers the second.
--@include outbox wake admit forget
local receipt, events, active, reruns, in_flight, delayed, parked, queue, ages, retrying, recoveries, tokens, outbox,
  counter = unpack(KEYS)
local id, pair, details, life = unpack(ARGV)
local k = {
  events = events, active = active, reruns = reruns, queue = queue, ages = ages, retrying = retrying,
  recoveries = recoveries, wake = tokens, outbox = outbox, counter = counter,
}

local removed = redis.call('GET', receipt)
if removed then
  return {'deleted', removed}
end
local body = redis.call('HGET', events, id)
if not body then
  return {'not_found'}
end
local remembered = redis.call('HGET', reruns, pair)
for _, held in ipairs(redis.call('HVALS', in_flight)) do
  if held == id then
    return {'in_progress'}
  end
end
-- One whose place a stranger has removed is in neither, and goes all the same.
if redis.call('ZREM', delayed, id) == 0 then
  redis.call('LREM', queue, 1, id)
end
redis.call('HDEL', parked, id)
forget(k, id, pair)
append(k, 'deleted', body, details)
if remembered then
  follow_up(k, id, pair, remembered)
end
redis.call('SET', receipt, body, 'PX', life)
return {'deleted', body}
