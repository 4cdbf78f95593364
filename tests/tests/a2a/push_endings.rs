//! What ends a webhook or interrupts it: deletion, a restart, too many failures, an address that
//! turns out to be somewhere else. And what nobody may see of it.

use crate::house::{House, message};
use crate::push::open_to_hooks;
use crate::webhook::{Answer, Hook, all_pieces, says};
use agent_client::egress::{Lookup, Lookups};
use agent_server::push::limits::FAILURES_MAX;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

async fn webhook(house: &House, task_id: &str, url: &str) {
    let params = json!({ "taskId": task_id, "id": "h", "url": url });
    house.call("CreateTaskPushNotificationConfig", params).await;
}

#[tokio::test]
async fn a_restart_goes_on_exactly_where_the_run_before_stopped() {
    let files = tempfile::tempdir().unwrap();
    let hook = Hook::scripted(|number, _| match number {
        100 => Answer::Status(503),
        _ => Answer::Status(200),
    })
    .await;
    let open = || {
        House::open_with(|config| {
            open_to_hooks(config);
            config.data_dir = files.path().join("data");
        })
    };
    let house = open().await;
    let id = house.begun("pieces").await;
    webhook(&house, &id, &hook.url("/")).await;
    house.open_door();
    // The one that fails is the last: the agent closes while it rests.
    let before = hook.at_least(101).await;
    house.agent.stop().await;
    assert_eq!(hook.notes().len(), 101);
    let house = open().await;
    let after = hook.told("COMPLETED").await;
    let mut told = says(&before[..100]);
    told.extend(says(&after[101..]));
    assert_eq!(told, all_pieces()[1..]);
    // And once more there is nothing left to tell.
    house.agent.stop().await;
    let house = open().await;
    let second = house.begun("x").await;
    webhook(&house, &second, &hook.url("/second")).await;
    house.agent.stop().await;
    let count = |path: &str| hook.notes().iter().filter(|note| note.path == path).count();
    assert_eq!(count("/"), all_pieces().len());
}

