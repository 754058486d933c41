-- Why mail bounces
-- Of the last 30 days, by what the receiving servers said: status codes are those of RFC 3463, and
-- the example is one of the servers' answers.
SELECT
    bounce_type,
    bounce_sub_type,
    status,
    count(DISTINCT event_id) AS bounced,
    count(DISTINCT recipient_domain) AS domains,
    max(diagnostic_code) AS example
FROM events
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
    AND event_type = 'bounce'
GROUP BY bounce_type, bounce_sub_type, status
ORDER BY bounced DESC, bounce_type, bounce_sub_type, status
LIMIT 50
