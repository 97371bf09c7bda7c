-- Appends an audit record about the event in a slot; no event moves.
-- An order is not written down, and so must not be sent, while trading is paused for its account. From its first
-- order on the event is kept aside for the fills that may come after its end.
-- A record that comes with a trading day says that the account will trade on it.
--
-- Keys
--   receipt       STRING  made from the record itself, so that the same record is added once; expires
--   traded_event  STRING  body of the event, from its first order on; expires
--   lease         STRING  token of the one worker
--   in_flight     HASH    slot -> event id
--   events        HASH    event id -> body
--   paused        HASH    account, or `*` for all -> pause
--   last_traded   HASH    account -> `<trading day> <event id>`, and ` expected` until something was filled
--   outbox        STREAM  audit records
--   counter       STRING  of the last record
--   halt          STRING  why no order may be sent
-- Arguments: token, slot, event id, kind, details, life of the receipt in ms, account, trading day or '', life of
--   the body in ms
-- Replies: {'ok'}  {'paused', pause}  {'halted', reason}  {'not_held'}  {'lease_lost'}
-- Twice: the receipt of the first run answers the second.
--@include outbox pauses traded
local receipt, traded_event, lease, in_flight, events, paused, last_traded, outbox, counter, halt = unpack(KEYS)
local token, slot, id, kind, details, life, account, trading_day, body_life = unpack(ARGV)

local owner, halted = unpack(redis.call('MGET', lease, halt), 1, 2)
if owner ~= token then
  return {'lease_lost'}
end
if redis.call('EXISTS', receipt) == 1 then
  return {'ok'}
end
if redis.call('HGET', in_flight, slot) ~= id then
  return {'not_held'}
end
if halted and kind == 'order_intent' then
  return {'halted', halted}
end
local pause = kind == 'order_intent' and pause_of({paused = paused}, account)
if pause then
  return {'paused', pause}
end
local body = redis.call('HGET', events, id)
-- Removes nothing, but lets what follows pass the memory limit: what was traded must be written down.
redis.call('DEL', receipt)
if kind == 'order_intent' then
  redis.call('SET', traded_event, body, 'PX', body_life)
end
if trading_day ~= '' then
  will_trade({last_traded = last_traded}, account, trading_day, id)
end
append({outbox = outbox, counter = counter}, kind, body, details)
redis.call('SET', receipt, '1', 'PX', life)
return {'ok'}
