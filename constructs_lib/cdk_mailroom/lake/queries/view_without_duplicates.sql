-- Make the view events_once, without duplicates
-- Run it once, with a role that may create tables in the database; then ask events_once instead of
-- events. What restricts day and event_type restricts what is read, in the view too.
CREATE OR REPLACE VIEW events_once AS
SELECT *
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY event_type, day, event_id ORDER BY event_time) AS copy
    FROM events
) AS numbered
WHERE copy = 1
