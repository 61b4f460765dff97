//! Values of a custom field follow its definition: they move to where they are seen by those who may, or go.

use std::sync::Arc;
use std::time::Duration;

use catalog::custom_fields::applying::{self, Step};
use db::DbError;
use domain::CustomFieldId;

use super::Handled;
use crate::worker::{Done, JobError, Run};

/// Between two steps, so that whoever writes products has its turn.
const PAUSE: Duration = Duration::from_millis(20);

/// Walks over all values. Whoever has the job next begins anew, and finds less to do.
pub(super) async fn apply(run: Arc<Run>) -> Handled {
    let id = run.job.payload["customFieldId"].as_i64();
    let id = id.and_then(|id| CustomFieldId::try_from(id).ok());
    let field = id.ok_or_else(|| JobError::Final("the payload has no customFieldId".into()))?;
    let begin = move |conn: &mut _| applying::begin(conn, field).map_err(DbError::from);
    let Some(version) = run.state.background.run(begin).await? else {
        return Ok(Done::All);
    };
    let (mut after, mut looked_at) = (0, 0);
    let step = async |after| {
        run.fenced(move |conn| Ok(applying::step(conn, field, after)?))
            .await
    };
    while let Step::After(id) = step(after).await? {
        if run.should_stop() {
            return Ok(Done::Part);
        }
        after = id;
        looked_at += applying::STEP;
        run.progress(looked_at, None).await?;
        tokio::time::sleep(PAUSE).await;
    }
    run.settle(move |conn| Ok(applying::end(conn, field, version)?))
        .await
}
