//! What the store promises to its callers, shown through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Barrier},
    time::Duration,
};

use agent_client::sqlite::{
    Cache, Durability, Fault, FaultKind, GroupCommit, JobError, OpenError, StoreOptions,
    SubmitError,
};
use rusqlite::{Connection, Transaction};

const SCHEMA: &[&str] = &["CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"];

/// Counts rows in memory, to see whether memory and disk ever disagree.
#[derive(Default)]
struct Count {
    rows: Option<i64>,
}

impl Cache for Count {
    fn forget(&mut self) {
        self.rows = None;
    }
}

type Store = GroupCommit<Count>;
type Answer = Result<i64, SubmitError<&'static str>>;

fn options() -> StoreOptions {
    StoreOptions {
        open_wait: Duration::from_millis(50),
        ..StoreOptions::default()
    }
}

fn open(path: &Path) -> Store {
    Store::open(path, &options(), SCHEMA, |_| Ok(Count::default())).expect("opens")
}

fn count(conn: &Connection, cache: &mut Count) -> rusqlite::Result<i64> {
    if let Some(rows) = cache.rows {
        return Ok(rows);
    }
    let rows = conn.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?;
    cache.rows = Some(rows);
    Ok(rows)
}

fn insert(tx: &Transaction<'_>, cache: &mut Count, id: i64) -> Result<i64, JobError<&'static str>> {
    let rows = count(tx, cache)?;
    tx.prepare_cached("INSERT INTO note VALUES (?1, 'x')")?
        .execute([id])?;
    cache.rows = Some(rows + 1);
    Ok(id)
}

async fn add(store: &Store, id: i64) -> Answer {
    store.submit(move |tx, cache| insert(tx, cache, id)).await
}

async fn rows(store: &Store) -> (i64, i64) {
    let both = store.read(|conn, cache| {
        let on_disk = conn.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?;
        Ok::<_, JobError<()>>((count(conn, cache)?, on_disk))
    });
    both.await.expect("reads")
}

/// Queues `jobs` behind a job that holds the writer, so that they meet in one batch.
async fn together<F, Fut>(store: &Store, jobs: Vec<F>) -> Vec<Answer>
where
    F: FnOnce(Store) -> Fut,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let gate = Arc::new(Barrier::new(2));
    let held = {
        let (store, gate) = (store.clone(), Arc::clone(&gate));
        tokio::spawn(async move {
            let hold = store.read(move |_, _| {
                gate.wait();
                gate.wait();
                Ok::<_, JobError<()>>(())
            });
            hold.await
        })
    };
    let entered = Arc::clone(&gate);
    tokio::task::spawn_blocking(move || entered.wait())
        .await
        .expect("enters");
    let mut waiting = Vec::new();
    for job in jobs {
        waiting.push(tokio::spawn(job(store.clone())));
        // One after the other into the queue, so that tests can speak of their order.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::task::spawn_blocking(move || gate.wait())
        .await
        .expect("leaves");
    held.await.expect("joins").expect("holds");
    let mut answers = Vec::new();
    for job in waiting {
        answers.push(job.await.expect("joins"));
    }
    answers
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Add(i64),
    Refuse,
    WriteThenRefuse(i64),
    UndoableThenRefuse(i64),
    BadSql,
    Panic,
    ReadThatWrites,
    EndTransaction,
}

async fn act(store: Store, act: Act) -> Answer {
    match act {
        Act::Add(id) => add(&store, id).await,
        Act::Refuse => store.submit(|_, _| Err(JobError::Refused("no"))).await,
        Act::WriteThenRefuse(id) => {
            let job = move |tx: &Transaction<'_>, cache: &mut Count| {
                insert(tx, cache, id)?;
                Err(JobError::Refused("too late"))
            };
            store.submit(job).await
        }
        Act::UndoableThenRefuse(id) => {
            let job = move |tx: &Transaction<'_>, cache: &mut Count| {
                insert(tx, cache, id)?;
                Err(JobError::Refused("undone"))
            };
            store.submit_undoable(job).await
        }
        Act::BadSql => {
            store
                .submit(|tx, _| Ok(i64::try_from(tx.execute("INSERT INTO nowhere", [])?).unwrap()))
                .await
        }
        Act::Panic => store.submit(|_, _| panic!("a bug in a job")).await,
        Act::ReadThatWrites => {
            let job = |conn: &Connection, _: &mut Count| {
                conn.execute("INSERT INTO note VALUES (99, 'x')", [])?;
                Ok(0)
            };
            store.read(job).await
        }
        Act::EndTransaction => {
            let job = |tx: &Transaction<'_>, _: &mut Count| {
                tx.execute_batch("ROLLBACK")?;
                Ok(0)
            };
            store.submit(job).await
        }
    }
}

