-- Lets nothing be claimed and no order be written down until the queue is reopened.
--
-- Keys
--   halt  STRING  `closed <reason>` (nothing is taken in either) or `halted <reason>`
-- Arguments: its value
-- Replies: {'ok'}
local halt = unpack(KEYS)
local value = unpack(ARGV)

-- A first write that Redis allows at its memory limit: trading must be stoppable then too.
redis.call('DEL', halt)
redis.call('SET', halt, value)
return {'ok'}
