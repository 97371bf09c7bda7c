-- Puts an event that a dead worker held at the back of the line, counted once more. One without a body leaves the slot:
-- it is a stranger's, or history brings it back.
-- Without a pause the first two times; from the third on it is set aside, so that an event that kills its worker
-- cannot starve the others.
--
-- Keys
--   lease       STRING  token of the one worker
--   in_flight   HASH    slot -> event id
--   events      HASH    event id -> body
--   delayed     ZSET    event id by due time, ms
--   queue       LIST    ids, newest left
--   retrying    SET     ids of events queued more than once
--   recoveries  HASH    event id -> times a dead worker held it
--   wake        LIST    tokens
--   outbox      STREAM  audit records
--   counter     STRING  of the last record
-- Arguments: token, slot, event id, body with the raised count, pause in ms, details
-- Replies: {'ok'}  {'lease_lost'}
-- Twice: an event that the slot no longer holds was recovered before.
--@include outbox clock wake place
local lease, in_flight, events, delayed, queue, retrying, recoveries, tokens, outbox, counter = unpack(KEYS)
local token, slot, id, body, pause, details = unpack(ARGV)
local k = {delayed = delayed, queue = queue, wake = tokens, outbox = outbox, counter = counter}
local PAUSED_FROM = 3

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
if redis.call('HGET', in_flight, slot) ~= id then
  return {'ok'}
end
if redis.call('HEXISTS', events, id) == 0 then
  redis.call('HDEL', in_flight, slot)
  return {'ok'}
end
local times = (tonumber(redis.call('HGET', recoveries, id)) or 0) + 1
local due
if times >= PAUSED_FROM then
  due = due_after(pause)
end
redis.call('HDEL', in_flight, slot)
redis.call('HSET', recoveries, id, times)
redis.call('HSET', events, id, body)
redis.call('SADD', retrying, id)
place(k, id, due)
append(k, 'recovered', body, details, due)
return {'ok'}
