//! Files that staff sends and fetches, until they are thrown away.

use catalog::exports;
use catalog::import::{Form, How};
use catalog::imports::{self, NewImport, fetching};
use diesel::connection::SimpleConnection as _;

use crate::{conn, count, text};

/// Imports of each state, finished so many days ago or begun so many hours ago.
const FILL: &str = "
    INSERT INTO catalog.imports (kind, format, mode, on_error, state, created_at, finished_at)
    SELECT 'products', 'csv', 'apply', 'skip', w.state, now() - interval '1 hour' * hours, now() - interval '1 day' * days
      FROM (VALUES ('succeeded', 300, 8), ('failed', 300, 6), ('uploading', 2, NULL), ('uploading', 0, NULL),
                   ('waiting', 300, NULL), ('running', 300, NULL)) w (state, hours, days);
    INSERT INTO catalog.import_parts SELECT id, 0, 'sku' FROM catalog.imports;
    INSERT INTO catalog.exports (kind, format, on_sale, state, attempt, as_of, finished_at)
    SELECT 'products', 'csv', false, 'succeeded', 1, now(), now() - interval '1 day' * days FROM (VALUES (8), (6)) w (days);
    INSERT INTO catalog.export_parts SELECT id, 1, 0, 'sku' FROM catalog.exports;";

#[test]
fn files_are_thrown_away_some_days_after_their_end_and_those_that_never_came_after_an_hour() {
    let conn = &mut conn();
    conn.batch_execute(FILL).unwrap();

    assert_eq!(imports::prune(conn, 7, 10).unwrap(), 2);
    let left = "(SELECT string_agg(state, ' ' ORDER BY state) FROM catalog.imports)";
    assert_eq!(text(conn, left), "failed running uploading waiting");
    assert_eq!(count(conn, "catalog.import_parts"), 4);
    assert_eq!(imports::prune(conn, 7, 10).unwrap(), 0);

    assert_eq!(exports::prune(conn, 7, 10).unwrap(), 1);
    assert_eq!(count(conn, "catalog.export_parts"), 1);
}

#[test]
fn a_file_that_a_job_fetches_may_wait_for_hours_and_fails_with_the_job() {
    let conn = &mut conn();
    let new = NewImport {
        form: Form::Csv,
        how: How::default(),
        actor: None,
    };
    let id = fetching::begin(conn, &new, "https://example.com/a.csv").unwrap();
    conn.batch_execute("UPDATE catalog.imports SET created_at = now() - interval '5 hours'")
        .unwrap();
    let state = |conn: &mut _| text(conn, "(SELECT state FROM catalog.imports)");
    imports::abandon_lost(conn).unwrap();
    assert_eq!(imports::prune(conn, 7, 10).unwrap(), 0);
    assert_eq!(state(conn), "uploading");

    let job = db::jobs::find_unfinished(conn, fetching::JOB, &id.to_string());
    db::jobs::managing::cancel(conn, job.unwrap().unwrap().id).unwrap();
    imports::abandon_lost(conn).unwrap();
    assert_eq!(state(conn), "failed");
}
