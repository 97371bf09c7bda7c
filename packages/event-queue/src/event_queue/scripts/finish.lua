-- Ends the event in a slot as completed or skipped, starts the follow-up of a newer signal, and claims the next event.
--
-- Keys
--   lease       STRING  token of the one worker
--   in_flight   HASH    slot -> event id
--   events      HASH    event id -> body
--   active      HASH    account:command -> event id
--   reruns      HASH    account:command -> remembered newer signal
--   delayed     ZSET    event id by due time, ms
--   queue       LIST    ids, oldest right
--   ages        ZSET    event id by the moment it was taken in, ms
--   retrying    SET     ids of events queued more than once
--   recoveries  HASH    event id -> times a dead worker held it
--   wake        LIST    tokens
--   outbox      STREAM  audit records
--   counter     STRING  of the last record
--   halt        STRING  why nothing is claimed
--   recovered   STRING  token of the lease under which all that earlier workers held was recovered last
-- Arguments: token, slot, event id, account:command, kind, details, claim next ('1' or '0'), details of the claim
-- Replies: {'ended'}  {'event', body}  {'none', ms until the next pause ends, or ''}  {'lease_lost'}
-- Twice: an event that the slot no longer holds has ended before; the reply is then what the slot holds, unless that
-- may be an earlier worker's (see claim).
--@include outbox clock wake admit forget take
local lease, in_flight, events, active, reruns, delayed, queue, ages, retrying, recoveries, tokens, outbox, counter, halt,
  recovered = unpack(KEYS)
local token, slot, id, pair, kind, details, claim_next, claim_details = unpack(ARGV)
local k = {
  in_flight = in_flight, events = events, active = active, reruns = reruns, delayed = delayed, queue = queue,
  ages = ages, retrying = retrying, recoveries = recoveries, wake = tokens, outbox = outbox, counter = counter,
}

local owner, halted, clean_under = unpack(redis.call('MGET', lease, halt, recovered), 1, 3)
if owner ~= token then
  return {'lease_lost'}
end
local held = redis.call('HGET', in_flight, slot)
if held == id then
  local body = assert(redis.call('HGET', events, id), 'the event has no body')
  local remembered = redis.call('HGET', reruns, pair)
  redis.call('HDEL', in_flight, slot)
  forget(k, id, pair)
  append(k, kind, body, details)
  if remembered then
    follow_up(k, id, pair, remembered)
  end
  held = false
end
if claim_next ~= '1' or halted then
  return {'ended'}
end
if held and token ~= clean_under then
  return {'lease_lost'}
end
if held then
  return {'event', redis.call('HGET', events, held)}
end
return take(k, slot, claim_details)
