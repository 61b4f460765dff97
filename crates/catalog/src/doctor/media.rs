//! What must always be true of pictures.

use db::doctor::Check;

use super::versions_have_events;

pub(super) fn checks() -> [Check; 3] {
    [
        orphans(),
        unmarked(),
        versions_have_events(
            "every version of a picture has its event",
            "media",
            "media",
            "media",
        ),
    ]
}

/// What foreign keys refuse, asked again of the rows themselves, and of variants, for which there is none.
fn orphans() -> Check {
    Check {
        id: "I7",
        name: "pictures of products are kept, and show variants of theirs",
        sql: "SELECT pm.product_id, 'product ' || pm.product_id, \
                     format('its picture %s is not kept, or the product is missing', pm.media_id) \
                FROM catalog.product_media pm LEFT JOIN catalog.media m ON m.id = pm.media_id AND m.state = 'kept' \
                LEFT JOIN catalog.products p ON p.id = pm.product_id WHERE m.id IS NULL OR p.id IS NULL \
              UNION ALL \
              SELECT pm.product_id, 'product ' || pm.product_id, format('its picture %s shows variant %s of another one', pm.media_id, v) \
                FROM catalog.product_media pm CROSS JOIN LATERAL unnest(pm.variant_ids) v \
               WHERE NOT EXISTS (SELECT FROM catalog.variants WHERE id = v AND product_id = pm.product_id)"
            .into(),
        todo: "A restore left something out, or somebody wrote past catalog::media. Give the product its pictures once \
               more; what is missing comes from a backup, and its bytes from one of the store.",
        repair: None,
    }
}

fn unmarked() -> Check {
    Check {
        id: "S14",
        name: "a product says whether it has pictures",
        sql: "SELECT p.id, 'product ' || p.id, CASE WHEN p.has_media THEN 'has no pictures' ELSE 'is shown without its pictures' END \
                FROM catalog.products p \
               WHERE p.has_media <> EXISTS (SELECT FROM catalog.product_media WHERE product_id = p.id)"
            .into(),
        todo: "Somebody wrote past catalog::media. Give the product its pictures once more.",
        repair: None,
    }
}
