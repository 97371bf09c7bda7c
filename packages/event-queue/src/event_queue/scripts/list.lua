-- Reads living events in the order in which they will run. Changes nothing; costs what it returns.
--
-- Keys
--   in_flight  HASH  slot -> event id
--   queue      LIST  ids, oldest right
--   delayed    ZSET  event id by due time, ms
--   events     HASH  event id -> body
-- Arguments: the most events to return, how many to leave out before them
-- Replies: state, due time in ms or '', body of each, in one flat list
local in_flight, queue, delayed, events = unpack(KEYS)
local limit, skip = tonumber(ARGV[1]), tonumber(ARGV[2])

local ids, states, dues = {}, {}, {}
local function add(id, state, due)
  if #ids < limit then
    ids[#ids + 1], states[#ids + 1], dues[#ids + 1] = id, state, due
  end
end

local working = redis.call('HVALS', in_flight)
for position = skip + 1, #working do
  add(working[position], 'processing', '')
end
skip = math.max(0, skip - #working)
local waiting = redis.call('LRANGE', queue, -skip - limit, -skip - 1)
for position = #waiting, 1, -1 do
  add(waiting[position], 'waiting', '')
end
if #ids < limit then
  skip = math.max(0, skip - redis.call('LLEN', queue))
  local aside = redis.call('ZRANGE', delayed, skip, skip + limit - 1, 'WITHSCORES')
  for position = 1, #aside, 2 do
    add(aside[position], 'delayed', aside[position + 1])
  end
end
if #ids == 0 then
  return {}
end

local reply = {}
for position, body in ipairs(redis.call('HMGET', events, unpack(ids))) do
  if body then
    reply[#reply + 1] = states[position]
    reply[#reply + 1] = dues[position]
    reply[#reply + 1] = body
  end
end
return reply
