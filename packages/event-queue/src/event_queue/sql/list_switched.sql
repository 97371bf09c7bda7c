-- Reads how each scope of trading was switched last, with the moment since which it is paused.
--
-- $1 only scopes switched after this counter
SELECT DISTINCT ON (scope) scope, kind, actor, COALESCE(reason, '') AS reason,
       (SELECT min(first.recorded_at)
        FROM trading_pauses AS first
        WHERE first.scope = latest.scope AND first.kind = 'paused'
          AND first.counter > COALESCE((SELECT max(resumed.counter) FROM trading_pauses AS resumed
                                        WHERE resumed.scope = latest.scope AND resumed.kind = 'resumed'), 0)) AS since
FROM trading_pauses AS latest
WHERE latest.counter > $1
ORDER BY scope, counter DESC
