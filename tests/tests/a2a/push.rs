//! Webhooks: made, shown, listed, deleted, refused.

use crate::house::{House, message, reason};
use crate::v03;
use agent_client::egress::{Lookup, Lookups};
use agent_server::config::{AgentConfig, PushConfig};
use agent_tests::e2e::Shop;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What opens this machine to notifications.
pub fn open_to_hooks(config: &mut AgentConfig) {
    config.push = PushConfig {
        enabled: true,
        allow_http: true,
        allow_private: true,
    };
}

/// A webhook with everything that there is to say of one.
fn config(task_id: &str, id: &str) -> Value {
    json!({
        "taskId": task_id, "id": id, "url": "https://example.com/hook?key=1", "token": "tok",
        "authentication": { "scheme": "Bearer", "credentials": "cred" }
    })
}

#[tokio::test]
async fn a_webhook_is_made_read_listed_and_deleted_over_both_bindings() {
    let house = House::open().await;
    let task = house.task("x").await;
    let task_id = task["id"].as_str().unwrap();
    let base = format!("/rest/tasks/{task_id}/pushNotificationConfigs");

    // The agent gives it an id when its caller does not, and never the same one twice.
    let made = house
        .call("CreateTaskPushNotificationConfig", config(task_id, ""))
        .await;
    let first = made["id"].as_str().unwrap().to_owned();
    let made = house.http("POST", &base, &config("", "").to_string()).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let second = made.json()["id"].as_str().unwrap().to_owned();
    assert!(!first.is_empty() && !second.is_empty() && first != second);
    for id in [&first, &second] {
        let params = json!({ "taskId": task_id, "id": id });
        let over_rpc = house.call("GetTaskPushNotificationConfig", params).await;
        let over_rest = house.http("GET", &format!("{base}/{id}"), "").await;
        assert_eq!(over_rpc, config(task_id, id));
        assert_eq!(over_rest.json(), over_rpc);
    }

    // One of the same id takes its place.
    let mut other = config(task_id, &first);
    other["url"] = "https://example.org/other".into();
    house
        .call("CreateTaskPushNotificationConfig", other.clone())
        .await;
    let params = json!({ "taskId": task_id });
    let listed = house
        .call("ListTaskPushNotificationConfigs", params.clone())
        .await;
    let mut both = [other, config(task_id, &second)];
    both.sort_by_key(|config| config["id"].as_str().unwrap().to_owned());
    assert_eq!(listed["configs"], json!(both));
    let page = house.http("GET", &format!("{base}?pageSize=1"), "").await;
    let page = page.json();
    let token = page["nextPageToken"].as_str().unwrap();
    let next = format!("{base}?pageSize=1&pageToken={token}");
    let next = house.http("GET", &next, "").await.json();
    assert_eq!(
        (&page["configs"], &next["configs"]),
        (&json!([both[0]]), &json!([both[1]]))
    );
    assert_eq!(next["nextPageToken"].as_str().unwrap_or(""), "");

    // Deleted is deleted, also when it is deleted again.
    for _ in 0..2 {
        let gone = house.http("DELETE", &format!("{base}/{first}"), "").await;
        assert_eq!((gone.status, gone.json()), (200, json!({})));
        let params = json!({ "taskId": task_id, "id": second });
        let gone = house.call("DeleteTaskPushNotificationConfig", params).await;
        assert_eq!(gone, json!({}));
    }
    let listed = house.call("ListTaskPushNotificationConfigs", params).await;
    assert_eq!(listed["configs"].as_array().map_or(0, Vec::len), 0);
    let gone = house.http("GET", &format!("{base}/{first}"), "").await;
    assert_eq!((gone.status, reason(&gone.json())), (404, "TASK_NOT_FOUND"));
}

#[tokio::test]
async fn a_task_that_is_not_there_or_not_ones_own_has_no_webhooks() {
    let house = House::open().await;
    let mut params = json!({ "message": message("x"), "tenant": "mine" });
    let task = house.call("SendMessage", params.clone()).await["task"].take();
    let id = task["id"].as_str().unwrap();
    let mut own = config(id, "h");
    own["tenant"] = "mine".into();
    house.call("CreateTaskPushNotificationConfig", own).await;
    for (task_id, tenant) in [(id, ""), (id, "other"), ("nobody", "mine")] {
        for method in ["Create", "Get", "List", "Delete"] {
            let plural = if method == "List" { "s" } else { "" };
            params = config(task_id, "h");
            params["tenant"] = tenant.into();
            let method = format!("{method}TaskPushNotificationConfig{plural}");
            let answer = house.rpc(&method, params.clone()).await;
            assert_eq!(reason(&answer), "TASK_NOT_FOUND", "{method} {tenant}");
        }
    }
}

