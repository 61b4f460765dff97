-- Texts in other languages than the shop's own; NULL where that one is shown. A locale is a language tag (BCP 47) in its
-- canonical form, such as de or pt-BR.
CREATE TABLE catalog.product_translations (
    product_id       bigint NOT NULL CONSTRAINT product_translations_product_id_fkey REFERENCES catalog.products,
    locale           text   NOT NULL,
    name             text,
    description      text,
    -- As it was sanitised when it was written; whoever shows it does so again.
    description_html text,
    seo_title        text,
    seo_description  text,
    CONSTRAINT product_translations_pkey PRIMARY KEY (product_id, locale)
);

CREATE TABLE catalog.category_translations (
    category_id bigint NOT NULL CONSTRAINT category_translations_category_id_fkey REFERENCES catalog.categories,
    locale      text   NOT NULL,
    name        text,
    description text,
    CONSTRAINT category_translations_pkey PRIMARY KEY (category_id, locale)
);
