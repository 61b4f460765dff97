-- What was ordered of each product in the last thirty days, which listings by sales are sorted by. Whoever follows the log of events
-- counts it, and can count all of it again.

-- From which day on (UTC) it is counted. One row; whoever counts or forgets locks it first.
CREATE TABLE catalog.sales_window (
    is_there boolean NOT NULL DEFAULT true CONSTRAINT sales_window_pkey PRIMARY KEY
                     CONSTRAINT sales_window_one_row CHECK (is_there),
    since    date    NOT NULL
);
INSERT INTO catalog.sales_window (since) VALUES ((now() AT TIME ZONE 'UTC')::date - 29);

-- Units of the orders of a day that are not cancelled.
CREATE TABLE catalog.sales_days (
    product_id bigint NOT NULL,
    day        date   NOT NULL,
    units      bigint NOT NULL,
    CONSTRAINT sales_days_pkey PRIMARY KEY (product_id, day)
);
CREATE INDEX sales_days_day_idx ON catalog.sales_days (day);

-- The sum of these days. What sold nothing is not there.
CREATE TABLE catalog.product_sales (
    product_id bigint NOT NULL CONSTRAINT product_sales_pkey PRIMARY KEY,
    units      bigint NOT NULL CONSTRAINT product_sales_some CHECK (units > 0)
);
CREATE INDEX product_sales_units_idx ON catalog.product_sales (units, product_id);

-- Sums the days of some products anew. Only for who has locked sales_window.
CREATE FUNCTION catalog.sum_sales(product_ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM catalog.product_sales s
     WHERE s.product_id = ANY (product_ids)
       AND coalesce((SELECT sum(d.units) FROM catalog.sales_days d WHERE d.product_id = s.product_id), 0) <= 0;
    INSERT INTO catalog.product_sales AS s (product_id, units)
    SELECT d.product_id, sum(d.units) FROM catalog.sales_days d WHERE d.product_id = ANY (product_ids)
     GROUP BY d.product_id HAVING sum(d.units) > 0 ORDER BY d.product_id
        ON CONFLICT (product_id) DO UPDATE SET units = excluded.units WHERE s.units <> excluded.units;
END $$;

-- Counts units of products that were ordered at these moments, or fewer where they are negative, as far as their days count.
CREATE FUNCTION catalog.count_sales(product_ids bigint[], moments timestamptz[], units bigint[]) RETURNS void
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

-- Forgets days that do not count any more, at most so many of all products together. Returns how many there were.
CREATE FUNCTION catalog.forget_sales(most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    first_day date := (statement_timestamp() AT TIME ZONE 'UTC')::date - 29;
    forgotten bigint[];
BEGIN
    PERFORM FROM catalog.sales_window FOR UPDATE;
    UPDATE catalog.sales_window SET since = first_day WHERE since < first_day;
    WITH gone AS (
        DELETE FROM catalog.sales_days
         WHERE (product_id, day) IN (SELECT d.product_id, d.day FROM catalog.sales_days d WHERE d.day < first_day ORDER BY d.day LIMIT most)
        RETURNING product_id
    ) SELECT coalesce(array_agg(product_id), '{}') INTO forgotten FROM gone;
    PERFORM catalog.sum_sales(forgotten);
    RETURN cardinality(forgotten);
END $$;
