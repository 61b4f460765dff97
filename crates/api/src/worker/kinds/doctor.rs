//! The doctor's regular visit.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;

use super::Handled;
use crate::worker::{Done, JobError, Run};
use crate::workflows::doctor::{self, Report};

/// Looks whether everything is true that must always be true. Findings make it a job that failed,
/// for good: that is kept where staff sees it, and looking again would find the same.
pub(super) async fn visit(run: Arc<Run>) -> Handled {
    let url = run.state.config.database.url.reveal().to_owned();
    let (tell, told) = tokio::sync::oneshot::channel();
    // It may take minutes, so it has a connection of its own, and a thread that no end of the
    // process waits for.
    std::thread::spawn(move || {
        let _ = tell.send(look(&url));
    });
    let report = told
        .await
        .map_err(|_| JobError::Retry("the doctor panicked".into()))??;
    let findings = report.total();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a floating-point number"
    )]
    metrics::gauge!("doctor_findings").set(findings as f64);
    if report.is_ok() {
        return Ok(Done::All);
    }
    for examined in report.checks.iter().filter(|examined| examined.count > 0) {
        let (check, count) = (examined.check.id, examined.count);
        log::error!(check, count; "the doctor found something; run `cartwright doctor`");
    }
    Err(JobError::Final(format!("{report}")))
}

fn look(url: &str) -> Result<Report, JobError> {
    let failed = |error: &dyn std::fmt::Display| JobError::Retry(error.to_string());
    let mut conn = db::connect(url).map_err(|error| failed(&error))?;
    // Should this process end, Postgres notices and does not go on for nobody.
    conn.batch_execute("SET client_connection_check_interval = '2s'")?;
    doctor::run(&mut conn).map_err(|error| failed(&error))
}
