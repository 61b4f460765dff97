-- As before, but what came is added to the sum. Summed anew are the days of a product that is not there yet, or will not be any more.
CREATE OR REPLACE FUNCTION catalog.count_sales(product_ids bigint[], moments timestamptz[], units bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    first_day date;
    others bigint[];
BEGIN
    SELECT w.since INTO first_day FROM catalog.sales_window w FOR UPDATE;
    INSERT INTO catalog.sales_days AS d (product_id, day, units)
    SELECT s.product_id, (s.moment AT TIME ZONE 'UTC')::date, sum(s.units)
      FROM unnest(count_sales.product_ids, moments, count_sales.units) AS s (product_id, moment, units)
     WHERE (s.moment AT TIME ZONE 'UTC')::date >= first_day
     GROUP BY 1, 2 HAVING sum(s.units) <> 0 ORDER BY 1, 2
        ON CONFLICT (product_id, day) DO UPDATE SET units = d.units + excluded.units;
    IF 0 > ANY (count_sales.units) THEN
        DELETE FROM catalog.sales_days d WHERE d.product_id = ANY (count_sales.product_ids) AND d.units = 0;
    END IF;
    WITH counted AS (
        SELECT s.product_id, sum(s.units)::bigint AS units
          FROM unnest(count_sales.product_ids, moments, count_sales.units) AS s (product_id, moment, units)
         WHERE (s.moment AT TIME ZONE 'UTC')::date >= first_day
         GROUP BY 1 HAVING sum(s.units) <> 0
    ), added AS (
        UPDATE catalog.product_sales p SET units = p.units + c.units FROM counted c
         WHERE p.product_id = c.product_id AND p.units + c.units > 0
        RETURNING p.product_id
    )
    SELECT array_agg(x.product_id) INTO others FROM (SELECT product_id FROM counted EXCEPT SELECT product_id FROM added) x;
    IF others IS NOT NULL THEN
        PERFORM catalog.sum_sales(others);
    END IF;
END $$;
