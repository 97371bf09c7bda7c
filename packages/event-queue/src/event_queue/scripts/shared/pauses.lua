-- pause_of(k, account): the pause that covers an account, its own or that of all; nil when it may trade.
local EVERY_ACCOUNT = '*'
local function pause_of(k, account)
  local found = redis.call('HMGET', k.paused, account, EVERY_ACCOUNT)
  return found[1] or found[2] or nil
end
