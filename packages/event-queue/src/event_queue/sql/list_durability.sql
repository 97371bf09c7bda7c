-- Reads the settings that decide whether what was committed outlives a power failure, as they are for our sessions.
SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
