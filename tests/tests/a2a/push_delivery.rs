//! What webhooks are told: everything, in order, whatever they answer.

use crate::house::{House, message, state};
use crate::push::open_to_hooks;
use crate::v03;
use crate::webhook::{Answer, Hook, all_pieces, says};
use agent_tests::e2e::{PRICE, Shop, with_payment};
use serde_json::{Value, json};

/// A message with a webhook.
fn with_webhook(text: &str, url: &str) -> Value {
    json!({
        "message": message(text),
        "configuration": { "taskPushNotificationConfig": {
            "url": url, "token": "the-token",
            "authentication": { "scheme": "bearer", "credentials": "The+Credentials==" }
        } }
    })
}

#[tokio::test]
async fn three_hundred_quick_pieces_arrive_in_order_and_authenticated() {
    let hook = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    house.open_door();
    // Its caller waits for the end; the webhook is told of everything all the same.
    let params = with_webhook("pieces", &hook.url("/hook?for=me"));
    let task = house.call("SendMessage", params).await["task"].take();
    assert_eq!(state(&task), "COMPLETED");
    let notes = hook.told("COMPLETED").await;
    assert_eq!(says(&notes), all_pieces());
    for note in &notes {
        assert_eq!(note.path, "/hook?for=me");
        assert_eq!(note.header("content-type"), "application/a2a+json");
        assert_eq!(note.header("authorization"), "bearer The+Credentials==");
        assert_eq!(note.header("x-a2a-notification-token"), "the-token");
        let members = note.body.as_object().unwrap();
        assert_eq!(members.len(), 1, "{}", note.body);
        let told = members.values().next().unwrap();
        let of = told.get("taskId").unwrap_or(&told["id"]);
        assert_eq!(of, &task["id"]);
    }
    assert!(notes[0].body.get("task").is_some(), "{}", notes[0].body);
}

