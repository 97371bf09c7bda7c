-- wake(tokens): leaves a token for a waiting worker. A token only says "look again", so a few are plenty for any
-- number of events; an empty claim takes the stale ones away.
local MOST_TOKENS = 8
local function wake(tokens)
  if redis.call('LLEN', tokens) < MOST_TOKENS then
    redis.call('RPUSH', tokens, '1')
  end
end
