DROP FUNCTION workflows.place_orders(
    bigint[], text[], bigint[], bigint[], bigint[], bigint[], jsonb[], text[], text[], text[], text[], text[], text[],
    bytea[], bigint[], text[], text[], text[], text[], timestamptz[], int[], int[], bigint[], bigint[], text[], text[],
    bigint[], bigint[], bigint[], text[], bigint[], bigint[], text[], text[], int[], bigint[], text[], text[], text[],
    bigint[], bigint[], bigint[], text, text, text[], boolean);
