-- now_ms(): the one clock of the queue, that of Redis, in whole milliseconds.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- whole(ms): a moment as digits; Lua alone would write 1.7e+12.
local function whole(ms)
  return string.format('%.0f', ms)
end
