//! Every operation over every wire, with its errors.

use crate::shop::{Shop, WIRES, modern, refused, said, says};
use agent_client::call::RemoteAgent;
use agent_core::a2a::{
    CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, ErrorCode,
    GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest,
    ListTasksRequest, Message, SendMessageConfiguration, SendMessageRequest, SendMessageResponse,
    SubscribeToTaskRequest, Task, TaskPushNotificationConfig, TaskState, Version,
};
use std::collections::BTreeSet;

async fn sent(client: &RemoteAgent, request: SendMessageRequest) -> Task {
    match client.send(request).await.unwrap() {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("{message:?}"),
    }
}

/// A task that goes on.
async fn begun(client: &RemoteAgent) -> Task {
    let mut request = says("hold");
    request.configuration = Some(SendMessageConfiguration {
        return_immediately: true,
        ..Default::default()
    });
    sent(client, request).await
}

fn get(id: &str) -> GetTaskRequest {
    GetTaskRequest {
        id: id.to_owned(),
        ..Default::default()
    }
}

fn cancel(id: &str) -> CancelTaskRequest {
    CancelTaskRequest {
        id: id.to_owned(),
        ..Default::default()
    }
}

fn subscribe(id: &str) -> SubscribeToTaskRequest {
    SubscribeToTaskRequest {
        id: id.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_task_is_sent_looked_at_cancelled_and_listened_to() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let task = sent(&client, says("hello")).await;
        assert_eq!(
            (task.status.state, said(&task)),
            (TaskState::Completed, "hello".to_owned())
        );
        let seen = client.get_task(get(&task.id)).await.unwrap();
        assert_eq!((&seen.id, said(&seen)), (&task.id, said(&task)), "{wire}");

        let task = begun(&client).await;
        assert!(!task.status.state.is_terminal());
        let mut events = client.subscribe(subscribe(&task.id)).await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().task_id(), task.id);
        let gone = client.cancel_task(cancel(&task.id)).await.unwrap();
        assert_eq!(gone.status.state, TaskState::Canceled);
        let mut last = None;
        while let Some(event) = events.next().await.unwrap() {
            last = Some(event);
        }
        assert_eq!(
            last.unwrap().status().unwrap().state,
            TaskState::Canceled,
            "{wire}"
        );
    }
}

#[tokio::test]
async fn errors_are_the_same_over_every_wire() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let done = sent(&client, says("hello")).await.id;
        let follow_up = says("more");
        let follow_up = SendMessageRequest {
            message: follow_up.message.for_task(&done),
            ..Default::default()
        };
        let nowhere = SendMessageRequest::new(Message::user("x").for_task("no-such-task"));
        let reasons = [
            client.get_task(get("no-such-task")).await.unwrap_err(),
            client
                .cancel_task(cancel("no-such-task"))
                .await
                .unwrap_err(),
            client.cancel_task(cancel(&done)).await.unwrap_err(),
            refused(client.subscribe(subscribe("no-such-task")).await).await,
            client.send(follow_up.clone()).await.unwrap_err(),
            refused(client.send_streaming(follow_up).await).await,
            client.send(nowhere).await.unwrap_err(),
        ];
        let reasons = reasons.map(|error| error.agent_reason().unwrap());
        assert_eq!(
            reasons,
            [
                ErrorCode::TaskNotFound,
                ErrorCode::TaskNotFound,
                ErrorCode::TaskNotCancelable,
                ErrorCode::TaskNotFound,
                ErrorCode::UnsupportedOperation,
                ErrorCode::UnsupportedOperation,
                ErrorCode::TaskNotFound,
            ],
            "{wire}"
        );
        if wire.version == Version::V1_0 {
            let ended = refused(client.subscribe(subscribe(&done)).await).await;
            assert_eq!(ended.agent_reason(), Some(ErrorCode::UnsupportedOperation));
        }
    }
}

#[tokio::test]
async fn lists_come_page_by_page() {
    let shop = Shop::open().await;
    let client = shop.client(WIRES[0]).await;
    let mut ids = BTreeSet::new();
    for _ in 0..7 {
        ids.insert(sent(&client, says("hello")).await.id);
    }
    for wire in modern() {
        let client = shop.client(wire).await;
        let mut pages = client.task_pages(ListTasksRequest {
            page_size: Some(3),
            status: TaskState::Completed,
            history_length: Some(0),
            include_artifacts: Some(true),
            ..Default::default()
        });
        let (mut listed, mut sizes) = (BTreeSet::new(), Vec::new());
        while let Some(page) = pages.next().await.unwrap() {
            assert_eq!(page.total_size, 7);
            sizes.push(page.tasks.len());
            assert!(
                page.tasks
                    .iter()
                    .all(|task| said(task) == "hello" && task.history.is_empty())
            );
            listed.extend(page.tasks.into_iter().map(|task| task.id));
        }
        assert_eq!((listed, sizes), (ids.clone(), vec![3, 3, 1]), "{wire}");
        assert!(pages.next().await.unwrap().is_none());
        let wrong = ListTasksRequest {
            page_token: "x".to_owned(),
            ..Default::default()
        };
        let error = client.list_tasks(wrong).await.unwrap_err();
        assert_eq!(error.agent_reason(), Some(ErrorCode::InvalidParams));
    }
    for wire in WIRES
        .into_iter()
        .filter(|wire| !modern().any(|known| known == *wire))
    {
        let client = shop.client(wire).await;
        let error = client.list_tasks(Default::default()).await.unwrap_err();
        assert!(error.is_unsent(), "{error}");
    }
}

#[tokio::test]
async fn webhooks_are_made_looked_at_listed_and_removed() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let task_id = sent(&client, says("hello")).await.id;
        let wanted = TaskPushNotificationConfig {
            task_id: task_id.clone(),
            url: "https://example.com/hook".to_owned(),
            token: "t0ken".into(),
            ..Default::default()
        };
        let made = client.create_push_config(wanted).await.unwrap();
        assert!(!made.id.is_empty() && made.url.ends_with("/hook"), "{wire}");
        let id = made.id;
        let one = GetTaskPushNotificationConfigRequest {
            task_id: task_id.clone(),
            id: id.clone(),
            ..Default::default()
        };
        let seen = client.get_push_config(one.clone()).await.unwrap();
        assert_eq!((&seen.id, &seen.task_id), (&id, &task_id), "{wire}");
        let all = ListTaskPushNotificationConfigsRequest {
            task_id: task_id.clone(),
            ..Default::default()
        };
        let listed = client.list_push_configs(all.clone()).await.unwrap();
        assert_eq!(listed.configs.len(), 1, "{wire}");
        let gone = DeleteTaskPushNotificationConfigRequest {
            task_id,
            id,
            ..Default::default()
        };
        client.delete_push_config(gone.clone()).await.unwrap();
        client.delete_push_config(gone).await.unwrap();
        let listed = client.list_push_configs(all).await.unwrap();
        assert!(listed.configs.is_empty(), "{wire}");
        let missing = client.get_push_config(one).await.unwrap_err();
        assert_eq!(
            missing.agent_reason(),
            Some(ErrorCode::TaskNotFound),
            "{wire}"
        );
    }
}

#[tokio::test]
async fn an_agent_without_an_extended_card_says_so_and_the_card_stays() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let error = client.extended_card().await.unwrap_err();
        let reasons = [
            Some(ErrorCode::UnsupportedOperation),
            Some(ErrorCode::ExtendedAgentCardNotConfigured),
        ];
        assert!(reasons.contains(&error.agent_reason()), "{wire} {error:?}");
        assert_eq!(client.card().name, "shop");
    }
}
