-- Reads living events in the order in which they will run. Changes nothing; costs what it returns.
--
-- Keys
--   in_flight  HASH  slot -> event id
--   queue      LIST  ids, oldest right
--   delayed    ZSET  event id by due time, ms
--   events     HASH  event id -> body
-- Arguments: the most events to return
-- Replies: state, due time in ms or '', body of each, in one flat list
local in_flight, queue, delayed, events = unpack(KEYS)
local limit = tonumber(ARGV[1])

local found = {}
local function add(state, due, id)
  if #found < limit then
    found[#found + 1] = {state, due, id}
  end
end

for _, id in ipairs(redis.call('HVALS', in_flight)) do
  add('processing', '', id)
end
local waiting = redis.call('LRANGE', queue, -limit, -1)
for position = #waiting, 1, -1 do
  add('waiting', '', waiting[position])
end
local aside = redis.call('ZRANGE', delayed, 0, limit - 1, 'WITHSCORES')
for position = 1, #aside, 2 do
  add('delayed', aside[position + 1], aside[position])
end

local reply = {}
for _, entry in ipairs(found) do
  local body = redis.call('HGET', events, entry[3])
  if body then
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = entry[2]
    reply[#reply + 1] = body
  end
end
return reply
