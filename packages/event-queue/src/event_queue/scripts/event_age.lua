-- Reads how long ago an event was taken in, by the clock that measured it then. Changes nothing.
--
-- Keys
--   ages  ZSET  event id by the moment it was taken in, ms
-- Arguments: event id
-- Replies: {ms}, or an empty list for an event that is not alive
--@include clock
local ages = unpack(KEYS)
local id = unpack(ARGV)

local taken_in = redis.call('ZSCORE', ages, id)
return {taken_in and whole(now_ms() - taken_in) or nil}