#[tokio::test]
async fn a_webhook_that_is_made_later_is_told_of_what_comes_after() {
    let hook = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    let task = house.task("ask").await;
    let id = task["id"].as_str().unwrap();
    let params = json!({ "taskId": id, "id": "h", "url": hook.url("/") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    assert_eq!(state(&house.answer(id, "this").await), "COMPLETED");
    let told = says(&hook.told("COMPLETED").await);
    assert_eq!(told, ["WORKING", r#"{"text":"it is this"}"#, "COMPLETED"]);

    // One of a task that runs, and one that comes with the answer to a question.
    let id = house.begun("hold").await;
    let params = json!({ "taskId": id, "id": "h", "url": hook.url("/runs") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    house.open_door();
    let all = hook.at_least(5).await;
    assert_eq!(says(&all[3..]), [r#"{"text":"held"}"#, "COMPLETED"]);
    let asked = house.task("ask").await;
    let mut answer = with_webhook("that", &hook.url("/answers"));
    answer["message"]["taskId"] = asked["id"].clone();
    let done = house.call("SendMessage", answer).await;
    assert_eq!(state(&done["task"]), "COMPLETED");
    let all = hook.at_least(8).await;
    let told = says(&all[5..]);
    assert_eq!(told, ["WORKING", r#"{"text":"it is that"}"#, "COMPLETED"]);
}

#[tokio::test]
async fn what_fails_is_tried_again_before_anything_else_is_told() {
    let hook = Hook::scripted(|number, _| match number {
        0 => Answer::Status(503),
        1 => Answer::With(429, "retry-after", "1"),
        2 => Answer::Status(408),
        _ => Answer::Status(204),
    })
    .await;
    let house = House::open_with(open_to_hooks).await;
    house
        .call("SendMessage", with_webhook("x", &hook.url("/")))
        .await;
    let told = says(&hook.told("COMPLETED").await);
    let expected = [
        "WORKING",
        "WORKING",
        "WORKING",
        "WORKING",
        r#"{"text":"x"}"#,
        "COMPLETED",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_is_refused_is_given_up_and_the_next_is_told() {
    let hook = Hook::scripted(|number, _| match number {
        0 => Answer::Status(400),
        _ => Answer::Status(200),
    })
    .await;
    let house = House::open_with(open_to_hooks).await;
    house
        .call("SendMessage", with_webhook("x", &hook.url("/")))
        .await;
    let told = says(&hook.told("COMPLETED").await);
    assert_eq!(told, ["WORKING", r#"{"text":"x"}"#, "COMPLETED"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Hook::open().await;
    let location: &'static str = Box::leak(other.url("/stolen").into_boxed_str());
    let hook = Hook::scripted(move |number, _| match number {
        0 => Answer::With(307, "location", location),
        1 => Answer::With(302, "location", location),
        _ => Answer::Status(200),
    })
    .await;
    let house = House::open_with(open_to_hooks).await;
    house
        .call("SendMessage", with_webhook("x", &hook.url("/")))
        .await;
    assert_eq!(hook.told("COMPLETED").await.len(), 3);
    assert_eq!(other.notes().len(), 0);
}

#[tokio::test]
async fn a_webhook_that_hangs_delays_neither_the_task_nor_another_webhook() {
    let slow = Hook::scripted(|_, _| Answer::Hold).await;
    let quick = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    let id = house.begun("pieces").await;
    // More than one host is given places for.
    for number in 0..8 {
        let url = slow.url(&format!("/{number}"));
        let params = json!({ "taskId": id, "id": format!("slow{number}"), "url": url });
        house.call("CreateTaskPushNotificationConfig", params).await;
    }
    let params = json!({ "taskId": id, "id": "quick", "url": quick.url("/") });
    house.call("CreateTaskPushNotificationConfig", params).await;
    house.open_door();
    let told = says(&quick.told("COMPLETED").await);
    assert_eq!(told, all_pieces()[1..]);
    let task = house.call("GetTask", json!({ "id": id })).await;
    assert_eq!(state(&task), "COMPLETED");
    // Of those that hang none was told a second thing, and not all of them a first.
    let held = slow.notes().len();
    assert!(
        held <= agent_server::push::limits::ATTEMPTS_PER_HOST,
        "{held}"
    );
}

#[tokio::test]
async fn the_webhook_of_a_task_that_waited_for_its_payment_is_told_of_the_work() {
    let (hook, early) = (Hook::open().await, Hook::open().await);
    let shop = Shop::open_with(open_to_hooks).await;
    let (peer, purse) = (shop.peer(), shop.purse(100 * PRICE));
    let mut params = with_webhook("", &early.url("/"));
    params["message"] = agent_tests::e2e::message("echo", "x");
    let asked = peer.call("SendMessage", params).await;
    assert_eq!(asked.state(), "INPUT_REQUIRED");
    let named = json!({ "taskId": asked.id(), "id": "h", "url": hook.url("/") });
    peer.call("CreateTaskPushNotificationConfig", named).await;
    let mut paid = with_payment(
        agent_tests::e2e::message("echo", "x"),
        &purse.payment(PRICE, PRICE),
    );
    paid["taskId"] = asked.id().into();
    assert_eq!(peer.send(paid).await.state(), "COMPLETED");
    for hook in [hook, early] {
        let notes = hook.told("COMPLETED").await;
        assert_eq!((notes.len(), notes[0].says().as_str()), (3, "WORKING"));
    }
    shop.assert_books(PRICE, 1, 0, 0).await;
}

#[tokio::test]
async fn a_webhook_of_0_3_is_told_the_task_as_it_was_written_then() {
    let hook = Hook::open().await;
    let house = House::open_with(open_to_hooks).await;
    let params = json!({
        "message": v03::text("x"),
        "configuration": {
            "blocking": true,
            "pushNotificationConfig": {
                "url": hook.url("/"), "token": "old",
                "authentication": { "schemes": ["Bearer"], "credentials": "c" }
            }
        }
    });
    let task = v03::rpc(&house, "message/send", params).await;
    assert_eq!(task["status"]["state"], "completed");
    let notes = hook.at_least(2).await;
    let states: Vec<_> = notes
        .iter()
        .map(|note| (&note.body["kind"], &note.body["status"]["state"]))
        .collect();
    assert_eq!(
        states,
        [
            (&json!("task"), &json!("working")),
            (&json!("task"), &json!("completed"))
        ]
    );
    assert_eq!(notes[1].body["id"], task["id"]);
    assert_eq!(notes[1].body["artifacts"], task["artifacts"]);
    for note in &notes {
        assert_eq!(note.header("content-type"), "application/json");
        assert_eq!(note.header("authorization"), "Bearer c");
        assert_eq!(note.header("x-a2a-notification-token"), "old");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_quick_tasks_at_once_none_is_forgotten() {
    let hooks = [Hook::open().await, Hook::open().await];
    let house = House::open_with(open_to_hooks).await;
    let tasks = (0..200).map(|number| {
        let hook = &hooks[number % 2];
        let params = with_webhook("x", &hook.url(&format!("/{number}")));
        house.call("SendMessage", params)
    });
    for task in futures_util::future::join_all(tasks).await {
        assert_eq!(state(&task["task"]), "COMPLETED");
    }
    for (parity, hook) in hooks.iter().enumerate() {
        let notes = hook.at_least(300).await;
        for number in (parity..200).step_by(2) {
            let path = format!("/{number}");
            let of_task = notes.iter().filter(|note| note.path == path).cloned();
            let told = says(&of_task.collect::<Vec<_>>());
            assert_eq!(
                told,
                ["WORKING", r#"{"text":"x"}"#, "COMPLETED"],
                "{number}"
            );
        }
    }
}
