-- forget(k, id, pair): removes an ended event from all but the place where it was, which the caller has emptied.
local function forget(k, id, pair)
  redis.call('HDEL', k.events, id)
  redis.call('HDEL', k.active, pair)
  redis.call('ZREM', k.ages, id)
  redis.call('SREM', k.retrying, id)
  redis.call('HDEL', k.recoveries, id)
end

-- follow_up(k, ended, pair, remembered): the newer signal remembered for a pair becomes one event of its own.
local function follow_up(k, ended, pair, remembered)
  local id, taken_in, body = string.match(remembered, '^(%S+) (%S+) (.*)$')
  redis.call('HDEL', k.reruns, pair)
  admit(k, id, pair, taken_in, body, '{"follows":"' .. ended .. '"}')
end
