-- forget(k, id, pair): removes an ended event from all but the place where it was, which is the caller's to empty.
-- Returns the newer signal remembered for its pair, if any. Most times none of the last three keys is there.
local function forget(k, id, pair)
  redis.call('HDEL', k.events, id)
  redis.call('HDEL', k.active, pair)
  redis.call('ZREM', k.ages, id)
  if redis.call('EXISTS', k.retrying, k.recoveries, k.reruns) == 0 then
    return nil
  end
  redis.call('SREM', k.retrying, id)
  redis.call('HDEL', k.recoveries, id)
  return redis.call('HGET', k.reruns, pair)
end

-- follow_up(k, ended, pair, remembered): the newer signal remembered for a pair becomes one event of its own.
local function follow_up(k, ended, pair, remembered)
  local id, taken_in, body = string.match(remembered, '^(%S+) (%S+) (.*)$')
  redis.call('HDEL', k.reruns, pair)
  redis.call('HSET', k.active, pair, id)
  admit(k, id, taken_in, body, '{"follows":"' .. ended .. '"}')
end
