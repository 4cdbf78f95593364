//! Killed at any moment, opened again on the same file.

use crate::support::*;
use agent_client::sqlite::OpenError;
use agent_core::a2a::TaskState;
use agent_core::ledger::{Ledger, Reserve};
use agent_server::store::{SqliteStore, TaskStore};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const LOCKS: u64 = 4;
const ROUNDS: u32 = 8;

/// Not a test of its own: the seller that the tests below kill. Does nothing without its variable.
#[tokio::test(flavor = "multi_thread")]
async fn seller_until_killed() {
    let Ok(path) = std::env::var("AGENT_TEST_STORE") else {
        return;
    };
    let store = open(Path::new(&path));
    println!("\nopened");
    let sellers: Vec<_> = (0..LOCKS)
        .map(|salt| tokio::spawn(sell(store.clone(), salt)))
        .collect();
    for seller in sellers {
        seller.await.unwrap();
    }
}

/// Sells on one lock for ever: posts most, voids some, parks some, forgets some.
async fn sell(store: SqliteStore, salt: u64) {
    let lock = lock(salt);
    let channel = store
        .observe(lock.into(), on_chain(1_000_000_000, 0))
        .await
        .unwrap();
    let mut ceiling = channel.signed.get();
    for step in 1_u32.. {
        ceiling += 10;
        let name = format!("{salt}-{ceiling}");
        let reserved = match store
            .reserve(request(&name, &lock, ceiling, 10))
            .await
            .unwrap()
        {
            Reserve::New(reserved) => reserved,
            // In time what was forgotten fills the channel.
            Reserve::Refused { .. } => return,
            other => panic!("{other:?}"),
        };
        match step % 16 {
            3 => store
                .void(reserved, task(&name, TaskState::Failed, 1))
                .await
                .unwrap(),
            7 => store
                .park(reserved, task(&name, TaskState::InputRequired, 1))
                .await
                .unwrap(),
            11 => drop(reserved),
            _ => {
                store.post(reserved, units(7), done(&name)).await.unwrap();
                println!("posted {name}");
            }
        }
    }
}

fn spawn(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::seller_until_killed", "--nocapture"])
        .env("AGENT_TEST_STORE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("opened") {
        line.clear();
        assert_ne!(
            out.read_line(&mut line).unwrap(),
            0,
            "the child ended before it opened"
        );
    }
    (child, out)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_sigkill_and_the_books_are_right() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let (mut child, out) = spawn(&path);
        tokio::time::sleep(Duration::from_millis(u64::from(17 * round * round))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let lines = out.lines().map_while(Result::ok);
        acknowledged
            .extend(lines.filter_map(|line| line.strip_prefix("posted ").map(str::to_owned)));
        let store = open(&path);
        assert_right(&store).await;
        for name in &acknowledged {
            let task = store
                .get(format!("task-{name}"))
                .await
                .unwrap()
                .expect("the task is there");
            assert_eq!(task.state, TaskState::Completed);
        }
        let books = store.books().await.unwrap();
        assert!(books.posted >= u64::try_from(acknowledged.len()).unwrap());
        assert_eq!(books.charged, units(7 * u128::from(books.posted)));
        store.close().await;
    }
    assert!(
        acknowledged.len() > 50,
        "only {} posts in all",
        acknowledged.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_holds_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let (mut child, _out) = spawn(&path);
    let refused = SqliteStore::open(&path, config()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_right(&open(&path)).await;
}
