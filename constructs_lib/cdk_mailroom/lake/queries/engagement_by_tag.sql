-- Opens and clicks by tag, people and machines apart
-- Of the last 30 days: how many mails with the tag were delivered, and how many of them somebody
-- opened or clicked in. A mail that only a machine opened (a mail client's proxy, a scanner) counts
-- as automated. Tags that SES adds are left out.
SELECT
    tag,
    tags[tag] AS tag_value,
    count(DISTINCT CASE WHEN event_type = 'delivery' THEN message_id END) AS delivered,
    count(DISTINCT CASE
        WHEN event_type = 'open' AND NOT coalesce(automated, false) THEN message_id
    END) AS opened,
    count(DISTINCT CASE
        WHEN event_type = 'click' AND NOT coalesce(automated, false) THEN message_id
    END) AS clicked,
    count(DISTINCT CASE WHEN event_type = 'open' AND automated THEN message_id END)
        AS opened_automated,
    count(DISTINCT CASE WHEN event_type = 'click' AND automated THEN message_id END)
        AS clicked_automated,
    round(
        1e2 * count(DISTINCT CASE
            WHEN event_type = 'open' AND NOT coalesce(automated, false) THEN message_id
        END)
        / nullif(count(DISTINCT CASE WHEN event_type = 'delivery' THEN message_id END), 0), 1
    ) AS open_rate,
    round(
        1e2 * count(DISTINCT CASE
            WHEN event_type = 'click' AND NOT coalesce(automated, false) THEN message_id
        END)
        / nullif(count(DISTINCT CASE WHEN event_type = 'delivery' THEN message_id END), 0), 1
    ) AS click_rate
FROM events
CROSS JOIN unnest(map_keys(tags)) AS one (tag)
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
    AND event_type IN ('delivery', 'open', 'click')
    AND tag NOT LIKE 'ses:%'
GROUP BY tag, tags[tag]
ORDER BY delivered DESC, tag, tag_value
LIMIT 100
