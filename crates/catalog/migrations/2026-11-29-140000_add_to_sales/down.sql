CREATE OR REPLACE FUNCTION catalog.count_sales(product_ids bigint[], moments timestamptz[], units bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    first_day date;
BEGIN
    SELECT w.since INTO first_day FROM catalog.sales_window w FOR UPDATE;
    INSERT INTO catalog.sales_days AS d (product_id, day, units)
    SELECT s.product_id, (s.moment AT TIME ZONE 'UTC')::date, sum(s.units)
      FROM unnest(count_sales.product_ids, moments, count_sales.units) AS s (product_id, moment, units)
     WHERE (s.moment AT TIME ZONE 'UTC')::date >= first_day
     GROUP BY 1, 2 HAVING sum(s.units) <> 0 ORDER BY 1, 2
        ON CONFLICT (product_id, day) DO UPDATE SET units = d.units + excluded.units;
    DELETE FROM catalog.sales_days d WHERE d.product_id = ANY (count_sales.product_ids) AND d.units = 0;
    PERFORM catalog.sum_sales(count_sales.product_ids);
END $$;
