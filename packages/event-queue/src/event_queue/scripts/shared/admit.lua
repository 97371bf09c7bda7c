-- admit(k, id, pair, taken_in, body, details): makes a new event alive at the back of the line.
-- The first write is one that Redis refuses at its memory limit, so that a full Redis takes nothing in by halves.
local function admit(k, id, pair, taken_in, body, details)
  redis.call('HSET', k.events, id, body)
  redis.call('HSET', k.active, pair, id)
  redis.call('ZADD', k.ages, taken_in, id)
  redis.call('LPUSH', k.queue, id)
  append(k, 'queued', body, details)
  wake(k.wake)
end
