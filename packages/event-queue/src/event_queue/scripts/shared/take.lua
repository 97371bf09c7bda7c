-- promote(k): events whose pause has ended join the back of the line, in the order of their due times.
local PROMOTED_AT_ONCE = 100
local function promote(k)
  if redis.call('EXISTS', k.delayed) == 0 then
    return
  end
  local due = redis.call('ZRANGEBYSCORE', k.delayed, '-inf', now_ms(), 'LIMIT', 0, PROMOTED_AT_ONCE)
  if #due == 0 then
    return
  end
  redis.call('ZREM', k.delayed, unpack(due))
  redis.call('LPUSH', k.queue, unpack(due))
  if #due > 1 then
    wake(k.wake)
  end
end

-- nothing_waits(k): the line is empty, so every wake token is stale; tells when the next pause ends.
local function nothing_waits(k)
  redis.call('DEL', k.wake)
  local first = redis.call('ZRANGE', k.delayed, 0, 0, 'WITHSCORES')
  if not first[2] then
    return {'none', ''}
  end
  return {'none', whole(math.max(0, first[2] - now_ms()))}
end

-- take(k, slot, details): the oldest waiting event goes into an empty slot.
-- Every first write here (ZREM, RPOP, DEL) is one that Redis allows at its memory limit: work can always go on.
-- An id without a body cannot arise from these scripts; should a stranger make one, it must not block the line.
local STRANGERS_AT_ONCE = 100
local function take(k, slot, details)
  promote(k)
  for _ = 1, STRANGERS_AT_ONCE do
    local id = redis.call('RPOP', k.queue)
    if not id then
      return nothing_waits(k)
    end
    local body = redis.call('HGET', k.events, id)
    if body then
      redis.call('HSET', k.in_flight, slot, id)
      append(k, 'claimed', body, details)
      return {'event', body}
    end
  end
  return {'none', '0'}
end
