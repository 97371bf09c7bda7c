-- Reads one living event and where it is. Changes nothing.
--
-- Keys
--   in_flight  HASH  slot -> event id
--   delayed    ZSET  event id by due time, ms
--   events     HASH  event id -> body
-- Arguments: event id
-- Replies: {state, due time in ms or '', body}, or an empty list
local in_flight, delayed, events = unpack(KEYS)
local id = unpack(ARGV)

local body = redis.call('HGET', events, id)
if not body then
  return {}
end
for _, held in ipairs(redis.call('HVALS', in_flight)) do
  if held == id then
    return {'processing', '', body}
  end
end
local due = redis.call('ZSCORE', delayed, id)
if due then
  return {'delayed', due, body}
end
return {'waiting', '', body}
