-- traded(k, account, day, id): `day` becomes the account's latest trading day, unless a later one is known.
local function traded(k, account, day, id)
  local latest = redis.call('HGET', k.last_traded, account)
  if not latest or string.sub(latest, 1, 10) <= day then
    redis.call('HSET', k.last_traded, account, day .. ' ' .. id)
  end
end

-- will_trade(k, account, day, id): `day` is expected to become the latest; what was traded stands above it.
local function will_trade(k, account, day, id)
  local latest = redis.call('HGET', k.last_traded, account)
  local is_expected = latest and string.sub(latest, -9) == ' expected'
  if not latest or string.sub(latest, 1, 10) < day or (is_expected and string.sub(latest, 1, 10) == day) then
    redis.call('HSET', k.last_traded, account, day .. ' ' .. id .. ' expected')
  end
end
