-- Latency percentiles by receiving domain
-- From SES's taking a mail to the receiving server's taking it, in seconds, of the last 30 days, the
-- 50 domains that get most mail. The percentiles are approximate.
SELECT
    recipient_domain AS domain,
    count(DISTINCT event_id) AS delivered,
    round(approx_percentile(latency_ms, 0.5) / 1e3, 2) AS p50,
    round(approx_percentile(latency_ms, 0.9) / 1e3, 2) AS p90,
    round(approx_percentile(latency_ms, 0.99) / 1e3, 2) AS p99,
    round(max(latency_ms) / 1e3, 2) AS slowest
FROM events
WHERE day >= cast(cast(current_date - INTERVAL '30' DAY AS date) AS varchar)
    AND event_type = 'delivery'
    AND latency_ms IS NOT NULL
GROUP BY recipient_domain
ORDER BY delivered DESC, domain
LIMIT 50
