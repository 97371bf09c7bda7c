-- Lets records be numbered after those of history, and moves records that contradict it behind them.
-- A moved record keeps its moment in the field `at`; its stream id cannot, because ids only grow.
--
-- Keys
--   receipt  STRING  set by this very call; expires
--   outbox   STREAM  audit records
--   counter  STRING  of the last record
--   halt     STRING  why nothing is claimed
-- Arguments: life of the receipt in ms; counter as it was when the records were read, or ''; counter and stream id of
--   the last record that history holds; the halt under which this was planned or ''; stream ids of the records to move
-- Replies: {'ok'}  {'changed'}
-- Twice: the receipt of the first run answers the second.
local receipt, outbox, counter, halt = unpack(KEYS)
local life, seen, stored, stored_id, expected, first = unpack(ARGV, 1, 6)

if redis.call('EXISTS', receipt) == 1 then
  return {'ok'}
end
-- A Redis that was lost once more has no halt: numbered now, it would pass for one that has been put right.
if (redis.call('GET', counter) or '') ~= seen or (redis.call('GET', halt) or '') ~= expected then
  return {'changed'}
end
if first and #redis.call('XRANGE', outbox, first, first) == 0 then
  return {'changed'}
end
redis.call('SET', counter, stored)
-- New ids must be greater than those of history too. Refused when they are already: then the last one was given to an
-- entry that waits, or to one that somebody has removed, and is forgotten.
if stored_id ~= '0-0' then
  if not redis.pcall('XADD', outbox, stored_id, 'placeholder', '').err then
    redis.call('XDEL', outbox, stored_id)
  elseif redis.call('XLEN', outbox) == 0 then
    redis.pcall('XSETID', outbox, stored_id)
  end
end
for position = 6, #ARGV do
  local id = ARGV[position]
  local fields = redis.call('XRANGE', outbox, id, id)[1][2]
  fields[2] = redis.call('INCR', counter)
  if fields[#fields - 1] ~= 'at' then
    fields[#fields + 1] = 'at'
    fields[#fields + 1] = string.match(id, '^%d+')
  end
  redis.call('XDEL', outbox, id)
  redis.call('XADD', outbox, '*', unpack(fields))
end
redis.call('SET', receipt, '1', 'PX', life)
return {'ok'}
