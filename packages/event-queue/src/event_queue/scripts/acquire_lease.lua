-- Gives the lease to a holder when it is free, or when the token that has it is presumed dead.
-- A Redis that was emptied, or has started anew and may come from an older file, does not know whom it has given a
-- lease before. Then the holder is told that it may not be the sole one.
--
-- Keys
--   lease      STRING  `<holder>:<fence>`; expires
--   fence      STRING  counts the holders there ever were
--   lease_run  STRING  the run of Redis in which no lease is forgotten
-- Arguments: holder (unique to one start of one process), length in ms, token presumed dead or '', highest fence that
--   the holder ever had
-- Replies: {'lease', token, fence, 'sole' or ''}  {'held', token, ms left}
-- Twice: the holder's own lease is given again, at full length; one from before its latest is not.
--@include run
local lease, fence, lease_run = unpack(KEYS)
local holder, length, presumed_dead, latest = unpack(ARGV)

local sole = redis.call('GET', lease_run) == this_run() and 'sole' or ''
local current = redis.call('GET', lease)
if current then
  local owner, number = string.match(current, '^(.*):(%d+)$')
  if owner == holder and tonumber(number) >= tonumber(latest) then
    redis.call('PEXPIRE', lease, length)
    return {'lease', current, number, sole}
  end
  if owner ~= holder and current ~= presumed_dead then
    return {'held', current, tostring(redis.call('PTTL', lease))}
  end
end
-- A first write that Redis allows at its memory limit: a full queue must still find a worker.
redis.call('DEL', lease)
local number = redis.call('INCR', fence)
if number <= tonumber(latest) then
  number = string.format('%d', latest + 1)
  redis.call('SET', fence, number)
end
local token = holder .. ':' .. number
redis.call('SET', lease, token, 'PX', length)
return {'lease', token, tostring(number), sole}
