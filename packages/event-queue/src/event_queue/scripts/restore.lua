-- Puts the queue right by what history knows: events come back, are corrected, removed, or told again.
--
-- Keys
--   receipt      STRING  set by this very call; expires
--   in_flight    HASH    slot -> event id
--   events       HASH    event id -> body
--   active       HASH    account:command -> event id
--   reruns       HASH    account:command -> remembered newer signal
--   queue        LIST    ids, newest left
--   delayed      ZSET    event id by due time, ms
--   parked       HASH    event id -> account, until trading is resumed
--   paused       HASH    account, or `*` for all -> pause
--   last_traded  HASH    account -> `<trading day> <event id>`, and ` expected` until something was filled
--   last_asked   HASH    account:command -> `<event id> <moment, ms>` of the latest duplicate
--   ages         ZSET    event id by the moment it was taken in, ms
--   retrying     SET     ids of events queued more than once
--   recoveries   HASH    event id -> times a dead worker held it
--   wake         LIST    tokens
--   outbox       STREAM  audit records
--   counter      STRING  of the last record
--   halt         STRING  why nothing is claimed
-- Arguments: life of the receipt in ms, the halt under which it was planned or '', then ten for each thing to do:
--   verb, name, pair, created ms, body, expected body, kind, due, account, times queued
--   pause, resume   name is the scope, body the pause
--   traded          name is the account, body `<trading day> <event id>`
--   expected        the same of a day on which orders will fill
--   asked           body is `<event id> <moment, ms>` of the pair's latest duplicate
--   back            an event comes back, or is corrected; due is a moment in ms, `parked <ms>` since then,
--                   or '' to wait in line;
--                   an event of the same pair that came after the loss stays, and this one ends as superseded by it
--   end             an event that history knows as ended goes; kind is its status
--   tell            history, which does not know it, is told of a living event
--   settled         body is the id of a newer signal remembered for the pair, which is remembered no more: history has
--                   made an event of it, or has a newer one
--   rerun           a newer signal remembered for a living pair; body `<event id> <created ms> <event body>`
-- An event whose body is not the expected one ('' for none) has changed meanwhile, and is left as it is.
-- Replies: {'ok'}  {'changed'} when that halt is no longer in force: somebody has put the queue right, and it is
--   worked on
-- Twice: the receipt of the first run answers the second.
--@include outbox clock wake admit forget pauses parked traded
local receipt, in_flight, events, active, reruns, queue, delayed, parked, paused, last_traded, last_asked, ages, retrying,
  recoveries, tokens, outbox, counter, halt = unpack(KEYS)
local k = {
  in_flight = in_flight, events = events, active = active, reruns = reruns, queue = queue, delayed = delayed,
  parked = parked, paused = paused, ages = ages, retrying = retrying, recoveries = recoveries, wake = tokens,
  outbox = outbox, counter = counter, last_traded = last_traded,
}
local RESTORED = '{"reason":"restored from history"}'

local function slot_of(id)
  for _, slot in ipairs(redis.call('HKEYS', in_flight)) do
    if redis.call('HGET', in_flight, slot) == id then
      return slot
    end
  end
end

local function take_out(id)
  local slot = slot_of(id)
  if slot then
    redis.call('HDEL', in_flight, slot)
  end
  redis.call('LREM', queue, 0, id)
  redis.call('ZREM', delayed, id)
  redis.call('HDEL', parked, id)
end

-- tell_place(id, body, due): records where an event is that does not wait in line; due as ZSCORE gives it, or nil.
local function tell_place(id, body, due)
  if slot_of(id) then
    append(k, 'claimed', body, RESTORED)
  elseif due and tonumber(due) >= FAR_AHEAD then
    append(k, 'parked', body, RESTORED)
  elseif due then
    append(k, 'delayed', body, RESTORED, due)
  end
end

