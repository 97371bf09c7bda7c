-- Takes a new event in, unless its account and command are active already. Always audited.
--
-- Keys
--   receipt    STRING  `<event id> <answer> <twin>` given to this message or event before; expires
--   events     HASH    event id -> body
--   active     HASH    account:command -> event id
--   in_flight  HASH    slot -> event id
--   reruns     HASH    account:command -> `<event id> <taken in, ms> <body>` of a newer signal
--   last_asked HASH    account:command -> `<event id> <moment, ms>` of the latest duplicate: its twin, and when
--   queue      LIST    ids, newest left
--   ages       ZSET    event id by the moment it was taken in, ms
--   halt       STRING  why nothing is claimed; `closed ...` while the queue is rebuilt
--   wake       LIST    tokens
--   outbox     STREAM  audit records
--   counter    STRING  of the last record
-- Arguments: event id, account:command, body, remember ('1' or '0'), life of the receipt in ms, number of
--   the record that this Redis must have reached, or '' (else it has lost some of its past, and takes nothing in), the
--   message as members of a JSON object, or ''
-- Replies: {'queued', ''}  {'duplicate', twin}  {'remembered', twin}  {'seen', ''}  {'closed', reason or ''}
-- Twice: the receipt of the first run answers the second.
--@include outbox clock wake admit
local receipt, events, active, in_flight, reruns, last_asked, queue, ages, halt, tokens, outbox, counter = unpack(KEYS)
local id, pair, body, remember, life, least, message = unpack(ARGV)
local k = {events = events, active = active, ages = ages, queue = queue, wake = tokens, outbox = outbox, counter = counter}

local function answer(word, twin)
  redis.call('SET', receipt, id .. ' ' .. word .. ' ' .. twin, 'PX', life)
  return {word, twin}
end

-- details_with(member): what the record tells, of the message and beside it.
local function details_with(member)
  local between = message ~= '' and member ~= '' and ',' or ''
  return '{' .. message .. between .. member .. '}'
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
if least ~= '' and (not recorded or tonumber(recorded) < tonumber(least)) then
  return {'closed', recorded and 'Redis has lost some of its past' or ''}
end

local taken_in = whole(now_ms())
local twin = redis.call('HGET', active, pair)
if twin == id then
  return {'queued', ''}
end
if not twin or redis.call('HEXISTS', events, twin) == 0 then
  local healed = twin and '"healed_active_event_id":"' .. twin .. '"' or ''
  admit(k, id, pair, taken_in, body, details_with(healed))
  return answer('queued', '')
end

local details = details_with('"active_event_id":"' .. twin .. '"')
-- While halted, what stands in the queue may have ended long ago, and is no word for a newer signal.
if remember == '1' and (halted or is_in_hand(twin)) then
  redis.call('HSET', reruns, pair, id .. ' ' .. taken_in .. ' ' .. body)
  append(k, 'coalesced', body, details)
  return answer('remembered', twin)
end
redis.call('HSET', last_asked, pair, twin .. ' ' .. taken_in)
append(k, 'duplicate', body, details)
return answer('duplicate', twin)
