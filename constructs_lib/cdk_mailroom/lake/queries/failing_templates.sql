-- Templates that fail to render
-- Of the last 30 days: which templates, for which reason, how often, and when last. Mail that fails
-- to render is never sent.
SELECT
    template_name,
    error_message,
    count(DISTINCT event_id) AS failed,
    min(event_time) AS first,
    max(event_time) AS last
FROM events
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
    AND event_type = 'rendering_failure'
GROUP BY template_name, error_message
ORDER BY failed DESC, template_name, error_message
LIMIT 50
