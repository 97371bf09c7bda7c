-- drop(outbox, through, first_kept): drops the records up to and including an id, unless another stands there by now.
-- Ids tell the time: where the one named is not the last of those up to it, Redis was restored from another past since
-- they were read, and what it holds has not been stored.
local function drop(outbox, through, first_kept)
  local last = last_up_to(outbox, through)
  if last and last[1] ~= through then
    return false
  end
  redis.call('XTRIM', outbox, 'MINID', first_kept)
  return true
end
