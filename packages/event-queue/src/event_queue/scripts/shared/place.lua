-- place(k, id, due): puts an event that is nowhere at the back of the line, or aside until `due` when given.
local function place(k, id, due)
  if due then
    redis.call('ZADD', k.delayed, due, id)
  else
    redis.call('LPUSH', k.queue, id)
    wake(k.wake)
  end
end

-- due_after(pause): the moment `pause` ms from now as digits, nil without a pause.
local function due_after(pause)
  if tonumber(pause) > 0 then
    return whole(now_ms() + tonumber(pause))
  end
end
