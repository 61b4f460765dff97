-- Whoever reads variants waits behind this, and gives up after a second: better to try again.
SET LOCAL lock_timeout = '300ms';
-- Whether any list has or had a price of it. Others are read without a look at the lists, which would take a quarter of the time.
ALTER TABLE catalog.variants ADD COLUMN in_lists boolean NOT NULL DEFAULT false;

-- Prices for some customers, quantities, countries or a while. Where several lists have a price, the one of the highest
-- priority counts; where none has, the price of the variant itself (catalog.prices).
CREATE TABLE catalog.price_lists (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT price_lists_pkey PRIMARY KEY,
    code            text        NOT NULL CONSTRAINT price_lists_code_key UNIQUE,
    name            text        NOT NULL,
    priority        int         NOT NULL,
    is_active       boolean     NOT NULL,
    -- In force from the one until the other.
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    -- ISO 3166-1 codes of where the order goes; empty for everywhere.
    countries       text[]      NOT NULL,
    -- Of which the customer has one; empty for everybody.
    customer_groups text[]      NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT price_lists_start_before_end CHECK (starts_at < ends_at)
);

-- Append-only: what a list said, from which moment on. The last one is what it says.
CREATE TABLE catalog.price_list_terms (
    list_id         bigint      NOT NULL CONSTRAINT price_list_terms_list_id_fkey REFERENCES catalog.price_lists,
    version         bigint      NOT NULL,
    said_from       timestamptz NOT NULL DEFAULT clock_timestamp(),
    priority        int         NOT NULL,
    is_active       boolean     NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    countries       text[]      NOT NULL,
    customer_groups text[]      NOT NULL,
    CONSTRAINT price_list_terms_pkey PRIMARY KEY (list_id, version)
);

-- Append-only: the price of a variant in a list from a quantity on is the newest whose time has come.
CREATE TABLE catalog.list_prices (
    id               bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT list_prices_pkey PRIMARY KEY,
    list_id          bigint      NOT NULL CONSTRAINT list_prices_list_id_fkey REFERENCES catalog.price_lists,
    variant_id       bigint      NOT NULL CONSTRAINT list_prices_variant_id_fkey REFERENCES catalog.variants,
    currency         text        NOT NULL CONSTRAINT list_prices_currency_code CHECK (currency ~ '^[A-Z]{3}$'),
    min_quantity     bigint      NOT NULL CONSTRAINT list_prices_quantity_positive CHECK (min_quantity > 0),
    -- Unit price in minor units of currency; NULL: the list has none from then on.
    amount_minor     bigint      CONSTRAINT list_prices_not_negative CHECK (amount_minor >= 0),
    -- What it is shown as reduced from; NULL for the price of the variant itself.
    compare_at_minor bigint      CONSTRAINT list_prices_compared_with_more CHECK (compare_at_minor > amount_minor),
    valid_from       timestamptz NOT NULL,
    -- Whether it was written before it came into force, as in catalog.prices.
    scheduled        boolean     NOT NULL
);
CREATE INDEX list_prices_in_force_idx ON catalog.list_prices
    (variant_id, currency, list_id, min_quantity DESC, valid_from DESC, id DESC) INCLUDE (amount_minor, compare_at_minor);
CREATE INDEX list_prices_scheduled_idx ON catalog.list_prices (valid_from) WHERE scheduled;
CREATE INDEX list_prices_list_id_idx ON catalog.list_prices (list_id, id);

-- The price of the list that counts, where one has any: for so many pieces, a customer of these groups, in a country
-- (NULL where it is not known). Only lists that have or had a price of the variant are looked at.
CREATE FUNCTION catalog.list_price(of_variant bigint, in_currency text, pieces bigint, groups text[], country text)
RETURNS TABLE (list_id bigint, price_id bigint, amount_minor bigint, compare_at_minor bigint)
LANGUAGE sql STABLE AS $$
    SELECT l.id, e.id, e.amount_minor, e.compare_at_minor
      FROM (SELECT DISTINCT ON (list_id, min_quantity) list_id, min_quantity, id, amount_minor, compare_at_minor
              FROM catalog.list_prices
             WHERE variant_id = of_variant AND currency = in_currency AND min_quantity <= pieces
               AND valid_from <= statement_timestamp()
             ORDER BY list_id, min_quantity DESC, valid_from DESC, id DESC) e
      JOIN catalog.price_lists l ON l.id = e.list_id
     WHERE l.is_active AND l.starts_at <= statement_timestamp() AND l.ends_at > statement_timestamp()
       AND (l.countries = '{}' OR country = ANY (l.countries))
       AND (l.customer_groups = '{}' OR l.customer_groups && groups)
       AND e.amount_minor IS NOT NULL
     ORDER BY l.priority DESC, l.id, e.min_quantity DESC LIMIT 1
$$;

