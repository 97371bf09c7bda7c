-- Reads the last message of each channel up to which everything was taken in.
SELECT DISTINCT ON (details ->> 'channel')
       details ->> 'channel' AS channel, details ->> 'message_id' AS message_id,
       (details ->> 'sent_at')::timestamptz AS sent_at, recorded_at
FROM event_history
WHERE details ? 'sent_at'
ORDER BY details ->> 'channel', counter DESC
