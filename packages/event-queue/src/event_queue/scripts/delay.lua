-- Puts the event in a slot aside until a moment, unchanged and not counted as an attempt.
--
-- Keys
--   lease      STRING  token of the one worker
--   in_flight  HASH    slot -> event id
--   events     HASH    event id -> body
--   delayed    ZSET    event id by due time, ms
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
-- Arguments: token, slot, event id, due time in ms or '' for now, details
-- Replies: {'ok'}  {'lease_lost'}
-- Twice: an event that the slot no longer holds was put aside before.
--@include outbox clock
local lease, in_flight, events, delayed, outbox, counter = unpack(KEYS)
local token, slot, id, due, details = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
if redis.call('HGET', in_flight, slot) ~= id then
  return {'ok'}
end
local body = redis.call('HGET', events, id)
if due == '' then
  due = whole(now_ms())
end
redis.call('HDEL', in_flight, slot)
redis.call('ZADD', delayed, due, id)
append({outbox = outbox, counter = counter}, 'delayed', body, details, due)
return {'ok'}
