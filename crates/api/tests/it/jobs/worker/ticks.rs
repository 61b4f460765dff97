//! Each tick of a schedule is run once, for as long as it is one.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn five_workers_run_each_tick_once() {
    let database = database();
    let planned = Arc::new(Mutex::new(Vec::new()));
    let kind = || {
        let planned = Arc::clone(&planned);
        let tick = Kind::new("tick", move |run| {
            let at = run.job.payload["plannedAt"].to_string();
            planned.lock().expect("not poisoned").push(at);
            async { Ok(Done::All) }
        });
        tick.scheduled(Timing::Every { seconds: 1 }, MissedTicks::CatchUp)
    };
    let workers: Vec<Worker> = (0..5).map(|_| start(&database, kind())).collect();

    let four = async || planned.lock().expect("not poisoned").len() >= 4;
    eventually("four ticks", SOON, four).await;
    for worker in workers {
        worker.stop().await;
    }

    let planned = planned.lock().expect("not poisoned");
    let different: HashSet<&String> = planned.iter().collect();
    assert_eq!(different.len(), planned.len(), "{planned:?}");
    let conn = &mut database.connect();
    let seconds = "(SELECT planned_at FROM platform.ticks) t";
    let in_steps = "(SELECT DISTINCT extract(microsecond FROM planned_at)::bigint % 1000000 FROM platform.ticks) t";
    assert_eq!(count(conn, seconds), count(conn, "platform.jobs"));
    assert_eq!(count(conn, in_steps), 1, "one second apart");
}

/// As the doctor, when `doctor_cron` is empty after it was not. The beat comes by in the same look at
/// the schedules.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_scheduled_any_more_does_not_tick() {
    let database = database();
    let conn = &mut database.connect();
    let visit = || Kind::new("visit", |_| async { Ok(Done::All) });
    let beat = || Kind::new("beat", |_| async { Ok(Done::All) }).every(1);
    let ticks = |conn: &mut PgConnection, name| {
        count(conn, &format!("platform.ticks WHERE schedule = '{name}'"))
    };
    let before = start_with(
        state(&database),
        Kinds::new([visit().every(1), beat()]),
        STOP_BUDGET,
    );
    let conn_of_its_own = Mutex::new(database.connect());
    let ticked = async || ticks(&mut conn_of_its_own.lock().expect("not poisoned"), "visit") > 0;
    eventually("a visit", SOON, ticked).await;
    before.stop().await;
    conn.batch_execute("UPDATE platform.schedules SET next_at = now()")
        .expect("both are due");
    let (visits, beats) = (ticks(conn, "visit"), ticks(conn, "beat"));

    let _after = start_with(state(&database), Kinds::new([visit(), beat()]), STOP_BUDGET);
    let ticked = async || ticks(&mut conn_of_its_own.lock().expect("not poisoned"), "beat") > beats;
    eventually("another beat", SOON, ticked).await;

    assert_eq!(ticks(conn, "visit"), visits);
}
