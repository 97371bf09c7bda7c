-- Reads when an account traded last. Changes nothing.
--
-- Keys
--   last_traded  HASH  account -> `<trading day> <event id>`, and ` expected` until something was filled
-- Arguments: account
-- Replies: {its value}, or an empty list
local last_traded = unpack(KEYS)
local account = unpack(ARGV)

return {redis.call('HGET', last_traded, account) or nil}
