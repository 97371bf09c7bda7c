-- Deletes some of what may leave history and hangs on no event; `purge_until` says what that is.
--
-- $1 moment  $2 the most records to delete
WITH unfinished AS MATERIALIZED (
    SELECT event_id FROM rebalance_events WHERE status IN ('pending', 'processing', 'failed', 'delayed')
), pauses AS (
    DELETE FROM trading_pauses AS old
    WHERE recorded_at < $1
      AND EXISTS (SELECT FROM trading_pauses AS later
                  WHERE later.scope = old.scope AND later.kind = 'resumed' AND later.counter > old.counter)
), quarantined AS (
    DELETE FROM audit_quarantine AS apart
    WHERE quarantined_at < $1 AND NOT EXISTS (SELECT FROM unfinished WHERE unfinished.event_id = apart.event_id)
), loose AS MATERIALIZED (
    SELECT counter, event_id FROM event_history AS told
    WHERE recorded_at < $1
      AND NOT EXISTS (SELECT FROM rebalance_events AS known WHERE known.event_id = told.event_id)
      AND NOT EXISTS (SELECT FROM unfinished WHERE unfinished.event_id::text = told.details ->> 'active_event_id')
      AND (NOT details ? 'sent_at'
           OR EXISTS (SELECT FROM event_history AS later
                      WHERE later.details ? 'sent_at' AND later.details ->> 'channel' = told.details ->> 'channel'
                        AND later.counter > told.counter))
    LIMIT $2
), orders AS (
    DELETE FROM rebalance_orders AS known USING loose
    WHERE known.event_id = loose.event_id AND known.last_counter = loose.counter
), fills AS (
    DELETE FROM rebalance_fills AS known USING loose
    WHERE known.event_id = loose.event_id AND known.last_counter = loose.counter
), gone AS (
    DELETE FROM event_history USING loose WHERE event_history.counter = loose.counter RETURNING 1
)
SELECT count(*) FROM gone