#[tokio::test]
async fn an_agent_without_notifications_says_so_everywhere() {
    let house = House::open_with(|config| config.push.enabled = false).await;
    let card = house.http("GET", "/.well-known/agent-card.json", "").await;
    assert_eq!(
        card.json()["capabilities"]["pushNotifications"],
        json!(false)
    );
    let task = house.task("x").await;
    let params = config(task["id"].as_str().unwrap(), "h");
    for method in [
        "CreateTaskPushNotificationConfig",
        "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig",
    ] {
        let answer = house.rpc(method, params.clone()).await;
        assert_eq!(
            reason(&answer),
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
            "{method}"
        );
    }
    let inline = json!({
        "message": message("x"),
        "configuration": { "taskPushNotificationConfig": { "url": "https://example.com/" } }
    });
    let answer = house.rpc("SendMessage", inline).await;
    assert_eq!(reason(&answer), "PUSH_NOTIFICATION_NOT_SUPPORTED");
}

/// Counts how often it is asked, and knows nothing.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Lookup for Counting {
    fn lookup(&self, _: &str) -> Lookups {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Vec::new()) })
    }
}

#[tokio::test]
async fn what_may_not_be_called_is_refused_when_it_is_named_and_no_name_is_resolved() {
    let lookup = Arc::new(Counting::default());
    let asked = Arc::clone(&lookup);
    let house = House::open_as(|_| {}, |agent| agent.webhook_lookup(lookup)).await;
    let card = house.http("GET", "/.well-known/agent-card.json", "").await;
    assert_eq!(
        card.json()["capabilities"]["pushNotifications"],
        json!(true)
    );
    let task = house.task("x").await;
    let task_id = task["id"].as_str().unwrap();
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://localhost./",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://[64:ff9b::7f00:1]/",
        "https://user:password@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "https:///etc/passwd",
        "https://example.com/\r\nhost: other",
    ] {
        let mut named = config(task_id, "h");
        named["url"] = url.into();
        let answer = house
            .rpc("CreateTaskPushNotificationConfig", named.clone())
            .await;
        assert_eq!(fields(&answer), ["url"], "{url}: {answer}");
        let mut inline = named;
        inline["taskId"].take();
        let params = json!({
            "message": message("x"), "configuration": { "taskPushNotificationConfig": inline }
        });
        let answer = house.rpc("SendMessage", params).await;
        let field = "configuration.taskPushNotificationConfig.url";
        assert_eq!(fields(&answer), [field], "{url}: {answer}");
    }
    for (field, value) in [
        ("/token", json!("a\r\nb: c")),
        ("/authentication/credentials", json!("a\nb")),
        ("/authentication/scheme", json!("Bearer x\r\ny")),
        ("/token", json!("t".repeat(5_000))),
        (
            "/url",
            json!(format!("https://example.com/{}", "p".repeat(5_000))),
        ),
        ("/id", json!("i".repeat(300))),
    ] {
        let mut named = config(task_id, "h");
        *named.pointer_mut(field).unwrap() = value;
        let answer = house.rpc("CreateTaskPushNotificationConfig", named).await;
        let field = field.trim_start_matches('/').replace('/', ".");
        assert_eq!(fields(&answer), [field.as_str()], "{answer}");
    }
    for url in [
        "https://example.com/x",
        "https://sub.example.com:8443/x?y#z",
    ] {
        let mut named = config(task_id, "h");
        named["url"] = url.into();
        house.call("CreateTaskPushNotificationConfig", named).await;
    }
    assert_eq!(asked.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn each_leave_of_the_operator_opens_one_thing() {
    let metadata = ["http://169.254.169.254/", "https://169.254.169.254/"];
    for (allow_http, allow_private, open, closed) in [
        (true, false, "http://example.com/", "http://127.0.0.1/"),
        (true, false, "https://example.com/", "https://10.0.0.1/"),
        (false, true, "https://127.0.0.1/", "http://127.0.0.1/"),
        (false, true, "https://10.0.0.1/", "http://example.com/"),
        (true, true, "http://10.0.0.1/", "https://[fe80::1]/"),
    ] {
        let house = House::open_with(|config| {
            config.push.allow_http = allow_http;
            config.push.allow_private = allow_private;
        })
        .await;
        let task = house.task("x").await;
        let task_id = task["id"].as_str().unwrap();
        let create = async |url: &str| {
            let mut named = config(task_id, "h");
            named["url"] = url.into();
            house.rpc("CreateTaskPushNotificationConfig", named).await
        };
        let made = create(open).await;
        assert_eq!(made["result"]["url"], open, "{made}");
        for url in metadata.into_iter().chain([closed]) {
            let refused = create(url).await;
            assert_eq!(fields(&refused), ["url"], "{url}: {refused}");
        }
    }
}

fn fields(answer: &Value) -> Vec<&str> {
    let details = answer["error"]["data"].as_array().into_iter().flatten();
    details
        .filter_map(|detail| detail["fieldViolations"].as_array())
        .flatten()
        .filter_map(|violation| violation["field"].as_str())
        .collect()
}

#[tokio::test]
async fn a_task_has_so_many_webhooks_and_no_more() {
    let house = House::open().await;
    let task = house.task("x").await;
    let task_id = task["id"].as_str().unwrap();
    let max = agent_server::push::limits::WEBHOOKS_PER_TASK_MAX;
    for number in 0..max {
        let named = config(task_id, &number.to_string());
        house.call("CreateTaskPushNotificationConfig", named).await;
    }
    let create = "CreateTaskPushNotificationConfig";
    let answer = house.rpc(create, config(task_id, "more")).await;
    assert_eq!(reason(&answer), "RESOURCE_EXHAUSTED", "{answer}");
    house.call(create, config(task_id, "0")).await;
    let params = json!({ "taskId": task_id, "id": "0" });
    house.call("DeleteTaskPushNotificationConfig", params).await;
    house.call(create, config(task_id, "more")).await;
}

#[tokio::test]
async fn a_task_that_waits_for_its_payment_has_webhooks_in_memory() {
    let shop = Shop::open().await;
    let peer = shop.peer();
    let asked = peer.send(agent_tests::e2e::message("echo", "x")).await;
    assert_eq!(asked.state(), "INPUT_REQUIRED");
    let id = asked.id();
    let result = |answer: agent_tests::e2e::Answer| answer.0["result"].clone();
    let create = "CreateTaskPushNotificationConfig";
    for name in ["b", "a"] {
        let made = result(peer.call(create, config(id, name)).await);
        assert_eq!(made, config(id, name));
    }
    let params = json!({ "taskId": id, "id": "a" });
    let got = peer
        .call("GetTaskPushNotificationConfig", params.clone())
        .await;
    assert_eq!(result(got), config(id, "a"));
    let list = async || {
        let listed = peer
            .call("ListTaskPushNotificationConfigs", json!({ "taskId": id }))
            .await;
        result(listed)["configs"].clone()
    };
    assert_eq!(list().await, json!([config(id, "a"), config(id, "b")]));
    peer.call("DeleteTaskPushNotificationConfig", params).await;
    assert_eq!(list().await, json!([config(id, "b")]));
    // A price question costs the disk nothing, with webhooks or without.
    shop.assert_untouched().await;
}

#[tokio::test]
async fn callers_of_0_3_have_the_same_webhooks() {
    let house = House::open().await;
    let task = house.task("x").await;
    let task_id = task["id"].as_str().unwrap();
    let set = json!({ "taskId": task_id, "pushNotificationConfig": {
        "id": "h", "url": "https://example.com/hook?key=1", "token": "tok",
        "authentication": { "schemes": ["Bearer"], "credentials": "cred" }
    } });
    let call = async |method: &str, params: Value| {
        let method = format!("tasks/pushNotificationConfig/{method}");
        v03::rpc(&house, &method, params).await
    };
    assert_eq!(call("set", set.clone()).await, set);
    let named = json!({ "id": task_id, "pushNotificationConfigId": "h" });
    assert_eq!(call("get", named.clone()).await, set);
    assert_eq!(call("list", json!({ "id": task_id })).await, json!([set]));
    let params = json!({ "taskId": task_id, "id": "h" });
    let same = house.call("GetTaskPushNotificationConfig", params).await;
    assert_eq!(same, config(task_id, "h"));
    assert_eq!(call("delete", named.clone()).await, Value::Null);
    assert_eq!(call("get", named).await["error"]["code"], -32001);
}
