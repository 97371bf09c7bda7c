-- Reads unfinished events that moved while history went on and Redis did not, because that went back in time: as they
-- stood at the end of it. What Redis did with them since may be in history too, and hides that. An event that was put
-- right since is left out.
--
-- $1 event ids  $2 the last counter that it saw  $3 the last that it did not see
-- $4 the kinds that move an event  $5 the status after each of them
SELECT DISTINCT ON (unseen.event_id)
       known.event_id, known.account_id, known.exec_command, known.source, moves.status,
       (unseen.event ->> 'times_queued')::integer AS times_queued, known.payload, known.created_at,
       (unseen.details ->> 'next_attempt_at')::timestamptz AS next_attempt_at, unseen.counter AS last_counter,
       unseen.recorded_at AS moved_at
FROM event_history AS unseen
JOIN unnest($4::text[], $5::text[]) AS moves (kind, status) USING (kind)
JOIN rebalance_events AS known USING (event_id)
WHERE unseen.event_id = ANY ($1::uuid[])
  AND unseen.counter > $2
  AND unseen.counter <= $3
  AND known.status NOT IN ('completed', 'skipped', 'deleted')
  AND NOT EXISTS (
      SELECT FROM event_history AS since
      WHERE since.event_id = unseen.event_id AND since.counter > $3 AND since.details ? 'from_history'
  )
ORDER BY unseen.event_id, unseen.counter DESC
