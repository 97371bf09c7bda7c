-- Gives the lease to a holder when it is free, or when the token that has it is presumed dead.
--
-- Keys
--   lease  STRING  `<holder>:<fence>`; expires
--   fence  STRING  counts the holders there ever were
-- Arguments: holder (unique to one start of one process), length in ms, token presumed dead or ''
-- Replies: {'lease', token, fence}  {'held', token, ms left}
-- Twice: the holder's own lease is given again, at full length.
local lease, fence = unpack(KEYS)
local holder, length, presumed_dead = unpack(ARGV)

local current = redis.call('GET', lease)
if current then
  local owner, number = string.match(current, '^(.*):(%d+)$')
  if owner == holder then
    redis.call('PEXPIRE', lease, length)
    return {'lease', current, number}
  end
  if current ~= presumed_dead then
    return {'held', current, tostring(redis.call('PTTL', lease))}
  end
end
-- A first write that Redis allows at its memory limit: a full queue must still find a worker.
redis.call('DEL', lease)
local number = redis.call('INCR', fence)
local token = holder .. ':' .. number
redis.call('SET', lease, token, 'PX', length)
return {'lease', token, tostring(number)}
