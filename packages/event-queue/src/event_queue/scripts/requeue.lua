-- Puts a failed event, counted once more, behind everything: at once, or after a pause.
--
-- Keys
--   lease      STRING  token of the one worker
--   in_flight  HASH    slot -> event id
--   events     HASH    event id -> body
--   delayed    ZSET    event id by due time, ms
--   queue      LIST    ids, newest left
--   retrying   SET     ids of events queued more than once
--   wake       LIST    tokens
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
-- Arguments: token, slot, event id, body with the raised count, pause in ms, details
-- Replies: {'ok'}  {'lease_lost'}
-- Twice: an event that the slot no longer holds was requeued before.
--@include outbox clock wake place
local lease, in_flight, events, delayed, queue, retrying, tokens, outbox, counter = unpack(KEYS)
local token, slot, id, body, pause, details = unpack(ARGV)
local k = {delayed = delayed, queue = queue, wake = tokens, outbox = outbox, counter = counter}

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
if redis.call('HGET', in_flight, slot) ~= id then
  return {'ok'}
end
local due = due_after(pause)
redis.call('HDEL', in_flight, slot)
redis.call('HSET', events, id, body)
redis.call('SADD', retrying, id)
place(k, id, due)
append(k, 'requeued', body, details, due)
return {'ok'}
