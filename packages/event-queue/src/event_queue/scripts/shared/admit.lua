-- admit(k, id, taken_in, body, details): makes a new event, the active one of its pair already, alive at the back of
-- the line.
local function admit(k, id, taken_in, body, details)
  redis.call('HSET', k.events, id, body)
  redis.call('ZADD', k.ages, taken_in, id)
  redis.call('LPUSH', k.queue, id)
  append(k, 'queued', body, details)
  wake(k.wake)
end
