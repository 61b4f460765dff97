-- How options and their values are called in other languages, for all products that have them: an option is its name, wherever it is.
CREATE TABLE catalog.translated_options (
    id      bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT translated_options_pkey PRIMARY KEY,
    name    text COLLATE "C" NOT NULL CONSTRAINT translated_options_name_key UNIQUE,
    -- Counts the changes to its translations, from 1.
    version bigint NOT NULL DEFAULT 1
);

-- No option and no value is translated into nothing.
CREATE TABLE catalog.option_translations (
    option_id bigint NOT NULL CONSTRAINT option_translations_option_id_fkey REFERENCES catalog.translated_options,
    locale    text COLLATE "C" NOT NULL,
    -- Empty for the name of the option.
    value     text COLLATE "C" NOT NULL,
    label     text NOT NULL CONSTRAINT option_translations_label_length CHECK (length(label) BETWEEN 1 AND 100),
    CONSTRAINT option_translations_pkey PRIMARY KEY (option_id, value, locale)
);
CREATE INDEX option_translations_locale_idx ON catalog.option_translations (option_id, locale);