#[tokio::test]
async fn what_is_under_way_when_the_agent_closes_may_finish_and_is_not_sent_again() {
    let files = tempfile::tempdir().unwrap();
    let hook = Hook::scripted(|number, _| match number {
        0 => Answer::Hold,
        _ => Answer::Status(200),
    })
    .await;
    let open = || {
        House::open_with(|config| {
            open_to_hooks(config);
            config.data_dir = files.path().join("data");
        })
    };
    let house = open().await;
    let id = house.begun("ask").await;
    webhook(&house, &id, &hook.url("/")).await;
    house.answer(&id, "this").await;
    hook.at_least(1).await;
    let closing = tokio::spawn(house.agent.stop());
    // The door is closed first; then what is under way is waited for.
    while tokio::net::TcpStream::connect(house.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    hook.let_go();
    closing.await.unwrap();
    assert_eq!(hook.notes().len(), 1);
    let _house = open().await;
    let told = says(&hook.told("COMPLETED").await);
    assert_eq!(told, ["WORKING", r#"{"text":"it is this"}"#, "COMPLETED"]);
}

#[tokio::test]
async fn one_that_is_deleted_is_told_nothing_more() {
    let hook = Hook::scripted(|number, _| match number {
        5 => Answer::Hold,
        _ => Answer::Status(200),
    })
    .await;
    let other = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    let id = house.begun("pieces").await;
    webhook(&house, &id, &hook.url("/")).await;
    let params = json!({ "taskId": id, "id": "other", "url": other.url("/") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    house.open_door();
    hook.at_least(6).await;
    let params = json!({ "taskId": id, "id": "h" });
    house.call("DeleteTaskPushNotificationConfig", params).await;
    hook.let_go();
    // Another one is told everything after that; what was to come would have come.
    other.told("COMPLETED").await;
    assert_eq!(hook.notes().len(), 6);
}

#[tokio::test]
async fn one_that_is_replaced_goes_on_at_its_new_address() {
    let old = Hook::scripted(|number, _| match number {
        5 => Answer::Hold,
        _ => Answer::Status(200),
    })
    .await;
    let new = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    let id = house.begun("pieces").await;
    webhook(&house, &id, &old.url("/")).await;
    house.open_door();
    old.at_least(6).await;
    webhook(&house, &id, &new.url("/")).await;
    let after = new.told("COMPLETED").await;
    let mut told = says(&old.notes()[..5]);
    told.extend(says(&after));
    assert_eq!(told, all_pieces()[1..]);
}

#[tokio::test]
async fn one_that_fails_too_often_is_left_alone_until_it_is_made_anew() {
    let hook = Hook::scripted(|_, _| Answer::Status(404)).await;
    let other = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    let id = house.begun("pieces").await;
    webhook(&house, &id, &hook.url("/")).await;
    let params = json!({ "taskId": id, "id": "other", "url": other.url("/") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    house.open_door();
    other.told("COMPLETED").await;
    let failures = usize::try_from(FAILURES_MAX).unwrap();
    hook.at_least(failures).await;
    assert_eq!(hook.notes().len(), failures);
    hook.answers(|_, _| Answer::Status(200));
    webhook(&house, &id, &hook.url("/")).await;
    let all = says(&hook.told("COMPLETED").await);
    assert_eq!(all, all_pieces()[1..]);
}

/// A name that leads to this machine until it leads to a cloud's metadata service.
#[derive(Debug, Default)]
struct Rebinding(AtomicBool);

impl Lookup for Rebinding {
    fn lookup(&self, _: &str) -> Lookups {
        let address = match self.0.load(Ordering::SeqCst) {
            false => Ipv4Addr::LOCALHOST,
            true => Ipv4Addr::new(169, 254, 169, 254),
        };
        Box::pin(async move { Ok(vec![IpAddr::V4(address)]) })
    }
}

#[tokio::test]
async fn a_name_that_turns_to_a_forbidden_address_is_called_no_more() {
    let lookup = Arc::new(Rebinding::default());
    let turn = Arc::clone(&lookup);
    // Every answer closes its connection, so that every notification looks the name up.
    let hook = Hook::scripted(move |number, _| {
        if number == 2 {
            turn.0.store(true, Ordering::SeqCst);
        }
        Answer::With(200, "connection", "close")
    })
    .await;
    let other = Hook::open().await;
    let house = House::open_as(open_to_hooks, |agent| agent.webhook_lookup(lookup)).await;
    let id = house.begun("pieces").await;
    let port = hook.address.port();
    webhook(&house, &id, &format!("http://rebinding.example:{port}/")).await;
    let params = json!({ "taskId": id, "id": "other", "url": other.url("/") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    house.open_door();
    other.told("COMPLETED").await;
    assert_eq!(says(&hook.notes()), all_pieces()[1..4]);
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_not_called() {
    let hook = Hook::open().await;
    let lookup = Arc::new(Rebinding::default());
    let open = |config: &mut agent_server::config::AgentConfig| config.push.allow_http = true;
    let house = House::open_as(open, |agent| agent.webhook_lookup(lookup)).await;
    let port = hook.address.port();
    let url = format!("http://inside.example:{port}/");
    let params = json!({
        "message": message("x"),
        "configuration": { "taskPushNotificationConfig": { "id": "h", "url": url } }
    });
    house.call("SendMessage", params).await;
    // Closing waits for what is under way.
    house.agent.stop().await;
    assert_eq!(hook.notes().len(), 0);
}

/// Everything that is logged while the tests run.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_in_no_log_and_in_no_debug_form() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let secrets = [
        "path-secret-7391",
        "token-secret-7391",
        "credentials-secret-7391",
    ];
    let hook = Hook::scripted(|number, _| match number {
        0 => Answer::Status(500),
        _ => Answer::Status(404),
    })
    .await;
    let house = House::open_with(open_to_hooks).await;
    house.open_door();
    let url = hook.url(&format!("/{}", secrets[0]));
    let params = json!({
        "message": message("pieces"),
        "configuration": { "taskPushNotificationConfig": {
            "url": url, "token": secrets[1],
            "authentication": { "scheme": "Bearer", "credentials": secrets[2] }
        } }
    });
    house.call("SendMessage", params).await;
    let told = hook.at_least(usize::try_from(FAILURES_MAX).unwrap()).await;
    assert_eq!(told[0].header("x-a2a-notification-token"), secrets[1]);
    let shown = format!("{:?}", house.agent);
    house.agent.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("notified") && log.contains("told nothing any more"));
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} in the log");
        assert!(!shown.contains(secret), "{secret} in Debug");
    }
}
