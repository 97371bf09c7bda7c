-- Reads what was taken in, traded and filled since a moment, in its order. An event that sent orders comes with the
-- last of them, an execution as it was told last.
--
-- $1 moment  $2 continue after this counter  $3 the most records to return
SELECT told.counter, told.kind, told.event_id, told.account_id, told.recorded_at, told.details,
       CASE WHEN told.kind = 'order_intent' THEN told.event END AS event
FROM event_history AS told
WHERE told.counter > $2 AND told.recorded_at >= $1
  AND told.kind IN ('queued', 'duplicate', 'coalesced', 'order_intent', 'fill')
  AND NOT (told.kind = 'order_intent' AND EXISTS (
      SELECT FROM event_history AS later
      WHERE later.event_id = told.event_id AND later.kind = 'order_intent' AND later.counter > told.counter))
  AND NOT (told.kind = 'fill' AND EXISTS (
      SELECT FROM event_history AS later
      WHERE later.event_id = told.event_id AND later.kind = 'fill' AND later.counter > told.counter
        AND later.details ->> 'exec_id' = told.details ->> 'exec_id'))
ORDER BY told.counter
LIMIT $3
