-- All three come with Postgres, and are trusted: whoever owns the database may create them.
CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch WITH SCHEMA public;

-- The words of a text in small letters, without accents, with single spaces between them. Documents and queries are both
-- folded before they are stemmed, so whoever types no accents finds what has them, and the other way round.
-- Immutable as long as nobody edits the rules of unaccent, after which the index has to be rebuilt.
CREATE FUNCTION catalog.fold(words text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ -- in SQL it would be prepared for each call
BEGIN
    RETURN btrim(regexp_replace(
        lower(public.unaccent('public.unaccent', normalize(words, NFKC)) COLLATE "und-x-icu"), '[^[:alnum:]]+', ' ', 'g'));
END $$;

-- How words of a language are reduced to their stems.
CREATE FUNCTION catalog.search_config(locale text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE locale
        WHEN 'ar' THEN 'pg_catalog.arabic'::regconfig     WHEN 'da' THEN 'pg_catalog.danish'::regconfig
        WHEN 'de' THEN 'pg_catalog.german'::regconfig     WHEN 'el' THEN 'pg_catalog.greek'::regconfig
        WHEN 'en' THEN 'pg_catalog.english'::regconfig    WHEN 'es' THEN 'pg_catalog.spanish'::regconfig
        WHEN 'fi' THEN 'pg_catalog.finnish'::regconfig    WHEN 'fr' THEN 'pg_catalog.french'::regconfig
        WHEN 'ga' THEN 'pg_catalog.irish'::regconfig      WHEN 'hu' THEN 'pg_catalog.hungarian'::regconfig
        WHEN 'id' THEN 'pg_catalog.indonesian'::regconfig WHEN 'it' THEN 'pg_catalog.italian'::regconfig
        WHEN 'lt' THEN 'pg_catalog.lithuanian'::regconfig WHEN 'nb' THEN 'pg_catalog.norwegian'::regconfig
        WHEN 'ne' THEN 'pg_catalog.nepali'::regconfig     WHEN 'nl' THEN 'pg_catalog.dutch'::regconfig
        WHEN 'pt' THEN 'pg_catalog.portuguese'::regconfig WHEN 'ro' THEN 'pg_catalog.romanian'::regconfig
        WHEN 'ru' THEN 'pg_catalog.russian'::regconfig    WHEN 'sv' THEN 'pg_catalog.swedish'::regconfig
        WHEN 'ta' THEN 'pg_catalog.tamil'::regconfig      WHEN 'tr' THEN 'pg_catalog.turkish'::regconfig
        ELSE 'pg_catalog.simple'::regconfig
    END
$$;

-- A word, and what is left of it without any one of its letters: two words that are one typing error apart have one of
-- these in common.
CREATE FUNCTION catalog.near_forms(word text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(DISTINCT left(word, n - 1) || substr(word, n + 1)) || word FROM generate_series(1, length(word)) n
$$;

-- Whether one letter more, less or other, or two that changed places, make one word the other.
CREATE FUNCTION catalog.is_near(a text, b text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT public.levenshtein_less_equal(a, b, 1) <= 1
        OR length(a) = length(b) AND EXISTS (
           SELECT FROM generate_series(1, length(a) - 1) n
            WHERE left(a, n - 1) || substr(a, n + 1, 1) || substr(a, n, 1) || substr(a, n + 2) = b)
$$;
