-- Deletes some of the events that may leave history, with all that hangs on them; `purge_until` says which. What tells
-- how far a channel was taken in is left to `purge_loose`.
--
-- $1 moment  $2 the most events to delete
WITH old AS (
    SELECT event_id FROM rebalance_events AS ended
    WHERE status IN ('completed', 'skipped', 'deleted') AND completed_at < $1
      AND NOT EXISTS (SELECT FROM event_history AS told WHERE told.event_id = ended.event_id AND recorded_at >= $1)
    ORDER BY completed_at
    LIMIT $2
), history AS (
    DELETE FROM event_history USING old WHERE event_history.event_id = old.event_id AND NOT details ? 'sent_at'
), orders AS (
    DELETE FROM rebalance_orders USING old WHERE rebalance_orders.event_id = old.event_id
), fills AS (
    DELETE FROM rebalance_fills USING old WHERE rebalance_fills.event_id = old.event_id
), gone AS (
    DELETE FROM rebalance_events USING old WHERE rebalance_events.event_id = old.event_id RETURNING 1
)
SELECT count(*) FROM gone
