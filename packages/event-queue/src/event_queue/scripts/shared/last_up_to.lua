-- last_up_to(stream, id): the last entry up to an id, nil without any.
-- Where all entries follow the id, Redis would look through them all, from the end; the first one tells that they do.
local function last_up_to(stream, id)
  if redis.call('XRANGE', stream, '-', id, 'COUNT', 1)[1] then
    return redis.call('XREVRANGE', stream, id, '-', 'COUNT', 1)[1]
  end
end
