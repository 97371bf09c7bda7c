-- Posts one part's state, replacing its last, and tells whoever follows the reports, on a channel of the key's name.
--
-- Keys
--   components  HASH  name -> report
-- Arguments: name, report
-- Replies: {'ok'}
local components = unpack(KEYS)
local name, report = unpack(ARGV)

-- A first write that Redis allows at its memory limit: that is when the parts have most to tell.
redis.call('HDEL', components, name)
redis.call('HSET', components, name, report)
redis.call('PUBLISH', components, name)
return {'ok'}