async fn acts(store: &Store, list: &[Act]) -> Vec<Answer> {
    together(
        store,
        list.iter().map(|&it| move |store| act(store, it)).collect(),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_wait_share_one_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db"));
    let list: Vec<Act> = (0..100).map(Act::Add).collect();
    let answers = acts(&store, &list).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(store.stats().commits, 1, "{:?}", store.stats());
    assert_eq!(rows(&store).await, (100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_need_far_fewer_commits() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db"));
    let callers: Vec<_> = (0..1_000)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { add(&store, id).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert!(store.stats().commits <= 250, "{:?}", store.stats());
    assert_eq!(rows(&store).await, (1_000, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_never_exceeds_its_cap() {
    let dir = tempfile::tempdir().unwrap();
    let capped = StoreOptions {
        batch_max: 10,
        ..options()
    };
    let store = Store::open(dir.path().join("a.db"), &capped, SCHEMA, |_| {
        Ok(Count::default())
    })
    .unwrap();
    let list: Vec<Act> = (0..40).map(Act::Add).collect();
    assert!(acts(&store, &list).await.iter().all(Result::is_ok));
    assert!(store.stats().commits >= 4, "{:?}", store.stats());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_spoil_its_batch() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db"));
    let answers = acts(
        &store,
        &[
            Act::Add(1),
            Act::Refuse,
            Act::UndoableThenRefuse(2),
            Act::Add(3),
        ],
    )
    .await;
    let expected = [
        Ok(1),
        Err(SubmitError::Refused("no")),
        Err(SubmitError::Refused("undone")),
        Ok(3),
    ];
    assert_eq!(answers, expected);
    assert_eq!(rows(&store).await, (2, 2));
    assert_eq!(store.stats().rollbacks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_culprit_takes_back_what_ran_before_it_and_no_more() {
    let cases = [
        (Act::BadSql, "store.failed"),
        (Act::Add(1), "store.failed"),
        (Act::WriteThenRefuse(7), "store.broken_job"),
        (Act::Panic, "store.panicked"),
        (Act::ReadThatWrites, "store.broken_job"),
    ];
    for (culprit, code) in cases {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("a.db"));
        let answers = acts(&store, &[Act::Add(1), Act::Refuse, culprit, Act::Add(4)]).await;
        let codes: Vec<_> = answers
            .iter()
            .map(|it| it.as_ref().map_err(SubmitError::code))
            .collect();
        let back = Err("store.rolled_back");
        assert_eq!(codes, [back, back, Err(code), Ok(&4)], "{culprit:?}");
        assert_eq!(
            rows(&store).await,
            (1, 1),
            "memory and disk agree after {culprit:?}"
        );
        assert_eq!(
            add(&store, 1).await,
            Ok(1),
            "what was rolled back can be sent again"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ends_the_transaction_poisons_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path);
    let answers = acts(&store, &[Act::Add(1), Act::EndTransaction]).await;
    let codes: Vec<_> = answers
        .iter()
        .map(|it| it.as_ref().map_err(SubmitError::code))
        .collect();
    assert_eq!(codes, [Err("store.unknown"), Err("store.broken_job")]);
    assert_eq!(add(&store, 2).await, Err(SubmitError::StorePoisoned));
    store.close().await;
    assert_eq!(rows(&open(&path)).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_service_returns_with_space() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db"));
    assert_eq!(add(&store, 0).await, Ok(0));
    set_page_limit(&store, 3).await;
    let mut stored = 1;
    let full = loop {
        let job = move |tx: &Transaction<'_>, cache: &mut Count| {
            cache.rows = None;
            tx.execute(
                "INSERT INTO note VALUES (?1, ?2)",
                (stored, "y".repeat(500)),
            )?;
            Ok::<_, JobError<()>>(())
        };
        match store.submit(job).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the limit is reached");
    };
    assert_eq!(full.code(), "store.full");
    assert!(matches!(
        full,
        SubmitError::Storage(Fault {
            kind: FaultKind::DiskFull,
            ..
        })
    ));
    assert_eq!(
        rows(&store).await,
        (stored, stored),
        "what was acknowledged is there"
    );
    set_page_limit(&store, 1_000).await;
    assert_eq!(add(&store, stored).await, Ok(stored));
}

async fn set_page_limit(store: &Store, pages: i64) {
    let job = move |conn: &Connection, _: &mut Count| {
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok::<_, JobError<()>>(())
    };
    store.read(job).await.expect("sets the limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_poisons_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path);
    for id in 0..200 {
        let job = move |tx: &Transaction<'_>, _: &mut Count| {
            tx.execute("INSERT INTO note VALUES (?1, ?2)", (id, "z".repeat(2_000)))?;
            Ok::<_, JobError<()>>(())
        };
        store.submit(job).await.unwrap();
    }
    store.close().await;
    let length = std::fs::metadata(&path).unwrap().len();
    let store = open(&path);
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(4_096)).unwrap();
    file.write_all(&vec![0xFF; usize::try_from(length - 4_096).unwrap()])
        .unwrap();
    let damaged = add(&store, 1_000).await.unwrap_err();
    assert!(
        matches!(
            damaged,
            SubmitError::Storage(Fault {
                kind: FaultKind::Disk,
                ..
            })
        ),
        "{damaged:?}"
    );
    assert_eq!(add(&store, 1_001).await, Err(SubmitError::StorePoisoned));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_owner_is_refused_until_the_first_closes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path);
    let second = Store::open(&path, &options(), SCHEMA, |_| Ok(Count::default())).unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second:?}");
    assert_eq!(second.code(), "store.in_use");
    store.close().await;
    assert_eq!(add(&store, 1).await, Err(SubmitError::Closed));
    assert_eq!(add(&open(&path), 1).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_finishes_what_is_queued() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path);
    let callers: Vec<_> = (0..200)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { add(&store, id).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.close().await;
    store.close().await;
    let mut stored = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(_) => stored += 1,
            Err(error) => assert_eq!(error, SubmitError::Closed),
        }
    }
    assert_eq!(rows(&open(&path)).await.1, stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_and_an_older_one_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path);
    assert_eq!(add(&store, 1).await, Ok(1));
    store.close().await;
    let two = [
        SCHEMA[0],
        "ALTER TABLE note ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
    ];
    let newer = Store::open(&path, &options(), &two, |_| Ok(Count::default())).unwrap();
    assert_eq!(rows(&newer).await.1, 1);
    newer.close().await;
    let old = Store::open(&path, &options(), SCHEMA, |_| Ok(Count::default())).unwrap_err();
    assert!(
        matches!(old, OpenError::Newer { found: 2, known: 1 }),
        "{old:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_that_durability_rests_on_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    for (durability, synchronous) in [(Durability::Full, 2_i64), (Durability::Relaxed, 1)] {
        let path = dir.path().join(format!("{durability:?}.db"));
        let options = StoreOptions {
            durability,
            ..options()
        };
        let store = Store::open(&path, &options, SCHEMA, |_| Ok(Count::default())).unwrap();
        let job = |conn: &Connection, _: &mut Count| {
            let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            let text = |name| conn.pragma_query_value(None, name, |row| row.get::<_, String>(0));
            Ok::<_, JobError<()>>((
                number("synchronous")?,
                number("foreign_keys")?,
                text("journal_mode")?,
                text("locking_mode")?,
            ))
        };
        let found = store.read(job).await.unwrap();
        assert_eq!(
            found,
            (synchronous, 1, "wal".to_owned(), "exclusive".to_owned())
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(
                mode & 0o077,
                0,
                "nobody else may read what was paid to whom"
            );
        }
    }
}

/// Not a test of its own: the child that the next test kills. Without its variable it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_writes_until_killed() {
    let Ok(path) = std::env::var("AGENT_TEST_STORE") else {
        return;
    };
    let store = open(Path::new(&path));
    for id in 0..i64::MAX {
        let store = store.clone();
        tokio::spawn(async move {
            if add(&store, id).await.is_ok() {
                println!("stored {id}");
            }
        });
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_writes_until_killed", "--nocapture"])
        .env("AGENT_TEST_STORE", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = BTreeSet::new();
    let note = |line: &str, acknowledged: &mut BTreeSet<i64>| {
        if let Some(id) = line.split("stored ").nth(1).and_then(|id| id.parse().ok()) {
            acknowledged.insert(id);
        }
    };
    while acknowledged.len() < 200 {
        note(&lines.next().unwrap().unwrap(), &mut acknowledged);
    }
    let second = Store::open(&path, &options(), SCHEMA, |_| Ok(Count::default())).unwrap_err();
    assert!(
        matches!(second, OpenError::InUse { .. }),
        "another process: {second:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        note(&line, &mut acknowledged);
    }
    let store = open(&path);
    let job = |conn: &Connection, _: &mut Count| {
        let mut statement = conn.prepare("SELECT id FROM note")?;
        let ids = statement.query_map([], |row| row.get::<_, i64>(0))?;
        Ok::<_, JobError<()>>(ids.collect::<rusqlite::Result<BTreeSet<_>>>()?)
    };
    let stored = store.read(job).await.unwrap();
    assert!(
        acknowledged.is_subset(&stored),
        "every acknowledged row is on disk"
    );
}

/// Holds rows back until it is told to write them.
#[derive(Default)]
struct Held {
    rows: Vec<&'static str>,
}

impl Cache for Held {
    fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for text in self.rows.drain(..) {
            conn.execute("INSERT INTO note (text) VALUES (?1)", [text])?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.rows.clear();
    }
}

#[tokio::test]
async fn what_is_held_back_is_written_before_anyone_could_miss_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("held.db");
    let open = || {
        GroupCommit::<Held>::open(&path, &options(), SCHEMA, |_| Ok(Held::default()))
            .expect("opens")
    };
    let store = open();
    // One batch: the writer waits in a job of its own until all the others are queued.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let gated = store.submit(move |_, _: &mut Held| {
        wait.recv().expect("all are queued");
        Ok::<_, JobError<&str>>(())
    });
    let first = store.submit(|_, held: &mut Held| {
        held.rows.push("first");
        Ok::<_, JobError<&str>>(())
    });
    let undone = store.submit_undoable(|tx, held: &mut Held| {
        tx.execute("INSERT INTO note (text) VALUES ('undone')", [])?;
        held.rows.push("undone too");
        Err::<(), _>(JobError::Refused("no"))
    });
    let last = store.submit(|_, held: &mut Held| {
        held.rows.push("last");
        Ok::<_, JobError<&str>>(())
    });
    let seen = store.read(|conn, _: &mut Held| Ok::<_, JobError<&str>>(texts(conn)?));
    let gate = async move {
        tokio::task::yield_now().await;
        go.send(()).expect("the writer waits");
    };
    let (gated, first, undone, last, seen, ()) =
        tokio::join!(gated, first, undone, last, seen, gate);
    assert_eq!((gated, first, last), (Ok(()), Ok(()), Ok(())));
    assert_eq!(undone, Err(SubmitError::Refused("no")));
    assert_eq!(seen, Ok(vec!["first".to_owned(), "last".to_owned()]));
    let alone = store.submit(|_, held: &mut Held| {
        held.rows.push("alone");
        Ok::<_, JobError<&str>>(())
    });
    assert_eq!(alone.await, Ok(()));
    store.close().await;

    let store = open();
    let seen = store.read(|conn, _: &mut Held| Ok::<_, JobError<&str>>(texts(conn)?));
    assert_eq!(seen.await.map(|texts| texts.len()), Ok(3));
}

fn texts(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT text FROM note ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
