-- An event that waits for trading to be resumed is set aside by the moment at which it was parked, moved ahead by
-- FAR_AHEAD ms: behind every true due time, and still in the order of parking.
local FAR_AHEAD = 4e15

-- release(k): makes the parked events due that no pause covers any more. One at most waits for each account, and only
-- an operator's step or a worker's start comes here, so going through all is bounded.
local function release(k)
  local aside = redis.call('ZRANGEBYSCORE', k.delayed, whole(FAR_AHEAD), '+inf', 'WITHSCORES')
  local released = 0
  for position = 1, #aside, 2 do
    local id, due = aside[position], tonumber(aside[position + 1])
    local account = redis.call('HGET', k.parked, id)
    if not account or not pause_of(k, account) then
      redis.call('HDEL', k.parked, id)
      redis.call('ZADD', k.delayed, whole(due - FAR_AHEAD), id)
      released = released + 1
    end
  end
  if released > 0 then
    wake(k.wake)
  end
end
