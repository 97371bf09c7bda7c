-- Takes the oldest waiting event into a slot of the worker, after due events have joined the line.
--
-- Keys
--   lease      STRING  token of the one worker
--   in_flight  HASH    slot -> event id
--   delayed    ZSET    event id by due time, ms
--   queue      LIST    ids, oldest right
--   events     HASH    event id -> body
--   wake       LIST    tokens
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
--   halt       STRING  why nothing is claimed
-- Arguments: token, slot, details of the record
-- Replies: {'event', body}  {'none', ms until the next pause ends, or ''}  {'halted', reason}  {'lease_lost'}
-- Twice: what the slot holds already is given again; an id without a body is nobody's, and leaves it.
--@include outbox clock wake take
local lease, in_flight, delayed, queue, events, tokens, outbox, counter, halt = unpack(KEYS)
local token, slot, details = unpack(ARGV)
local k = {
  in_flight = in_flight, delayed = delayed, queue = queue, events = events,
  wake = tokens, outbox = outbox, counter = counter,
}

local owner, halted = unpack(redis.call('MGET', lease, halt), 1, 2)
if owner ~= token then
  return {'lease_lost'}
end
local held = redis.call('HGET', in_flight, slot)
local body = held and redis.call('HGET', events, held)
if body then
  return {'event', body}
end
if held then
  redis.call('HDEL', in_flight, slot)
end
if halted then
  return {'halted', halted}
end
return take(k, slot, details)
