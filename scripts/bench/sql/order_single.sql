-- One order of two lines as the API writes it, but alone and already priced. Division by zero where it is not placed.
\set user random(:first_user, :last_user)
\set one random(:first, :last)
\set step random(1, :last - :first)
\set two :first + (:one - :first + :step) % (:last - :first + 1)
SELECT 1 / (verdict = 'placed')::int FROM workflows.place_orders(
    ARRAY[:user]::bigint[], ARRAY['USD'], ARRAY[20000]::bigint[], ARRAY[0]::bigint[], ARRAY[0]::bigint[], ARRAY[20000]::bigint[],
    ARRAY['"Bench"']::jsonb[], ARRAY['invoice'], ARRAY['std'], ARRAY['web'], ARRAY[NULL]::text[],
    ARRAY['anonymous POST /api/orders'], ARRAY[gen_random_uuid()::text], ARRAY[decode(repeat('5a', 32), 'hex')],
    ARRAY[NULL]::bigint[], ARRAY[NULL]::text[], ARRAY[NULL]::text[],
    ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[now()],
    ARRAY[1, 1], ARRAY[1, 2], ARRAY[:one, :two]::bigint[], ARRAY[:one, :two]::bigint[],
    ARRAY['BENCH-00000001', 'BENCH-00000002'], ARRAY['Product 1', 'Product 2'], ARRAY[1, 1]::bigint[],
    ARRAY[10000, 10000]::bigint[], ARRAY[10000, 10000]::bigint[], ARRAY['list', 'list'], ARRAY[0, 0]::bigint[],
    ARRAY[10000, 10000]::bigint[], ARRAY['physical', 'physical'], ARRAY['standard', 'standard'],
    ARRAY[]::int[], ARRAY[]::bigint[], ARRAY[]::text[], ARRAY[]::text[], ARRAY[]::text[], ARRAY[]::bigint[],
    ARRAY[1, 1]::bigint[], ARRAY[:one, :two]::bigint[],
    '/api/orders/', '{"orderId":', ARRAY[repeat(' ', 1000) || '}'], false);
