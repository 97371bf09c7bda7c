-- Removes every event, so that all come back from history, which holds every record.
--
-- Keys
--   halt       STRING  why nothing is claimed
--   counter    STRING  of the last record
--   queue      LIST    ids
--   events     HASH    event id -> body
--   active     HASH    account:command -> event id
--   delayed    ZSET    event id by due time, ms
--   in_flight  HASH    slot -> event id
--   retrying   SET     ids of events queued more than once
--   ages       ZSET    event id by the moment it was taken in, ms
--   parked     HASH    event id -> account, until trading is resumed
-- Arguments: the halt under which that was planned, number of the last record that history holds
-- Replies: {'ok'}  {'changed'} when that halt is no longer in force, or Redis has recorded more
-- Twice: nothing is left to remove.
local halt, counter, queue, events, active, delayed, in_flight, retrying, ages, parked = unpack(KEYS)
local planned_under, stored = unpack(ARGV)

local halted, recorded = unpack(redis.call('MGET', halt, counter), 1, 2)
if halted ~= planned_under or recorded ~= stored then
  return {'changed'}
end
redis.call('UNLINK', queue, events, active, delayed, in_flight, retrying, ages, parked)
return {'ok'}
