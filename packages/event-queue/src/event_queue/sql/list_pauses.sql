-- Reads the latest pauses and resumptions of trading, youngest first.
--
-- $1 the most to return
SELECT counter, kind, scope, actor, reason, recorded_at
FROM trading_pauses
ORDER BY counter DESC
LIMIT $1
