-- Reads what tells whether this Redis and the history have one past. Changes nothing.
--
-- Keys
--   outbox   STREAM  audit records
--   counter  STRING  of the last record
--   halt     STRING  why nothing is claimed
--   spilled  HASH    files that records were taken out to
-- Arguments: stream id of the last record that history holds
-- Replies: {counter or '', last stream id ever given or '', stream id of the first record after the argument or '', its
--   counter, halt or '', files, stream id of the last record up to the argument or '', its counter}
local outbox, counter, halt, spilled = unpack(KEYS)
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
  entries = redis.call('XREVRANGE', outbox, stored, '-', 'COUNT', 1)
  if entries[1] then
    preceding, its_number = entries[1][1], entries[1][2][2]
  end
end
local last_counter, halted = unpack(redis.call('MGET', counter, halt), 1, 2)
return {last_counter or '', last, following, number, halted or '', redis.call('HLEN', spilled), preceding, its_number}
