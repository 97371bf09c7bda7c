-- Reads the counters of the queue at one instant. Changes nothing; costs the same at any length.
--
-- Keys
--   queue      LIST    ids
--   active     HASH    account:command -> event id
--   ages       ZSET    event id by the moment it was taken in, ms
--   retrying   SET     ids of events queued more than once
--   in_flight  HASH    slot -> event id
--   delayed    ZSET    event id by due time, ms
--   outbox     STREAM  audit records
--   halt       STRING  why nothing is claimed
-- Replies: waiting, active, age of the oldest in ms, with retries, in hand, set aside, records waiting,
-- age of the oldest of those in ms, why nothing is claimed or ''
--@include clock
local queue, active, ages, retrying, in_flight, delayed, outbox, halt = unpack(KEYS)

local age = 0
local oldest = redis.call('ZRANGE', ages, 0, 0, 'WITHSCORES')
if oldest[2] then
  age = math.max(0, now_ms() - oldest[2])
end
local waited = 0
local first = redis.call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
if first then
  waited = math.max(0, now_ms() - string.match(first[1], '^%d+'))
end
return {
  redis.call('LLEN', queue),
  redis.call('HLEN', active),
  age,
  redis.call('SCARD', retrying),
  redis.call('HLEN', in_flight),
  redis.call('ZCARD', delayed),
  redis.call('XLEN', outbox),
  waited,
  redis.call('GET', halt) or '',
}
