-- Deletes some of the events that ended before a moment, with all that hangs on them.
--
-- $1 moment  $2 the most events to delete
WITH old AS (
    SELECT event_id FROM rebalance_events
    WHERE status IN ('completed', 'skipped', 'deleted') AND completed_at < $1
    ORDER BY completed_at
    LIMIT $2
), history AS (
    DELETE FROM event_history USING old WHERE event_history.event_id = old.event_id
), orders AS (
    DELETE FROM rebalance_orders USING old WHERE rebalance_orders.event_id = old.event_id
), fills AS (
    DELETE FROM rebalance_fills USING old WHERE rebalance_fills.event_id = old.event_id
), gone AS (
    DELETE FROM rebalance_events USING old WHERE rebalance_events.event_id = old.event_id RETURNING 1
)
SELECT count(*) FROM gone
