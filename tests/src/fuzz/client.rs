//! What a server answers to our client, over every wire, whole and as a stream of events.

use agent_client::call::{Binding, CallError, CallOptions, RemoteAgent};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::{GetTaskRequest, Message, Part, Role, SendMessageRequest, Version};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

const WAIT: Duration = Duration::from_secs(60);

/// A server that answers what it is told to, and agents that believe in it, one for each wire.
struct Fake {
    runtime: Runtime,
    answer: &'static Mutex<Vec<u8>>,
    agents: Vec<RemoteAgent>,
}

const WIRES: [(Binding, Version); 4] = [
    (Binding::JsonRpc, Version::V1_0),
    (Binding::HttpJson, Version::V1_0),
    (Binding::JsonRpc, Version::V0_3),
    (Binding::HttpJson, Version::V0_3),
];

static FAKE: LazyLock<Fake> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answer: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let card = card(&base).to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The client goes when it has read enough.
            let _ = serve(stream, &card, answer);
        }
    });
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
    let connect = |(binding, version)| {
        let options = CallOptions::default().over(binding).in_version(version);
        let options = options.within(WAIT).without_resuming();
        let connecting = RemoteAgent::connect_with(&egress, &base, options);
        runtime.block_on(connecting).expect("a card")
    };
    let agents = WIRES.into_iter().map(connect).collect();
    Fake {
        runtime,
        answer,
        agents,
    }
});

fn card(base: &str) -> Value {
    let interface = |(binding, version): &(Binding, Version)| {
        json!({
            "url": format!("{base}/{}", version.name()), "protocolBinding": binding.name(),
            "protocolVersion": version.name()
        })
    };
    json!({
        "name": "fake", "description": "answers anything", "version": "1",
        "supportedInterfaces": WIRES.iter().map(interface).collect::<Vec<_>>(),
        "capabilities": { "streaming": true },
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        "skills": [{ "id": "s", "name": "s", "description": "s", "tags": [] }],
    })
}

fn serve(mut stream: TcpStream, card: &str, answer: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(WAIT))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    lines.take(length).read_to_end(&mut Vec::new())?;
    let (kind, body) = match head.contains("agent-card") {
        true => ("application/json", card.as_bytes().to_vec()),
        false => {
            let streams = head.contains("accept: text/event-stream");
            let kind = if streams {
                "text/event-stream"
            } else {
                "application/json"
            };
            (kind, answer.lock().unwrap().clone())
        }
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

fn request() -> SendMessageRequest {
    SendMessageRequest {
        message: Message {
            message_id: "m".to_owned(),
            role: Role::User,
            parts: vec![Part::text("x")],
            ..Message::default()
        },
        ..SendMessageRequest::default()
    }
}

/// Whatever is answered, the call ends: with what was answered, or with an error that has a code.
pub(super) fn answers(bytes: &[u8]) {
    let fake = &*FAKE;
    bytes.clone_into(&mut fake.answer.lock().unwrap());
    for agent in &fake.agents {
        let read = async {
            let get = GetTaskRequest {
                id: "t".to_owned(),
                ..GetTaskRequest::default()
            };
            let task = agent.get_task(get).await;
            if let Err(error) = &task {
                is_told(error);
            }
            stream(agent, bytes.len()).await;
        };
        let read = async { tokio::time::timeout(WAIT, read).await };
        fake.runtime.block_on(read).expect("the end of an answer");
    }
}

async fn stream(agent: &RemoteAgent, bytes: usize) {
    let mut events = match agent.send_streaming(request()).await {
        Ok(events) => events,
        Err(error) => return is_told(&error),
    };
    let mut read = 0;
    loop {
        match events.next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => break,
            Err(error) => {
                is_told(&error);
                assert!(
                    matches!(events.next().await, Ok(None)),
                    "over after an error"
                );
                break;
            }
        }
        // The shortest event there is takes as many bytes as `data:{}` and a line break.
        assert!(read <= bytes / 8 + 1, "more events than were sent");
    }
}

fn is_told(error: &CallError) {
    assert!(error.code().contains('.'), "{error:?}");
    let said = error.to_string();
    assert!(said.len() <= 64 * 1024, "an error of {} bytes", said.len());
    assert!(
        !said.chars().any(|c| c.is_control() && c != '\n'),
        "{said:?}"
    );
}

/// Answers and streams in the words of each wire.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let task = json!({
        "id": "t", "contextId": "c",
        "status": { "state": "TASK_STATE_COMPLETED", "timestamp": "2026-11-22T09:00:00Z" },
        "artifacts": [{ "artifactId": "a", "parts": [{ "text": "x" }] }]
    });
    let update = json!({
        "taskId": "t", "contextId": "c", "status": { "state": "TASK_STATE_COMPLETED" }
    });
    let old = json!({
        "kind": "task", "id": "t", "contextId": "c", "status": { "state": "working" },
        "history": [{ "kind": "message", "messageId": "m", "role": "user",
            "parts": [{ "kind": "data", "data": { "a": 1.0 } }] }]
    });
    let old_end = json!({
        "kind": "status-update", "taskId": "t", "contextId": "c", "final": true,
        "status": { "state": "completed" }
    });
    let rpc = |result: &Value| json!({ "jsonrpc": "2.0", "id": 1, "result": result });
    let error = json!({
        "code": -32001, "message": "no", "data": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "TASK_NOT_FOUND",
            "domain": "a2a-protocol.org", "metadata": { "taskId": "t" }
        }]
    });
    let stream = |events: &[Value]| {
        let lines = events.iter().zip(1..);
        lines
            .map(|(event, id)| format!("id: {id}\ndata: {event}\n\n"))
            .collect::<String>()
    };
    [
        task.to_string(),
        rpc(&task).to_string(),
        old.to_string(),
        rpc(&old).to_string(),
        json!({ "jsonrpc": "2.0", "id": 1, "error": error }).to_string(),
        json!({ "error": { "code": 404, "status": "NOT_FOUND", "message": "no", "details": error["data"] } }).to_string(),
        stream(&[json!({ "task": task }), json!({ "statusUpdate": update })]),
        stream(&[rpc(&json!({ "task": task })), rpc(&json!({ "statusUpdate": update }))]),
        stream(&[rpc(&old), rpc(&old_end)]),
        format!("\u{feff}: hello\r\nevent: error\r\ndata: {error}\r\rretry: 1\ndata\n\n"),
    ]
    .map(String::into_bytes)
    .to_vec()
}
