-- Reads what tells whether this Redis and the history have one past. Changes nothing.
--
-- Keys
--   outbox   STREAM  audit records
--   counter  STRING  of the last record
--   halt     STRING  why nothing is claimed
--   spilled  HASH    files that records were taken out to
-- Arguments: stream id of the last record that history holds
-- Replies: {counter or '', last stream id ever given or '', counter of the first record after the argument or '', halt
--   or '', files}
local outbox, counter, halt, spilled = unpack(KEYS)
local stored = unpack(ARGV)

local last, following = '', ''
if redis.call('EXISTS', outbox) == 1 then
  local facts = redis.call('XINFO', 'STREAM', outbox)
  for position = 1, #facts, 2 do
    if facts[position] == 'last-generated-id' then
      last = facts[position + 1]
    end
  end
  local entries = redis.call('XRANGE', outbox, '(' .. stored, '+', 'COUNT', 1)
  if entries[1] then
    following = entries[1][2][2]
  end
end
return {redis.call('GET', counter) or '', last, following, redis.call('GET', halt) or '', redis.call('HLEN', spilled)}
