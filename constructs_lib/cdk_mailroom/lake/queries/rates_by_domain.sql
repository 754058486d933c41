-- Bounce and complaint rate by receiving domain
-- Of the last 30 days, the 50 domains that get most mail. Rates are percentages of the mails sent to
-- the domain. A mail to several domains counts for each. Duplicates count once.
SELECT
    domain,
    count(DISTINCT CASE WHEN event_type = 'send' THEN event_id END) AS sent,
    count(DISTINCT CASE WHEN event_type = 'delivery' THEN event_id END) AS delivered,
    count(DISTINCT CASE WHEN event_type = 'bounce' AND bounce_type = 'Permanent' THEN event_id END)
        AS bounced,
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
CROSS JOIN unnest(recipient_domains) AS one (domain)
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
    AND event_type IN ('send', 'delivery', 'bounce', 'complaint')
    AND coalesce(bounce_sub_type, complaint_sub_type, '') NOT IN (
        'OnAccountSuppressionList', 'OnTenantSuppressionList', 'EmailValidationSuppressed'
    )
    AND coalesce(complaint_feedback_type, '') <> 'not-spam'
GROUP BY domain
ORDER BY sent DESC, domain
LIMIT 50
