-- What a shop keeps of its products, variants and categories beside what every shop does.
CREATE TABLE catalog.custom_fields (
    id              bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT custom_fields_pkey PRIMARY KEY,
    resource        text COLLATE "C" NOT NULL,
    key             text COLLATE "C" NOT NULL CONSTRAINT custom_fields_key_form CHECK (key ~ '^[a-z][A-Za-z0-9_]{0,63}$'),
    -- For people; empty where the key says it all.
    name            text        NOT NULL,
    type            text        NOT NULL,
    -- What values have to be; see catalog::custom_fields::Rules.
    rules           jsonb       NOT NULL,
    is_public       boolean     NOT NULL,
    is_filterable   boolean     NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    -- The version by which all values are kept: a smaller one while a job is about to follow.
    applied_version bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    -- Its values are being taken away; the row goes after the last one.
    removed_at      timestamptz,
    CONSTRAINT custom_fields_resource_key UNIQUE (resource, key),
    CONSTRAINT custom_fields_filters_are_public CHECK (is_public OR NOT is_filterable)
);

-- Whoever writes values shares the row of their resource; whoever changes definitions has it alone.
CREATE TABLE catalog.custom_resources (
    resource text COLLATE "C" CONSTRAINT custom_resources_pkey PRIMARY KEY
);
INSERT INTO catalog.custom_resources (resource) VALUES ('product'), ('variant'), ('category');

-- The values of a thing; no row where it has none. They lie beside what lists read, and what customers may see of them apart
-- from the rest, so that no read has to look at definitions.
CREATE TABLE catalog.custom_values (
    resource         text COLLATE "C" NOT NULL CONSTRAINT custom_values_resource_fkey REFERENCES catalog.custom_resources,
    resource_id      bigint NOT NULL,
    -- By keys of definitions. What is not there is not set: there is no NULL among them.
    public_values    jsonb  NOT NULL DEFAULT '{}',
    private_values   jsonb  NOT NULL DEFAULT '{}',
    -- Whatever programs like to keep there.
    metadata         jsonb  NOT NULL DEFAULT '{}',
    private_metadata jsonb  NOT NULL DEFAULT '{}',
    CONSTRAINT custom_values_pkey PRIMARY KEY (resource, resource_id)
);
