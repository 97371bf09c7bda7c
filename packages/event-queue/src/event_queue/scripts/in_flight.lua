-- Reads what is in the worker's hands. Changes nothing.
--
-- Keys
--   in_flight  HASH  slot -> event id; as many fields as the worker has hands
--   events     HASH  event id -> body
-- Replies: slot, event id, body (or '') of each, in one flat list
local in_flight, events = unpack(KEYS)

local reply = {}
for _, slot in ipairs(redis.call('HKEYS', in_flight)) do
  local id = redis.call('HGET', in_flight, slot)
  reply[#reply + 1] = slot
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', events, id) or ''
end
return reply
