//! A2A 0.3, in both dialects.

use agent_core::a2a::v03::{
    Dialect, Spoken, answer_from_v1, answer_into_v1, event_from_v1, hybrid_card, read_card,
    request_from_v1, request_into_v1,
};
use agent_core::a2a::{
    A2aError, AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, ErrorCode,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse, Message, Operation, SendMessageRequest,
    SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task, TaskPushNotificationConfig,
    decode,
};
use agent_core::json::Json;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

const DIALECTS: [Dialect; 2] = [Dialect::JsonRpc, Dialect::Rest];

fn is_the_peers(error: &A2aError) {
    let bad = [
        ErrorCode::ParseError,
        ErrorCode::InvalidParams,
        ErrorCode::UnsupportedOperation,
    ];
    assert!(bad.contains(&error.code()), "{error:?}");
    super::objects::is_sound(error);
}

/// What went through 0.3 once goes through it unchanged from then on.
fn settles<T: Spoken + PartialEq + Debug>(it: &T, dialect: Dialect) {
    let through = |it: &T| -> Result<T, A2aError> {
        let text = it.to_v03(dialect).expect("all of it is plain data");
        T::from_v03(text.get().as_bytes(), dialect)
    };
    // What 1.0 leaves open, such as an empty role, 0.3 may refuse.
    if let Ok(once) = through(it) {
        assert_eq!(through(&once).as_ref(), Ok(&once), "{dialect:?}");
    }
}

fn spoken<T: Spoken + DeserializeOwned + PartialEq + Debug>(json: &[u8]) {
    for dialect in DIALECTS {
        match T::from_v03(json, dialect) {
            Ok(read) => settles(&read, dialect),
            Err(error) => is_the_peers(&error),
        }
        if let Ok(of_v1) = decode::<T>(json) {
            settles(&of_v1, dialect);
        }
    }
}

/// Every object that both versions have.
pub(super) fn objects(json: &[u8]) {
    spoken::<Message>(json);
    spoken::<Task>(json);
    spoken::<StreamResponse>(json);
    spoken::<SendMessageResponse>(json);
    spoken::<SendMessageRequest>(json);
    spoken::<GetTaskRequest>(json);
    spoken::<CancelTaskRequest>(json);
    spoken::<SubscribeToTaskRequest>(json);
    spoken::<TaskPushNotificationConfig>(json);
    spoken::<GetTaskPushNotificationConfigRequest>(json);
    spoken::<DeleteTaskPushNotificationConfigRequest>(json);
    spoken::<ListTaskPushNotificationConfigsRequest>(json);
    spoken::<ListTaskPushNotificationConfigsResponse>(json);
}

/// Every operation, from the side of the server and from that of the client.
pub(super) fn operations(json: &[u8]) {
    let of_v1 = std::str::from_utf8(json).ok().map(Json::from_text);
    let of_v1 = of_v1.and_then(Result::ok);
    for operation in Operation::ALL {
        for dialect in DIALECTS {
            match request_into_v1(operation, json, dialect) {
                // A server must be able to judge what it made of a request.
                Ok(request) => drop(
                    request_from_v1(operation, &request, dialect).expect("what was 0.3 can be 0.3"),
                ),
                Err(error) => is_the_peers(&error),
            }
            match answer_into_v1(operation, json, dialect) {
                Ok(answer) => drop(
                    answer_from_v1(operation, &answer, dialect).expect("what was 0.3 can be 0.3"),
                ),
                Err(error) => is_the_peers(&error),
            }
            if let Some(of_v1) = &of_v1 {
                let _ = request_from_v1(operation, of_v1, dialect).map_err(|e| is_the_peers(&e));
                // What is wrong with an answer of ours is our fault, and is told as that.
                let ours = answer_from_v1(operation, of_v1, dialect).map_err(|e| e.code());
                let ours = ours.err().unwrap_or(ErrorCode::Internal);
                assert!(matches!(
                    ours,
                    ErrorCode::Internal | ErrorCode::UnsupportedOperation
                ));
                for ends in [false, true] {
                    let _ = event_from_v1(of_v1, dialect, ends);
                }
            }
        }
    }
}

/// Cards of 0.3, of 1.0, and of both at once.
pub(super) fn cards(json: &[u8]) {
    let card = match read_card(json) {
        Ok(card) => card,
        Err(error) => return is_the_peers(&error),
    };
    let hybrid = hybrid_card(&card).expect("all of it is plain data");
    let again = read_card(hybrid.get().as_bytes()).expect("our own card");
    let plain = decode::<AgentCard>(hybrid.get().as_bytes()).expect("a card of 1.0");
    assert_eq!(again.supported_interfaces, card.supported_interfaces);
    assert_eq!(plain.supported_interfaces, card.supported_interfaces);
    assert_eq!((&again.name, &again.skills), (&card.name, &card.skills));
}
