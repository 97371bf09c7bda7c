-- Finds the lowest counter among the records since a moment.
--
-- $1 moment
SELECT min(counter) AS counter FROM event_history WHERE recorded_at >= $1
