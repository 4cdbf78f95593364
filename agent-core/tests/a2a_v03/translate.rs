//! Operations: names, and a client and a server that understand each other over 0.3.

use agent_core::a2a::v03::{self, Dialect};
use agent_core::a2a::*;
use agent_core::json::Json;
use serde_json::json;

fn json(value: serde_json::Value) -> Json {
    Json::from_value(&value).unwrap()
}

#[test]
fn every_operation_but_the_list_has_a_method_of_its_own() {
    for operation in Operation::ALL {
        match v03::method(operation) {
            Some(method) => {
                assert_eq!(v03::operation(method), Some(operation));
                assert_eq!(Operation::of_name(method), None);
            }
            None => assert_eq!(operation, Operation::ListTasks),
        }
        assert_eq!(v03::operation(operation.name()), None);
    }
    let refused = v03::request_from_v1(Operation::ListTasks, &json(json!({})), Dialect::Rest);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::UnsupportedOperation);
}

#[test]
fn what_a_client_asks_a_server_understands() {
    let send = json!({ "message": { "messageId": "m", "role": "ROLE_USER", "parts": [{ "data": [1.0] }] },
        "configuration": { "returnImmediately": true } });
    let config =
        json!({ "id": "c", "taskId": "t", "url": "u", "authentication": { "scheme": "Bearer" } });
    let of_config = json!({ "taskId": "t", "id": "c" });
    for (operation, request) in [
        (Operation::SendMessage, send.clone()),
        (Operation::SendStreamingMessage, send),
        (Operation::GetTask, json!({ "id": "t", "historyLength": 0 })),
        (
            Operation::CancelTask,
            json!({ "id": "t", "metadata": { "a": 1 } }),
        ),
        (Operation::SubscribeToTask, json!({ "id": "t" })),
        (Operation::CreateTaskPushNotificationConfig, config),
        (Operation::GetTaskPushNotificationConfig, of_config.clone()),
        (Operation::DeleteTaskPushNotificationConfig, of_config),
        (
            Operation::ListTaskPushNotificationConfigs,
            json!({ "taskId": "t" }),
        ),
        (Operation::GetExtendedAgentCard, json!({})),
    ] {
        let dialect = Dialect::JsonRpc;
        let there = v03::request_from_v1(operation, &json(request.clone()), dialect).unwrap();
        let back = v03::request_into_v1(operation, there.get().as_bytes(), dialect).unwrap();
        assert_eq!(
            back.parse::<serde_json::Value>().unwrap(),
            request,
            "{operation:?}"
        );
    }
}

#[test]
fn over_http_a_webhook_is_asked_for_as_the_servers_want_it() {
    let config = json!({ "id": "c", "taskId": "t", "url": "u" });
    let operation = Operation::CreateTaskPushNotificationConfig;
    let there = v03::request_from_v1(operation, &json(config.clone()), Dialect::Rest).unwrap();
    assert_eq!(
        there.parse::<serde_json::Value>().unwrap(),
        json!({ "parent": "tasks/t", "configId": "c", "config": {
            "name": "tasks/t/pushNotificationConfigs/c",
            "pushNotificationConfig": { "id": "c", "url": "u" } } })
    );
    let back = v03::request_into_v1(operation, there.get().as_bytes(), Dialect::Rest).unwrap();
    assert_eq!(back.parse::<serde_json::Value>().unwrap(), config);
}

#[test]
fn what_a_server_answers_a_client_understands() {
    let task = json!({ "id": "t", "contextId": "c", "status": { "state": "TASK_STATE_CANCELED" } });
    let message = json!({ "messageId": "m", "role": "ROLE_AGENT", "parts": [{ "text": "x" }] });
    let update =
        json!({ "taskId": "t", "contextId": "c", "status": { "state": "TASK_STATE_WORKING" } });
    let config = json!({ "id": "c", "taskId": "t", "url": "u" });
    for dialect in [Dialect::JsonRpc, Dialect::Rest] {
        for (operation, result) in [
            (Operation::SendMessage, json!({ "task": task })),
            (Operation::SendMessage, json!({ "message": message })),
            (
                Operation::SendStreamingMessage,
                json!({ "statusUpdate": update }),
            ),
            (Operation::GetTask, task.clone()),
            (Operation::CancelTask, task.clone()),
            (Operation::CreateTaskPushNotificationConfig, config.clone()),
            (Operation::GetTaskPushNotificationConfig, config.clone()),
            (
                Operation::ListTaskPushNotificationConfigs,
                json!({ "configs": [config] }),
            ),
            (Operation::DeleteTaskPushNotificationConfig, json!({})),
        ] {
            let there = v03::answer_from_v1(operation, &json(result.clone()), dialect).unwrap();
            let back = v03::answer_into_v1(operation, there.get().as_bytes(), dialect).unwrap();
            assert_eq!(
                back.parse::<serde_json::Value>().unwrap(),
                result,
                "{there}"
            );
        }
        // An answer of ours that is wrong is our fault and not the caller's.
        let wrong = v03::answer_from_v1(Operation::GetTask, &json(json!(7)), dialect);
        assert_eq!(wrong.unwrap_err().code(), ErrorCode::Internal);
    }
}
