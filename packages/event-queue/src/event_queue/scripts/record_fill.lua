-- Appends an audit record of an execution under its event, whether that is in hand, waits, or has ended; no event
-- moves. The execution's day becomes the account's latest trading day, unless a later one is known.
--
-- Keys
--   receipt       STRING  of the execution: as what it was told last; expires
--   traded_event  STRING  body of the event, from its first order on; expires
--   lease         STRING  token of the one worker
--   events        HASH    event id -> body
--   last_traded   HASH    account -> `<trading day> <event id>`, and ` expected` until something was filled
--   outbox        STREAM  audit records
--   counter       STRING  of the last record
-- Arguments: token, event id, details, words of the receipt, its life in ms, account, trading day
--   The words end with the commission. Told without one, an execution is the same whatever commission was told before.
-- Replies: {'ok'}  {'unknown'}  {'lease_lost'}
-- Twice: the receipt of the first run answers the second.
--@include outbox traded
local receipt, traded_event, lease, events, last_traded, outbox, counter = unpack(KEYS)
local token, id, details, words, life, account, trading_day = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
local told = redis.call('GET', receipt)
if told and string.sub(told, 1, #words) == words then
  return {'ok'}
end
local body = redis.call('HGET', events, id) or redis.call('GET', traded_event)
if not body then
  return {'unknown'}
end
-- Removes nothing, but lets what follows pass the memory limit: what was traded must be written down.
redis.call('DEL', receipt)
traded({last_traded = last_traded}, account, trading_day, id)
append({outbox = outbox, counter = counter}, 'fill', body, details)
redis.call('SET', receipt, words, 'PX', life)
return {'ok'}
