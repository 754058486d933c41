-- Events that arrived more than once
-- Of the last 30 days. SES, Firehose and replays deliver at least once; the copies of an event have
-- the same event_id, type and day. The saved queries count each once; see also the view.
SELECT
    day,
    event_type,
    event_id,
    min(message_id) AS message_id,
    count(*) AS copies
FROM events
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
GROUP BY day, event_type, event_id
HAVING count(*) > 1
ORDER BY copies DESC, day DESC, event_id
LIMIT 1000
