-- this_run(): the run of Redis, for which each start makes another name; one for all where the server does not tell it.
local function this_run()
  local told = redis.pcall('INFO', 'server')
  return type(told) == 'string' and string.match(told, 'run_id:(%w+)') or 'untold'
end
