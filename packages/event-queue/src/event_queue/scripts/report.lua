-- Posts one part's state, replacing its last, and tells whoever follows the reports, on a channel of the key's name.
--
-- Keys
--   components  HASH  part, or `<part> <process>` of a part of which several processes speak -> report
-- Arguments: field, report (a JSON object), what the fields of its part begin with or '' when one process alone speaks
-- Replies: {'ok'}
--@include clock
local components = unpack(KEYS)
local field, report, part = unpack(ARGV)
local SILENT_MS = 60000

-- A first write that Redis allows at its memory limit: that is when the parts have most to tell.
redis.call('HDEL', components, field)
if part ~= '' then
  -- Nobody else would remove the word of a process that has ended.
  for _, other in ipairs(redis.call('HKEYS', components)) do
    if string.sub(other, 1, #part) == part then
      local posted = string.match(redis.call('HGET', components, other), '"posted_ms":(%d+)}$')
      if posted and now_ms() - posted > SILENT_MS then
        redis.call('HDEL', components, other)
      end
    end
  end
  report = string.sub(report, 1, -2) .. ',"posted_ms":' .. whole(now_ms()) .. '}'
end
redis.call('HSET', components, field, report)
redis.call('PUBLISH', components, field)
return {'ok'}
