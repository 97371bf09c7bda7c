-- Lets nothing be claimed and no order be written down until the queue is reopened. Another halt in force stays.
--
-- Keys
--   halt  STRING  `closed <reason>` (nothing is taken in either) or `halted <reason>`
-- Arguments: its value; the halt that it may replace, or ''
-- Replies: {'ok', the halt in force}
-- Twice: the halt of the first run is in force.
local halt = unpack(KEYS)
local value, expected = unpack(ARGV)

local present = redis.call('GET', halt)
if present and present ~= expected then
  return {'ok', present}
end
-- A first write that Redis allows at its memory limit: trading must be stoppable then too.
redis.call('DEL', halt)
redis.call('SET', halt, value)
return {'ok', value}
