//! Each caller sees its own tasks; those of others do not exist for it.

use crate::house::{ALICE, BOB, House, message, reason, two_keys};
use crate::http::Reply;
use agent_server::config::AgentConfig;
use serde_json::{Value, json};

const MISSING: &str = "01890000-0000-7000-8000-000000000000";

/// How an operation on a task is asked for in each binding.
async fn ask(house: &House, headers: &str, tenant: &str, binding: &str, call: &Ask) -> Reply {
    match binding {
        "JSONRPC" => {
            let mut params = call.params.clone();
            params["tenant"] = tenant.into();
            house.rpc(headers, call.method, params).await
        }
        "HTTP+JSON" => {
            let (verb, path) = &call.route;
            let base = if tenant.is_empty() {
                String::new()
            } else {
                format!("/{tenant}")
            };
            let body = call.body.as_ref().map_or(String::new(), Value::to_string);
            house
                .http(verb, &format!("/rest{base}{path}"), headers, &body)
                .await
        }
        _ => {
            let (method, params) = &call.legacy;
            let headers = format!("a2a-version: 0.3\r\n{headers}");
            house.rpc(&headers, method, params.clone()).await
        }
    }
}

struct Ask {
    method: &'static str,
    params: Value,
    route: (&'static str, String),
    body: Option<Value>,
    legacy: (&'static str, Value),
}

/// Every operation on one task.
fn all(id: &str) -> Vec<Ask> {
    let mut go_on = message("more");
    go_on["taskId"] = id.into();
    let old = json!({
        "kind": "message", "messageId": "m", "role": "user", "taskId": id,
        "parts": [{ "kind": "text", "text": "more" }]
    });
    let hook = json!({ "taskId": id, "url": "https://example.com/hook" });
    let push = |method, params: Value, verb, path: &str, body, legacy| Ask {
        method,
        params,
        route: (verb, format!("/tasks/{id}/pushNotificationConfigs{path}")),
        body,
        legacy,
    };
    let one = |method, verb, path: String, legacy| Ask {
        method,
        params: json!({ "id": id }),
        route: (verb, path),
        body: None,
        legacy: (legacy, json!({ "id": id })),
    };
    let send = |method, path: &str, legacy| Ask {
        method,
        params: json!({ "message": go_on.clone() }),
        route: ("POST", path.to_owned()),
        body: Some(json!({ "message": go_on.clone() })),
        legacy: (legacy, json!({ "message": old.clone() })),
    };
    vec![
        one("GetTask", "GET", format!("/tasks/{id}"), "tasks/get"),
        one(
            "CancelTask",
            "POST",
            format!("/tasks/{id}:cancel"),
            "tasks/cancel",
        ),
        one(
            "SubscribeToTask",
            "POST",
            format!("/tasks/{id}:subscribe"),
            "tasks/resubscribe",
        ),
        send("SendMessage", "/message:send", "message/send"),
        send("SendStreamingMessage", "/message:stream", "message/stream"),
        push(
            "CreateTaskPushNotificationConfig",
            hook.clone(),
            "POST",
            "",
            Some(hook),
            (
                "tasks/pushNotificationConfig/set",
                json!({ "taskId": id, "pushNotificationConfig": { "url": "https://example.com/h" } }),
            ),
        ),
        push(
            "GetTaskPushNotificationConfig",
            json!({ "taskId": id, "id": "1" }),
            "GET",
            "/1",
            None,
            (
                "tasks/pushNotificationConfig/get",
                json!({ "id": id, "pushNotificationConfigId": "1" }),
            ),
        ),
        push(
            "ListTaskPushNotificationConfigs",
            json!({ "taskId": id }),
            "GET",
            "",
            None,
            ("tasks/pushNotificationConfig/list", json!({ "id": id })),
        ),
        push(
            "DeleteTaskPushNotificationConfig",
            json!({ "taskId": id, "id": "1" }),
            "DELETE",
            "/1",
            None,
            (
                "tasks/pushNotificationConfig/delete",
                json!({ "id": id, "pushNotificationConfigId": "1" }),
            ),
        ),
    ]
}

/// What everybody can compare: all but the id that they asked for, and the time.
fn seen(reply: &Reply, id: &str) -> (u16, String, String) {
    let head: Vec<&str> = reply
        .head
        .lines()
        .filter(|line| !line.starts_with("date:"))
        .collect();
    (reply.status, head.join("\n"), reply.body.replace(id, "ID"))
}

#[tokio::test]
async fn for_a_foreign_caller_a_task_is_as_if_it_were_not_there() {
    let house = House::open(&format!("[auth]\nallow_anonymous = true\n{}", two_keys())).await;
    for text in ["echo", "ask", "hold"] {
        let task = house.begin(ALICE, text, "acme").await;
        let id = task["id"].as_str().unwrap();
        let foreigners = [
            (BOB, "acme"),
            (ALICE, ""),
            (ALICE, "other"),
            ("", "acme"),
            ("", ""),
        ];
        for (headers, tenant) in foreigners {
            for binding in ["JSONRPC", "HTTP+JSON", "0.3"] {
                for (there, missing) in all(id).iter().zip(&all(MISSING)) {
                    let there_reply = ask(&house, headers, tenant, binding, there).await;
                    let missing_reply = ask(&house, headers, tenant, binding, missing).await;
                    let what = format!("{text} {binding} {} {headers}{tenant}", there.method);
                    assert_eq!(
                        seen(&there_reply, id),
                        seen(&missing_reply, MISSING),
                        "{what}"
                    );
                    assert!(
                        !there_reply.body.contains("\"result\""),
                        "{what}: {}",
                        there_reply.body
                    );
                    if binding != "0.3" && !there.method.contains("Push") {
                        assert_eq!(reason(&there_reply), "TASK_NOT_FOUND", "{what}");
                    }
                }
            }
        }
        let own = json!({ "id": id, "tenant": "acme" });
        let own = house.rpc(ALICE, "GetTask", own).await.json();
        assert_eq!(own["result"]["id"], id, "the owner still has it: {own}");
    }
}

#[tokio::test]
async fn a_list_is_of_ones_own_tasks_also_when_it_names_a_foreign_context() {
    let house = House::of_two("").await;
    let task = house.begin(ALICE, "echo", "").await;
    house.begin(ALICE, "ask", "").await;
    house.begin(BOB, "echo", "").await;
    house.begin(ALICE, "echo", "acme").await;
    let count = async |headers: &str, params: Value| {
        let reply = house.rpc(headers, "ListTasks", params).await.json();
        reply["result"]["totalSize"]
            .as_u64()
            .unwrap_or_else(|| panic!("{reply}"))
    };
    assert_eq!(count(ALICE, json!({})).await, 2);
    assert_eq!(count(BOB, json!({})).await, 1);
    assert_eq!(count(ALICE, json!({ "tenant": "acme" })).await, 1);
    assert_eq!(count(BOB, json!({ "tenant": "acme" })).await, 0);
    let context = json!({ "contextId": task["contextId"] });
    assert_eq!(count(ALICE, context.clone()).await, 1);
    assert_eq!(count(BOB, context).await, 0);
}

#[tokio::test]
async fn path_and_body_name_one_tenant_and_a_configured_one() {
    let house = House::of_two("[tenants]\nnames = [\"acme\", \"zeta\"]\nin_card = true\n").await;
    let send = async |path: &str, tenant: &str| {
        let body = json!({ "tenant": tenant, "message": message("echo") }).to_string();
        house
            .http("POST", &format!("/rest{path}/message:send"), ALICE, &body)
            .await
    };
    assert_eq!(send("/acme", "acme").await.status, 200);
    assert_eq!(send("/acme", "").await.status, 200);
    assert_eq!(send("", "acme").await.status, 200);
    for refused in [
        send("/acme", "zeta").await,
        send("/nobody", "").await,
        send("", "x").await,
    ] {
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert_eq!(reason(&refused), "INVALID_PARAMS");
    }
    let card = house
        .http("GET", "/.well-known/agent-card.json", "", "")
        .await
        .json();
    let tenants = card["supportedInterfaces"].as_array().unwrap().iter();
    let of_acme = tenants
        .filter(|interface| interface["tenant"] == "acme")
        .count();
    assert!(of_acme >= 2, "{card}");
    // 0.3 has no tenants.
    let interfaces = card["supportedInterfaces"].as_array().unwrap();
    let older = interfaces.iter();
    let older: Vec<_> = older
        .filter(|interface| interface["protocolVersion"] == "0.3")
        .collect();
    assert!(!older.is_empty());
    for interface in older {
        assert!(interface["tenant"].is_null(), "{interface}");
    }
}

/// A path could not tell them from its routes, so no binding knows them.
#[tokio::test]
async fn no_tenant_is_called_as_a_route_is() {
    let house = House::of_two("").await;
    for name in [
        "tasks",
        "message:send",
        "message:stream",
        "extendedAgentCard",
    ] {
        let reply = house
            .rpc(ALICE, "ListTasks", json!({ "tenant": name }))
            .await;
        assert_eq!(reason(&reply), "INVALID_PARAMS", "{name}");
        let path = format!("/rest/tasks?tenant={name}");
        let reply = house.http("GET", &path, ALICE, "").await;
        assert_eq!(reason(&reply), "INVALID_PARAMS", "{name}");
        let error = AgentConfig::parse(&format!("[tenants]\nnames = [\"{name}\"]\n"));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(&format!("cannot be called `{name}`")),
            "{error}"
        );
    }
    assert!(AgentConfig::parse("[tenants]\nnames = [\"\"]\n").is_err());
}

#[tokio::test]
async fn with_tenants_required_a_request_without_one_is_refused() {
    let house = House::of_two("[tenants]\nnames = [\"acme\"]\nrequired = true\n").await;
    assert_eq!(reason(&house.list(ALICE).await), "INVALID_PARAMS");
    let acme = house
        .rpc(ALICE, "ListTasks", json!({ "tenant": "acme" }))
        .await;
    assert_eq!(acme.json()["result"]["totalSize"], 0);
    // Who speaks 0.3 cannot name one, and so is not invited.
    let card = house.http("GET", "/.well-known/agent-card.json", "", "");
    let card = card.await.json();
    for interface in card["supportedInterfaces"].as_array().unwrap() {
        assert_eq!(interface["protocolVersion"], "1.0", "{card}");
    }
}
