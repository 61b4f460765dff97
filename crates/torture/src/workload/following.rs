//! Somebody who keeps something in step with the shop: reads the log of events all the time, from
//! one replica after the other, and goes on where the last page ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Workload;
use super::shop::Ask;
use crate::Fallible;
use crate::history::{Action, Phase, Seen};

const PROCESS: u64 = 3_000_000_000;
/// Often, to look while transactions are under way.
const PAUSE: Duration = Duration::from_millis(20);
/// After an answer that was none.
const REST: Duration = Duration::from_millis(500);

impl Workload {
    /// Follows the log until the run is over.
    pub(super) async fn follow(&self, is_over: &AtomicBool) -> Fallible<()> {
        let mut cursor = None;
        let mut replica = 0;
        while !is_over.load(Ordering::Relaxed) {
            replica = (replica + 1) % self.shop.replicas();
            let ask = Ask {
                process: PROCESS,
                action: Action::ReadEvents {
                    after: cursor.clone(),
                },
                phase: Phase::Run,
                due_ns: self.shop.now_ns(),
                key: None,
                replica: Some(replica),
            };
            let (completion, _) = self.shop.ask(&ask, None).await?;
            let pause = match completion.seen {
                Seen::Events { next, .. } => {
                    cursor = Some(next);
                    PAUSE
                }
                _ => REST,
            };
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}
