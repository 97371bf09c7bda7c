-- Appends an audit record about the event in a slot; the queue's state does not change.
--
-- Keys
--   receipt    STRING  made from the record itself, so that the same record is added once; expires
--   lease      STRING  token of the one worker
--   in_flight  HASH    slot -> event id
--   events     HASH    event id -> body
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
-- Arguments: token, slot, event id, kind, details, life of the receipt in ms
-- Replies: {'ok'}  {'not_held'}  {'lease_lost'}
-- Twice: the receipt of the first run answers the second.
--@include outbox
local receipt, lease, in_flight, events, outbox, counter = unpack(KEYS)
local token, slot, id, kind, details, life = unpack(ARGV)

if redis.call('GET', lease) ~= token then
  return {'lease_lost'}
end
if redis.call('EXISTS', receipt) == 1 then
  return {'ok'}
end
if redis.call('HGET', in_flight, slot) ~= id then
  return {'not_held'}
end
local body = redis.call('HGET', events, id)
-- Removes nothing, but lets what follows pass the memory limit: what was traded must be written down.
redis.call('DEL', receipt)
append({outbox = outbox, counter = counter}, kind, body, details)
redis.call('SET', receipt, '1', 'PX', life)
return {'ok'}
