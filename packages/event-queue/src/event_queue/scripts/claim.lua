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
--   recovered  STRING  token of the lease under which all that earlier workers held was recovered last
-- Arguments: token, slot, details of the record
-- Replies: {'event', body}  {'none', ms until the next pause ends, or ''}  {'halted', reason}  {'lease_lost'}
-- Twice: what the slot holds already is given again, unless it may be an earlier worker's: a Redis that lost its last
-- moments may hold what was recovered. An id without a body is nobody's, and leaves the slot.
--@include outbox clock wake take
local lease, in_flight, delayed, queue, events, tokens, outbox, counter, halt, recovered = unpack(KEYS)
local token, slot, details = unpack(ARGV)
local k = {
  in_flight = in_flight, delayed = delayed, queue = queue, events = events,
  wake = tokens, outbox = outbox, counter = counter,
}

local owner, halted, clean_under = unpack(redis.call('MGET', lease, halt, recovered), 1, 3)
if owner ~= token then
  return {'lease_lost'}
end
local held = redis.call('HGET', in_flight, slot)
local body = held and redis.call('HGET', events, held)
if body and token ~= clean_under then
  return {'lease_lost'}
end
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
