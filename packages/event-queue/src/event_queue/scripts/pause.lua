-- Pauses trading for a scope: an account, or all of them.
--
-- Keys
--   paused   HASH    scope -> `<pause as JSON without its end>"since":<ms>}`
--   outbox   STREAM  audit records
--   counter  STRING  of the last record
-- Arguments: scope, start of the pause as JSON (up to its moment), details
-- Replies: {'paused', pause}
-- Twice: a pause in the same words is there already; other words replace them and keep the moment.
--@include outbox clock
local paused, outbox, counter = unpack(KEYS)
local scope, words, details = unpack(ARGV)

local known = redis.call('HGET', paused, scope)
if known and string.sub(known, 1, #words) == words then
  return {'paused', known}
end
local since = known and string.match(known, '"since":(%d+)}$') or whole(now_ms())
local pause = words .. '"since":' .. since .. '}'
-- A first write that Redis allows at its memory limit: trading must be stoppable then too.
redis.call('HDEL', paused, scope)
redis.call('HSET', paused, scope, pause)
append({outbox = outbox, counter = counter}, 'paused', 'null', details)
return {'paused', pause}