local function put_in(entry)
  local due = entry.due
  local since = string.match(due, '^parked (%d+)$')
  if due == '' then
    redis.call('LPUSH', queue, entry.name)
    wake(tokens)
  elseif since and pause_of(k, entry.account) then
    redis.call('HSET', parked, entry.name, entry.account)
    due = whole(FAR_AHEAD + since)
  elseif since then
    -- Trading was resumed since, which moved it into the line without a record of its own.
    due = since
  end
  if due ~= '' then
    redis.call('ZADD', delayed, due, entry.name)
    tell_place(entry.name, entry.body, due)
  end
end

local verbs = {}

function verbs.pause(entry)
  redis.call('HSET', paused, entry.name, entry.body)
end

function verbs.resume(entry)
  redis.call('HDEL', paused, entry.name)
  release(k)
end

function verbs.traded(entry)
  traded(k, entry.name, string.match(entry.body, '^(%S+) (%S+)$'))
end

function verbs.expected(entry)
  will_trade(k, entry.name, string.match(entry.body, '^(%S+) (%S+)$'))
end

function verbs.asked(entry)
  local known = string.match(redis.call('HGET', last_asked, entry.pair) or '', ' (%d+)$')
  if not known or tonumber(known) < tonumber(string.match(entry.body, ' (%d+)$')) then
    redis.call('HSET', last_asked, entry.pair, entry.body)
  end
end

function verbs.settled(entry)
  local remembered = redis.call('HGET', reruns, entry.pair)
  if remembered and string.match(remembered, '^%S+') == entry.body then
    redis.call('HDEL', reruns, entry.pair)
  end
end

function verbs.back(entry)
  local id = entry.name
  local twin = redis.call('HGET', active, entry.pair)
  if twin and twin ~= id and redis.call('HEXISTS', events, twin) == 1 then
    append(k, entry.kind, entry.body, '{"from_history":true}')
    append(k, 'deleted', entry.body, '{"actor":"resync","superseded_by":"' .. twin .. '"}')
    return
  end
  -- What is nowhere need not be looked for, which would cost more the longer the line is. Ids without bodies are left
  -- where keys were lost.
  local places = redis.call('LLEN', queue) + redis.call('ZCARD', delayed) + redis.call('HLEN', in_flight)
  if entry.expected ~= '' or places > redis.call('HLEN', events) then
    take_out(id)
  end
  redis.call('HSET', events, id, entry.body)
  redis.call('HSET', active, entry.pair, id)
  redis.call('ZADD', ages, entry.created, id)
  if tonumber(entry.times) > 1 then
    redis.call('SADD', retrying, id)
  end
  append(k, entry.kind, entry.body, '{"from_history":true}')
  put_in(entry)
end

verbs['end'] = function(entry)
  local remembered = redis.call('HGET', reruns, entry.pair)
  take_out(entry.name)
  forget(k, entry.name, entry.pair)
  append(k, 'resynced', entry.body, '{"ended_as":"' .. entry.kind .. '"}')
  if remembered then
    follow_up(k, entry.name, entry.pair, remembered)
  end
end

function verbs.tell(entry)
  append(k, 'restored', entry.body, '{"from_queue":true}')
  tell_place(entry.name, entry.body, redis.call('ZSCORE', delayed, entry.name))
end

function verbs.rerun(entry)
  if redis.call('HEXISTS', active, entry.pair) == 1 then
    redis.call('HSETNX', reruns, entry.pair, entry.body)
  end
end

local of_events = {back = true, ['end'] = true, tell = true}
if redis.call('EXISTS', receipt) == 1 then
  return {'ok'}
end
if (redis.call('GET', halt) or '') ~= ARGV[2] then
  return {'changed'}
end
for first = 3, #ARGV, 10 do
  local verb, name, pair, created, body, expected, kind, due, account, times = unpack(ARGV, first, first + 9)
  local entry = {
    name = name, pair = pair, created = created, body = body, expected = expected, kind = kind, due = due,
    account = account, times = times,
  }
  if not of_events[verb] or (redis.call('HGET', events, name) or '') == expected then
    verbs[verb](entry)
  end
end
redis.call('SET', receipt, '1', 'PX', ARGV[1])
return {'ok'}
