-- append(k, kind, body, details, due): adds one audit record under the next counter.
-- `details` is a JSON object made outside; `due` is a moment in ms or nil. The counter has no gaps because it is
-- taken in the same atomic step as the record. Without a body, which a stranger has removed, none is taken.
local function append(k, kind, body, details, due)
  assert(body, 'the event has no body')
  local n = redis.call('INCR', k.counter)
  redis.call('XADD', k.outbox, '*', 'n', n, 'kind', kind, 'event', body, 'details', details, 'due', due or '')
end
