-- Reads when an account traded last. Changes nothing.
--
-- Keys
--   last_traded  HASH  account -> `<trading day> <event id>`
-- Arguments: account
-- Replies: {'<trading day> <event id>'}, or an empty list
local last_traded = unpack(KEYS)
local account = unpack(ARGV)

return {redis.call('HGET', last_traded, account) or nil}
