-- Drops executions that a correction told of later, now or before, takes the place of.
--
-- $1 event ids of fills, stored in history
DELETE FROM rebalance_fills AS old
USING (
    SELECT counter, jsonb_array_elements_text(details -> 'replaces') AS exec_id
    FROM event_history
    WHERE event_id = ANY ($1::uuid[]) AND kind = 'fill' AND details ? 'replaces'
) AS replaced
WHERE old.exec_id = replaced.exec_id AND old.last_counter < replaced.counter
