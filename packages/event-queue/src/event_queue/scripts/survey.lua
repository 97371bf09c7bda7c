-- Reads what tells whether this Redis and the history have one past. Changes nothing.
--
-- Keys
--   outbox   STREAM  audit records
--   counter  STRING  of the last record
--   halt     STRING  why nothing is claimed
--   spilled  HASH    files that records were taken out to
--   queue      LIST  ids
--   delayed    ZSET  event id by due time, ms
--   in_flight  HASH  slot -> event id
--   events     HASH  event id -> body
--   active     HASH  account:command -> event id
--   ages       ZSET  event id by the moment it was taken in, ms
-- Arguments: stream id of the last record that history holds
-- Replies: {counter or '', last stream id ever given or '', stream id of the first record after the argument or '', its
--   counter, halt or '', files, stream id of the last record up to the argument or '', its counter, '' or 'lacking' when
--   the keys that hold events contradict each other}
--@include last_up_to
local outbox, counter, halt, spilled, queue, delayed, in_flight, events, active, ages = unpack(KEYS)
local stored = unpack(ARGV)

local last, following, number, preceding, its_number = '', '', '', '', ''
if redis.call('EXISTS', outbox) == 1 then
  local facts = redis.call('XINFO', 'STREAM', outbox)
  for position = 1, #facts, 2 do
    if facts[position] == 'last-generated-id' then
      last = facts[position + 1]
    end
  end
  local entries = redis.call('XRANGE', outbox, '(' .. stored, '+', 'COUNT', 1)
  if entries[1] then
    following, number = entries[1][1], entries[1][2][2]
  end
  local entry = last_up_to(outbox, stored)
  if entry then
    preceding, its_number = entry[1], entry[2][2]
  end
end
local last_counter, halted = unpack(redis.call('MGET', counter, halt), 1, 2)
-- Each script leaves every event in one place, with one body, one age and one pair: of keys that lack some, one is lost,
-- or a part of it. A pair too many, or an id too many in the line, is a stranger's, and is passed over by enqueue or by
-- claim; both at a time are of events whose bodies and ages are lost.
local bodies, pairs_taken = redis.call('HLEN', events), redis.call('HLEN', active)
local places = redis.call('LLEN', queue) + redis.call('ZCARD', delayed) + redis.call('HLEN', in_flight)
local is_whole = redis.call('ZCARD', ages) == bodies and math.min(places, pairs_taken) == bodies
return {
  last_counter or '', last, following, number, halted or '', redis.call('HLEN', spilled), preceding, its_number,
  is_whole and '' or 'lacking',
}
