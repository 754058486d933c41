-- The story of a message
-- What happened to one mail of the last 90 days, in order. It asks for the message id that SES gave
-- the mail; as an execution parameter of the API, write it in quotes: 'the-id'.
SELECT
    event_time,
    event_type,
    recipients,
    coalesce(
        smtp_response, diagnostic_code, delay_type, complaint_feedback_type, link, reject_reason,
        error_message, subscription_source, user_agent
    ) AS detail,
    bounce_type,
    bounce_sub_type,
    latency_ms,
    automated,
    count(*) AS copies
FROM events
WHERE message_id = ?
    AND day >= cast(cast(current_date - INTERVAL '90' DAY AS date) AS varchar)
GROUP BY
    event_time, event_time_ms, event_type, recipients, smtp_response,
    diagnostic_code, delay_type, complaint_feedback_type, link, reject_reason, error_message,
    subscription_source, user_agent, bounce_type, bounce_sub_type, latency_ms, automated, event_id
ORDER BY event_time_ms, event_type
