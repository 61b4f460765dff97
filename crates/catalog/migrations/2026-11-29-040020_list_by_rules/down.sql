DROP FUNCTION catalog.list_by_rules(jsonb, boolean, bigint, bigint);
