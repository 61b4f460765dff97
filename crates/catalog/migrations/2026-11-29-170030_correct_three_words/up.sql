-- As before; a word that comes again says nothing more, words of several parts that products have are found to be known, and up to three unknown
-- words are looked for among those that are one typing error away: each takes as long as a search.
CREATE OR REPLACE FUNCTION catalog.search_words(slot smallint, wanted_locale text, query text, OUT terms tsquery, OUT did_you_mean text)
LANGUAGE plpgsql STABLE SET search_path = catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    config regconfig := catalog.search_config(wanted_locale);
    meant text[] := '{}';
    was_corrected boolean := false;
    looked_for int := 0;      -- words that no product has
    word text;
    folded text;
    term tsquery;
    is_known boolean;
    is_often boolean;
    near record;
BEGIN
    FOR word IN SELECT w FROM regexp_split_to_table(lower(normalize(query, NFKC) COLLATE "und-x-icu"), '\s+') WITH ORDINALITY AS s (w, place)
                 GROUP BY w ORDER BY min(place) LOOP
        folded := catalog.fold(word);
        term := plainto_tsquery(config, folded);
        IF numnode(term) = 0 OR numnode(plainto_tsquery(config, word)) = 0 THEN
            CONTINUE; -- nothing but signs, or a word such as "the"
        END IF;
        -- Most words that many have some of a few have.
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT words FROM search_documents_%s WHERE locale = $2 ORDER BY product_id DESC LIMIT 50) d '
            'WHERE words @@ $1)', slot) INTO is_known USING term, wanted_locale;
        IF NOT is_known THEN
            SELECT c.of_locale > 0, c.counted >= search_few() INTO is_known, is_often FROM search_count(slot, term, wanted_locale) c;
            -- In other languages, and perhaps in this one; or a word of several parts: of each of these the index drops some by itself.
            IF NOT is_known AND (is_often OR numnode(term) > 1) THEN
                EXECUTE format('SELECT EXISTS (SELECT FROM search_documents_%s WHERE words @@ $1 AND locale = $2)', slot)
                    INTO is_known USING term, wanted_locale;
            END IF;
        END IF;
        IF NOT is_known AND looked_for < 3 AND length(folded) BETWEEN 5 AND 40 THEN
            looked_for := looked_for + 1;
            EXECUTE replace($sql$
                SELECT array_agg(w.word ORDER BY n DESC, w.word) AS words, string_agg(t.term::text, '|')::tsquery AS term
                  FROM (SELECT word FROM search_words_N
                         WHERE near_forms && catalog.near_forms($1) AND catalog.is_near(word, $1) ORDER BY word LIMIT 10) w
                 CROSS JOIN LATERAL plainto_tsquery($2, w.word) AS t (term)
                 CROSS JOIN LATERAL (SELECT least(c.of_locale, 100) AS n FROM search_count($4, t.term, $3) c) c
                 WHERE c.n > 0
                $sql$, '_N', '_' || slot) INTO near USING folded, config, wanted_locale, slot;
            IF near.words IS NOT NULL THEN
                term := near.term;
                word := near.words[1];
                was_corrected := true;
            END IF;
        END IF;
        terms := coalesce(terms && term, term);
        meant := meant || word;
    END LOOP;
    IF was_corrected THEN
        did_you_mean := array_to_string(meant, ' ');
    END IF;
END $$;
