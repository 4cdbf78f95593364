//! What 0.3 cannot say, line by line of the module's table.

use crate::{rest, rpc, written};
use agent_core::a2a::v03::{Dialect, Spoken};
use agent_core::a2a::*;
use agent_core::json::Json;
use serde_json::json;

const BOTH: [Dialect; 2] = [Dialect::JsonRpc, Dialect::Rest];

fn back<T: Spoken>(it: &T, dialect: Dialect) -> T {
    let text = it.to_v03(dialect).unwrap();
    T::from_v03(text.get().as_bytes(), dialect).unwrap()
}

#[test]
fn data_that_is_no_object_is_wrapped_and_comes_back() {
    for text in [
        "null",
        "[1, 2.50]",
        "\"x\"",
        "1e400",
        "12345678901234567890123",
    ] {
        let message = Message::user(Part::data(Json::from_text(text).unwrap()));
        for dialect in BOTH {
            assert_eq!(back(&message, dialect), message, "{text}");
        }
        let written = message.to_v03(Dialect::JsonRpc).unwrap();
        let part = format!(r#"{{"value":{text}}},"metadata":{{"data_part_compat":true}}"#);
        assert!(written.get().contains(&part), "{written}");
    }
}

#[test]
fn names_and_types_of_text_and_data_are_left_out() {
    for part in [Part::text("x"), Part::data(Json::from_text("{}").unwrap())] {
        let named = part
            .clone()
            .with_filename("f")
            .with_media_type("text/plain");
        for dialect in BOTH {
            let message = back(&Message::user(named.clone()), dialect);
            assert_eq!(message.parts, std::slice::from_ref(&part));
        }
    }
}

#[test]
fn references_and_no_history_are_left_out_over_http_only() {
    let mut request = SendMessageRequest::new(Message::user("x"));
    request.message.reference_task_ids = vec!["t".to_owned()];
    request.configuration = Some(SendMessageConfiguration {
        history_length: Some(0),
        ..Default::default()
    });
    assert_eq!(back(&request, Dialect::JsonRpc), request);
    let mut less = request.clone();
    less.message.reference_task_ids.clear();
    less.configuration = Some(SendMessageConfiguration::default());
    assert_eq!(back(&request, Dialect::Rest), less);
}

#[test]
fn whether_to_wait_is_always_said() {
    let request = SendMessageRequest::new(Message::user("x"));
    for dialect in BOTH {
        assert_eq!(
            written(&request, dialect)["configuration"],
            json!({ "blocking": true })
        );
        let configuration = back(&request, dialect).configuration;
        assert_eq!(configuration, Some(SendMessageConfiguration::default()));
    }
}

#[test]
fn tenants_are_left_out() {
    let config = TaskPushNotificationConfig {
        tenant: "a".to_owned(),
        id: "c".to_owned(),
        task_id: "t".to_owned(),
        url: "https://example.com".to_owned(),
        ..Default::default()
    };
    for dialect in BOTH {
        assert_eq!(back(&config, dialect).tenant, "");
    }
}

#[test]
fn of_several_schemes_the_first_counts() {
    let config: TaskPushNotificationConfig = rpc(
        r#"{"taskId":"t","pushNotificationConfig":{"url":"u","authentication":{"schemes":["Basic","Bearer"]}}}"#,
    );
    assert_eq!(config.authentication.unwrap().scheme, "Basic");
    let config: TaskPushNotificationConfig = rest(
        r#"{"name":"tasks/t/pushNotificationConfigs/","pushNotificationConfig":{"url":"u","authentication":{"schemes":[]}}}"#,
    );
    assert_eq!(config.id, "");
    assert_eq!(config.authentication, None, "none of no schemes");
}

#[test]
fn a_time_that_cannot_be_read_is_none() {
    let task: Task = rpc(r#"{"id":"t","status":{"state":"working","timestamp":"yesterday"}}"#);
    assert_eq!(task.status.timestamp, None);
}
