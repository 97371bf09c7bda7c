-- Takes a new event in, unless its account and command are active already. Always audited.
--
-- Keys
--   receipt    STRING  `<event id> <answer> <twin>` given to this message or event before; expires
--   events     HASH    event id -> body
--   active     HASH    account:command -> event id
--   in_flight  HASH    slot -> event id
--   reruns     HASH    account:command -> `<event id> <created> <body>` of a newer signal
--   queue      LIST    ids, newest left
--   ages       ZSET    event id by creation, ms
--   halt       STRING  `closed ...` while the queue is rebuilt
--   wake       LIST    tokens
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
-- Arguments: event id, account:command, created ms, body, remember ('1' or '0'), life of the receipt in ms, wary ('1':
--   take nothing into a Redis without a single record, which may have been emptied)
-- Replies: {'queued', ''}  {'duplicate', twin}  {'remembered', twin}  {'seen', ''}  {'closed', reason or ''}
-- Twice: the receipt of the first run answers the second.
--@include outbox wake admit
local receipt, events, active, in_flight, reruns, queue, ages, halt, tokens, outbox, counter = unpack(KEYS)
local id, pair, created, body, remember, life, wary = unpack(ARGV)
local k = {events = events, active = active, ages = ages, queue = queue, wake = tokens, outbox = outbox, counter = counter}

local function answer(word, twin)
  redis.call('SET', receipt, id .. ' ' .. word .. ' ' .. twin, 'PX', life)
  return {word, twin}
end

local function is_in_hand(wanted)
  for _, held in ipairs(redis.call('HVALS', in_flight)) do
    if held == wanted then
      return true
    end
  end
  return false
end

local given, halted, recorded = unpack(redis.call('MGET', receipt, halt, counter), 1, 3)
if given then
  local owner, word, twin = string.match(given, '^(%S+) (%S+) (%S*)$')
  if owner == id then
    return {word, twin}
  end
  return {'seen', ''}
end
if halted and string.find(halted, '^closed') then
  return {'closed', halted}
end
if wary == '1' and not recorded then
  return {'closed', ''}
end

local twin = redis.call('HGET', active, pair)
if twin == id then
  return {'queued', ''}
end
if not twin or redis.call('HEXISTS', events, twin) == 0 then
  local details = '{}'
  if twin then
    details = '{"healed_active_event_id":"' .. twin .. '"}'
  end
  admit(k, id, pair, created, body, details)
  return answer('queued', '')
end

local details = '{"active_event_id":"' .. twin .. '"}'
if remember == '1' and is_in_hand(twin) then
  redis.call('HSET', reruns, pair, id .. ' ' .. created .. ' ' .. body)
  append(k, 'coalesced', body, details)
  return answer('remembered', twin)
end
append(k, 'duplicate', body, details)
return answer('duplicate', twin)