-- The same, or the price of the variant itself where no list has any, as all of it was at a moment. No row where there was none.
CREATE FUNCTION catalog.price_at(
    of_variant bigint, in_currency text, pieces bigint, groups text[], country text, moment timestamptz
) RETURNS TABLE (list_id bigint, price_id bigint, amount_minor bigint, compare_at_minor bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    own record;
BEGIN
    SELECT id, amount_minor INTO own FROM catalog.prices
     WHERE variant_id = of_variant AND currency = in_currency AND valid_from <= moment
     ORDER BY valid_from DESC, id DESC LIMIT 1;
    RETURN QUERY
        SELECT t.list_id, e.id, e.amount_minor, coalesce(e.compare_at_minor, own.amount_minor)
          FROM (SELECT DISTINCT ON (list_id, min_quantity) list_id, min_quantity, id, amount_minor, compare_at_minor
                  FROM catalog.list_prices
                 WHERE variant_id = of_variant AND currency = in_currency AND min_quantity <= pieces AND valid_from <= moment
                 ORDER BY list_id, min_quantity DESC, valid_from DESC, id DESC) e
         CROSS JOIN LATERAL (
               SELECT * FROM catalog.price_list_terms
                WHERE list_id = e.list_id AND said_from <= moment ORDER BY version DESC LIMIT 1) t
         WHERE t.is_active AND t.starts_at <= moment AND t.ends_at > moment
           AND (t.countries = '{}' OR country = ANY (t.countries))
           AND (t.customer_groups = '{}' OR t.customer_groups && groups)
           AND e.amount_minor IS NOT NULL
         ORDER BY t.priority DESC, t.list_id, e.min_quantity DESC LIMIT 1;
    IF NOT found AND own.id IS NOT NULL THEN
        RETURN QUERY SELECT NULL::bigint, own.id, own.amount_minor, NULL::bigint;
    END IF;
END $$;

-- The moments at which the price of a variant may have changed, or will.
CREATE FUNCTION catalog.price_changes(of_variant bigint, in_currency text) RETURNS TABLE (at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT valid_from FROM catalog.prices WHERE variant_id = of_variant AND currency = in_currency
     UNION
    SELECT valid_from FROM catalog.list_prices WHERE variant_id = of_variant AND currency = in_currency
     UNION
    SELECT unnest(ARRAY[t.said_from, t.starts_at, t.ends_at]) FROM catalog.price_list_terms t
     WHERE t.list_id IN (SELECT list_id FROM catalog.list_prices WHERE variant_id = of_variant)
$$;

-- The lowest price such a customer could have had in the thirty days before the price of a moment came into force, which is
-- what a reduction has to be compared with (Directive 98/6/EC, Article 6a); NULL where there was none. Prices change at few
-- moments: those are gone back through for as long as the price is the same, and from there for thirty days.
CREATE FUNCTION catalog.lowest_30d(
    of_variant bigint, in_currency text, pieces bigint, groups text[], country text, moment timestamptz
) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    amount bigint := (SELECT p.amount_minor FROM catalog.price_at(of_variant, in_currency, pieces, groups, country, moment) p);
    from_then timestamptz := moment;
    lowest bigint;
    change record;
BEGIN
    FOR change IN
        SELECT c.at FROM catalog.price_changes(of_variant, in_currency) c
         WHERE c.at <= moment AND c.at > '-infinity' ORDER BY c.at DESC
    LOOP
        EXIT WHEN amount IS DISTINCT FROM
            (SELECT p.amount_minor FROM catalog.price_at(of_variant, in_currency, pieces, groups, country, change.at) p);
        from_then := change.at;
    END LOOP;
    SELECT min(p.amount_minor) INTO lowest
      FROM (SELECT from_then - interval '30 days' AS at UNION SELECT c.at FROM catalog.price_changes(of_variant, in_currency) c) changes
     CROSS JOIN LATERAL catalog.price_at(of_variant, in_currency, pieces, groups, country, changes.at) p
     WHERE changes.at >= from_then - interval '30 days' AND changes.at < from_then;
    RETURN lowest;
END $$;

-- What everybody in a country is shown for a piece where a list has its price: that, what it is reduced from, and the lowest
-- price of the thirty days before; the last two NULL where it is no reduction. NULL where no list has.
CREATE FUNCTION catalog.shown_price(of_variant bigint, own_amount bigint, in_currency text, country text) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    listed record;
BEGIN
    SELECT l.amount_minor, coalesce(l.compare_at_minor, own_amount) AS compare_at INTO listed
      FROM catalog.list_price(of_variant, in_currency, 1, '{}', country) l;
    IF NOT found THEN
        RETURN NULL;
    ELSIF listed.compare_at <= listed.amount_minor THEN
        RETURN ARRAY[listed.amount_minor, NULL, NULL];
    END IF;
    RETURN ARRAY[listed.amount_minor, listed.compare_at,
                 catalog.lowest_30d(of_variant, in_currency, 1, '{}', country, statement_timestamp())];
END $$;

-- What a line of an order is charged for a piece where a list has its price; NULL where none has.
CREATE FUNCTION catalog.charged_price(of_variant bigint, in_currency text, pieces bigint, groups text[], country text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT l.amount_minor FROM catalog.list_price(of_variant, in_currency, pieces, groups, country) l);
END $$;
