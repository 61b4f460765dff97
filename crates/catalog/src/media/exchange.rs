//! Pictures that go from shop to shop: what they are called on the way, and whether one is there already.
//!
//! A picture is written anew by every shop that takes it, so its bytes are not the same everywhere. The file that it once
//! came as is; its hash names the picture on the way, and is kept by whoever takes it.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use domain::MediaId;

use super::Hash;

db::statement! {
    /// By the file that it came as; and by its own bytes, which is all that is known of those that came first. Another file
    /// of the same bytes is no picture of a product.
    struct FindBySource { source: Vec<u8> => Binary } -> BigInt =
    "SELECT id FROM ( \
       (SELECT 0 AS place, id FROM catalog.media WHERE source_hash = $1 AND state = 'kept' \
           AND content_type LIKE 'image/%' ORDER BY id LIMIT 1) UNION ALL \
       (SELECT 1, id FROM catalog.media WHERE hash = $1 AND state = 'kept' \
           AND content_type LIKE 'image/%' ORDER BY id LIMIT 1)) AS found \
      ORDER BY place LIMIT 1"
}

/// Finds the picture that came as a file with this hash.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, source: Hash) -> QueryResult<Option<MediaId>> {
    let source = source.0.to_vec();
    let found: Option<i64> = FindBySource { source }.get_result(conn).optional()?;
    let id = found.map(MediaId::try_from).transpose();
    id.map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

/// A picture that products have, and where its bytes are.
#[derive(Clone, Debug, Queryable)]
pub struct Carried {
    pub id: i64,
    /// Names it on the way.
    pub source: Vec<u8>,
    pub content_type: String,
    /// Names its bytes in the store.
    pub file: String,
}

db::statement! {
    struct ListCarried { on_sale_only: bool => Bool, after: i64 => BigInt, limit: i64 => BigInt }
        -> (BigInt, Binary, Text, Text) =
    "SELECT m.id, coalesce(m.source_hash, m.hash), m.content_type, m.file::text FROM catalog.media m \
      WHERE m.state = 'kept' AND m.id > $2 AND EXISTS ( \
            SELECT FROM catalog.product_media pm JOIN catalog.products p ON p.id = pm.product_id \
             WHERE pm.media_id = m.id AND p.archived_at IS NULL \
               AND (NOT $1 OR p.published_at <= now() AND p.unpublished_at > now())) \
      ORDER BY m.id LIMIT $3"
}

/// Lists pictures that exported products have, by their ids, behind one of these.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    on_sale_only: bool,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<Carried>> {
    ListCarried {
        on_sale_only,
        after,
        limit,
    }
    .load(conn)
}

/// What a picture is called on the way.
#[must_use]
pub fn name_of_source(source: Hash, content_type: &str) -> String {
    let extension = match content_type {
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "jpg",
    };
    format!("{source}.{extension}")
}

/// The hash in such a name, whatever folder it is in.
#[must_use]
pub fn source_of_name(path: &str) -> Option<Hash> {
    let name = path.rsplit('/').next()?;
    let (hash, extension) = name.split_once('.')?;
    let is_known = ["jpg", "png", "webp"].contains(&extension);
    hash.parse().ok().filter(|_| is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_the_picture_came_as() {
        let hash = Hash([7; 32]);
        for kind in ["image/jpeg", "image/png", "image/webp"] {
            let name = name_of_source(hash, kind);
            assert_eq!(source_of_name(&name), Some(hash), "{name}");
            assert_eq!(source_of_name(&format!("a/b/{name}")), Some(hash));
        }
        for other in [
            "",
            "a.jpg",
            &format!("{hash}"),
            &format!("{hash}.gif"),
            &format!("x{hash}.jpg"),
        ] {
            assert_eq!(source_of_name(other), None, "{other}");
        }
    }
}
