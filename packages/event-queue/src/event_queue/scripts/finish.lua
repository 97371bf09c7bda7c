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
local ends_now = held == id

local function next_for_slot()
  if claim_next ~= '1' or halted then
    return {'ended'}
  end
  if not held or ends_now then
    return take(k, slot, claim_details)
  end
  if token ~= clean_under then
    return {'lease_lost'}
  end
  return {'event', redis.call('HGET', events, held)}
end

if ends_now then
  local body = assert(redis.call('HGET', events, id), 'the event has no body')
  local remembered = forget(k, id, pair)
  append(k, kind, body, details)
  if remembered then
    follow_up(k, id, pair, remembered)
  end
end
local reply = next_for_slot()
if ends_now and reply[1] ~= 'event' then
  redis.call('HDEL', in_flight, slot)
end
return reply
