//! A binding of one's own is one file: this one, which speaks lines of JSON over a plain connection.
//!
//! A request is `{"operation": …, "params": …}`, a reply one line for each event, each
//! `{"result": …}` or `{"error": …}`. What the operations do is the service's.

use crate::house::{House, message, state};
use agent_core::a2a::{JsonRpcError, limits::MAX_JSON_DEPTH};
use agent_core::json::{Json, check_depth};
use agent_server::{Call, Operation, Portion, Reply, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Deserialize)]
struct Line {
    operation: String,
    params: Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Result(Json),
    Error(JsonRpcError),
}

/// Answers the one request of a connection.
async fn serve(service: &Service, connection: TcpStream) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    (&mut connection).take(1 << 20).read_line(&mut line).await?;
    let mut answers = async |answer: Answer| {
        let mut text = serde_json::to_string(&answer)?;
        text.push('\n');
        connection.write_all(text.as_bytes()).await
    };
    let reply = match asked(&line) {
        Some((operation, params)) => {
            let params = params.get().as_bytes();
            service.perform(&Call::anonymous(), operation, params).await
        }
        None => Err(agent_core::a2a::ErrorCode::InvalidRequest.into()),
    };
    match reply {
        Ok(Reply::Json(result)) => answers(Answer::Result(result)).await,
        Err(error) => answers(Answer::Error((&error).into())).await,
        Ok(Reply::Stream(mut feed)) => loop {
            let Portion { events, end } = feed.next().await;
            for (_, event) in events {
                answers(Answer::Result(event)).await?;
            }
            match end {
                None => {}
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => return answers(Answer::Error((&error).into())).await,
            }
        },
    }
}

fn asked(line: &str) -> Option<(Operation, Json)> {
    check_depth(line.as_bytes(), MAX_JSON_DEPTH).ok()?;
    let line: Line = serde_json::from_str(line).ok()?;
    Some((Operation::of_name(&line.operation)?, line.params))
}

async fn ask(to: std::net::SocketAddr, operation: &str, params: Value) -> Vec<Value> {
    let mut connection = TcpStream::connect(to).await.unwrap();
    let line = json!({ "operation": operation, "params": params });
    connection
        .write_all(format!("{line}\n").as_bytes())
        .await
        .unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).await.unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_binding_of_ones_own_gives_the_same_answers() {
    let house = House::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let service = house.agent.service().clone();
    let serving = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            serve(&service, connection).await.unwrap();
        }
    });

    let events = ask(
        to,
        "SendStreamingMessage",
        json!({ "message": message("hi") }),
    )
    .await;
    let states: Vec<_> = events.iter().map(|event| state(&event["result"])).collect();
    assert_eq!(states, ["WORKING", "", "COMPLETED"], "{events:?}");

    let id = &events[0]["result"]["task"]["id"];
    for (operation, params) in [
        ("GetTask", json!({ "id": id })),
        ("GetTask", json!({ "id": "none" })),
        ("GetTask", json!([])),
        ("CancelTask", json!({ "id": id })),
        ("SubscribeToTask", json!({ "id": id })),
        ("ListTasks", json!({ "pageSize": 0 })),
    ] {
        let ours = ask(to, operation, params.clone()).await;
        let mut theirs = house.rpc(operation, params).await;
        let theirs = theirs.as_object_mut().unwrap();
        theirs.retain(|name, _| name == "result" || name == "error");
        assert_eq!(ours, [Value::from(theirs.clone())], "{operation}");
    }
    let unknown = ask(to, "MakeTea", json!({})).await;
    assert_eq!(unknown[0]["error"]["code"], -32600);
    serving.abort();
}
