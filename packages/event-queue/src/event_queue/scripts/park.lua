-- Puts the event in a slot aside until trading is resumed for its account, unchanged and not counted as an attempt.
-- Should trading have been resumed since the worker looked, the event is due at once: nobody would resume it later.
--
-- Keys
--   lease      STRING  token of the one worker
--   in_flight  HASH    slot -> event id
--   events     HASH    event id -> body
--   paused     HASH    account, or `*` for all -> pause
--   parked     HASH    event id -> account
--   delayed    ZSET    event id by due time, ms
--   wake       LIST    tokens
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
-- Arguments: token, slot, event id, account, details
-- Replies: {'ok'}  {'lease_lost'}
-- Twice: an event that the slot no longer holds was put aside before.
--@include outbox clock wake pauses parked
local lease, in_flight, events, paused, parked, delayed, tokens, outbox, counter = unpack(KEYS)
local token, slot, id, account, details = unpack(ARGV)
local k = {paused = paused, outbox = outbox, counter = counter}

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
if redis.call('HGET', in_flight, slot) ~= id then
  return {'ok'}
end
local body = redis.call('HGET', events, id)
local now = now_ms()
local is_paused = pause_of(k, account)
redis.call('HDEL', in_flight, slot)
if is_paused then
  redis.call('HSET', parked, id, account)
  redis.call('ZADD', delayed, whole(now + FAR_AHEAD), id)
  append(k, 'parked', body, details)
else
  redis.call('ZADD', delayed, whole(now), id)
  wake(tokens)
  append(k, 'parked', body, details, whole(now))
end
return {'ok'}
