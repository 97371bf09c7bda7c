-- Asks for a sign of life.
SELECT 1
