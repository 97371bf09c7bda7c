-- Reads how long ago an event was asked for last, by the clock that measured it then: by the signal that it was made of,
-- or by one that was refused because of it. Changes nothing.
--
-- Keys
--   ages        ZSET  event id by the moment it was taken in, ms
--   last_asked  HASH  account:command -> `<event id> <moment, ms>` of the latest duplicate: its twin, and when
-- Arguments: event id, account:command
-- Replies: {ms}, or an empty list for an event that is not alive
--@include clock
local ages, last_asked = unpack(KEYS)
local id, pair = unpack(ARGV)

local asked = redis.call('ZSCORE', ages, id)
if not asked then
  return {}
end
local twin, again = string.match(redis.call('HGET', last_asked, pair) or '', '^(%S+) (%d+)$')
if twin == id then
  asked = math.max(asked, again)
end
return {whole(now_ms() - asked)}
