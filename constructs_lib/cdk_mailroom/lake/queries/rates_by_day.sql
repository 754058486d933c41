-- Bounce and complaint rate by day
-- Of the last 30 days. Rates are percentages of the mails sent on that day. AWS counts permanent
-- bounces and complaints, and reviews an account at 5 % and 0.1 %; what its own suppression list
-- stopped is no bounce. Duplicates count once.
SELECT
    day,
    count(DISTINCT CASE WHEN event_type = 'send' THEN event_id END) AS sent,
    count(DISTINCT CASE WHEN event_type = 'delivery' THEN event_id END) AS delivered,
    count(DISTINCT CASE WHEN event_type = 'bounce' AND bounce_type = 'Permanent' THEN event_id END)
        AS bounced,
    count(DISTINCT CASE WHEN event_type = 'bounce' AND bounce_type <> 'Permanent' THEN event_id END)
        AS bounced_for_now,
    count(DISTINCT CASE WHEN event_type = 'complaint' THEN event_id END) AS complained,
    round(
        1e2 * count(DISTINCT CASE
            WHEN event_type = 'bounce' AND bounce_type = 'Permanent' THEN event_id
        END) / nullif(count(DISTINCT CASE WHEN event_type = 'send' THEN event_id END), 0), 3
    ) AS bounce_rate,
    round(
        1e2 * count(DISTINCT CASE WHEN event_type = 'complaint' THEN event_id END)
        / nullif(count(DISTINCT CASE WHEN event_type = 'send' THEN event_id END), 0), 4
    ) AS complaint_rate
FROM events
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
    AND event_type IN ('send', 'delivery', 'bounce', 'complaint')
    AND coalesce(bounce_sub_type, complaint_sub_type, '') NOT IN (
        'OnAccountSuppressionList', 'OnTenantSuppressionList', 'EmailValidationSuppressed'
    )
    AND coalesce(complaint_feedback_type, '') <> 'not-spam'
GROUP BY day
ORDER BY day
