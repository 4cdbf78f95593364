//! Servers that lie, pour, drip and never end, against our client.
//!
//! What a wrong answer of ordinary size leads to is tested with the client itself.

use crate::shop::says;
use agent_client::call::{Binding, CallError, CallOptions, RemoteAgent};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::GetTaskRequest;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server says to everybody.
#[derive(Clone)]
struct Words {
    first: Vec<u8>,
    /// Said after it, again and again.
    then: Vec<u8>,
    /// How long it rests between two times.
    pause: Duration,
}

/// Says it to whoever asks for anything but a card, or for that too.
struct Villain {
    url: String,
    said: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

impl Villain {
    async fn open(with_card: bool, words: Words) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (said, asked) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let villain = Self {
            url: url.clone(),
            said: Arc::clone(&said),
            asked: Arc::clone(&asked),
        };
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (words, url) = (words.clone(), url.clone());
                let (said, asked) = (Arc::clone(&said), Arc::clone(&asked));
                tokio::spawn(async move {
                    let request = head(&mut socket).await;
                    asked.fetch_add(1, Ordering::SeqCst);
                    if with_card && request.contains("agent-card.json") {
                        let card = card(&url).to_string();
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                             connection: close\r\ncontent-length: {}\r\n\r\n{card}",
                            card.len()
                        );
                        let _ = socket.write_all(answer.as_bytes()).await;
                        return;
                    }
                    let mut next = &words.first;
                    while socket.write_all(next).await.is_ok() {
                        said.fetch_add(next.len(), Ordering::SeqCst);
                        next = &words.then;
                        if next.is_empty() {
                            break;
                        }
                        if !words.pause.is_zero() {
                            tokio::time::sleep(words.pause).await;
                        }
                    }
                });
            }
        });
        villain
    }

    async fn pours(with_card: bool, first: &str, then: &[u8]) -> Self {
        let words = Words {
            first: first.as_bytes().to_vec(),
            then: then.repeat(65_536 / then.len().max(1)),
            pause: Duration::ZERO,
        };
        Self::open(with_card, words).await
    }

    async fn client(&self, binding: Binding) -> Result<RemoteAgent, CallError> {
        let options = CallOptions::default().over(binding);
        RemoteAgent::connect_with(&egress(), &self.url, options).await
    }
}

/// A request's head, whatever body comes after it.
async fn head(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut piece = [0; 4_096];
        match socket.read(&mut piece).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&bytes).to_ascii_lowercase()
}

fn egress() -> Egress {
    Egress::new(EgressPolicy::strict().allow_loopback()).unwrap()
}

fn card(url: &str) -> Value {
    let interface =
        |binding: &str| json!({ "url": url, "protocolBinding": binding, "protocolVersion": "1.0" });
    json!({
        "name": "villain", "description": "means no good", "version": "1",
        "supportedInterfaces": [interface("JSONRPC"), interface("HTTP+JSON"), interface("GRPC")],
        "capabilities": { "streaming": true },
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        "skills": [{ "id": "s", "name": "s", "description": "s", "tags": [] }],
    })
}

fn task() -> GetTaskRequest {
    GetTaskRequest {
        id: "t".to_owned(),
        ..GetTaskRequest::default()
    }
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// What may be on its way when the client hangs up: the buffers of the system at both ends.
const ON_ITS_WAY: usize = 24 * 1_024 * 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_of_a_gigabyte_is_not_taken() {
    for length in [
        "content-length: 1000000000\r\n\r\n",
        // Until the server hangs up, which it does not.
        "\r\n",
        "transfer-encoding: chunked\r\n\r\n3b9aca00\r\n",
    ] {
        let villain = Villain::pours(false, &format!("{HEAD}{length}"), b" ").await;
        let refused = villain.client(Binding::JsonRpc).await.unwrap_err();
        assert_eq!(refused.code(), "egress.too_large", "{length}");
        assert!(villain.said.load(Ordering::SeqCst) < ON_ITS_WAY);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_do_not_end_and_streams_without_an_event_are_given_up() {
    for binding in [Binding::JsonRpc, Binding::HttpJson] {
        let villain = Villain::pours(true, "HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n").await;
        let client = villain.client(binding).await.unwrap();
        let error = client.send(says("x")).await.unwrap_err();
        assert_eq!(error.code(), "egress.broken", "{error:?}");
        assert!(villain.said.load(Ordering::SeqCst) < ON_ITS_WAY);

        let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ";
        let villain = Villain::pours(true, events, b"x").await;
        let client = villain.client(binding).await.unwrap();
        let mut stream = client.send_streaming(says("x")).await.unwrap();
        let error = stream.next().await.unwrap_err();
        assert_eq!(error.code(), "call.malformed_answer", "{error:?}");
        drop(stream);
        assert!(villain.said.load(Ordering::SeqCst) < ON_ITS_WAY);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_without_end_are_one_answer_that_is_not_well() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: /again\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        );
        let villain = Villain::pours(false, &redirect, b"").await;
        let refused = villain.client(Binding::JsonRpc).await.unwrap_err();
        assert_eq!(refused.code(), "call.http_status", "{refused:?}");
        assert_eq!(villain.asked.load(Ordering::SeqCst), 1);

        let villain = Villain::pours(true, &redirect, b"").await;
        for (asked, binding) in [(2, Binding::JsonRpc), (4, Binding::HttpJson)] {
            let client = villain.client(binding).await.unwrap();
            let refused = client.send(says("x")).await.unwrap_err();
            assert_eq!(refused.code(), "call.http_status", "{refused:?}");
            assert_eq!(villain.asked.load(Ordering::SeqCst), asked);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_byte_at_a_time_is_not_waited_for_to_the_end() {
    for first in ["H", &format!("{HEAD}content-length: 100000\r\n\r\n{{")] {
        let words = Words {
            first: first.as_bytes().to_vec(),
            then: b" ".to_vec(),
            pause: Duration::from_millis(20),
        };
        let villain = Villain::open(true, words).await;
        for binding in [Binding::JsonRpc, Binding::HttpJson] {
            let client = villain.client(binding).await.unwrap();
            let hasty = client.with_options(|options| options.within(Duration::from_millis(200)));
            let error = hasty.send(says("x")).await.unwrap_err();
            assert!(
                ["egress.timeout", "egress.broken"].contains(&error.code()),
                "{error:?}"
            );
            assert!(error.is_lost(), "it may have arrived");
        }
    }
}

/// The text in the form of gzip, in one stored block.
fn gzipped(text: &[u8]) -> Vec<u8> {
    let crc = text.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    let length = u16::try_from(text.len()).unwrap();
    [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1],
        length.to_le_bytes().as_slice(),
        &(!length).to_le_bytes(),
        text,
        &(!crc).to_le_bytes(),
        &u32::from(length).to_le_bytes(),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_unpacked() {
    let heads = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let packed = gzipped(card("http://127.0.0.1:9").to_string().as_bytes());
    let router = Router::new().fallback(move |headers: HeaderMap| {
        seen.lock().unwrap().push(headers);
        let packed = packed.clone();
        async move {
            let kind = [
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ];
            (kind, packed).into_response()
        }
    });
    let url = serve(router).await;
    let refused = RemoteAgent::connect(&egress(), &url).await.unwrap_err();
    assert_eq!(refused.code(), "call.bad_card", "{refused:?}");
    for headers in heads.lock().unwrap().iter() {
        assert!(!headers.contains_key("accept-encoding"), "{headers:?}");
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// How a server of gRPC answers: the pieces of its body, and its trailers if it has some.
type Answer = fn() -> (Vec<Bytes>, bool, Option<&'static str>);

/// A client of a server of gRPC that answers so.
async fn grpc(answer: Answer) -> RemoteAgent {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let card = card(&url).to_string();
    let router = Router::new().fallback(move |uri: axum::http::Uri| {
        let card = card.clone();
        async move {
            if uri.path().contains("agent-card") {
                return ([("content-type", "application/json")], card).into_response();
            }
            let (pieces, endless, status) = answer();
            let last = pieces.last().cloned();
            let more = last.filter(|_| endless).map(stream::repeat);
            let pieces = stream::iter(pieces);
            let body = match more {
                None => {
                    Body::from_stream(futures_util::StreamExt::map(pieces, Ok::<_, Infallible>))
                }
                Some(more) => {
                    let all = futures_util::StreamExt::chain(pieces, more);
                    Body::from_stream(futures_util::StreamExt::map(all, Ok::<_, Infallible>))
                }
            };
            let mut answer = Response::builder().header("content-type", "application/grpc");
            // A status among the headers is for those who have no trailers.
            if let Some(status) = status {
                answer = answer.header("grpc-status", status);
            }
            answer.body(body).unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let options = CallOptions::default().over(Binding::Grpc);
    let client = RemoteAgent::connect_with(&egress(), &url, options).await;
    client.unwrap()
}

fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat().into()
}

/// A task of that id that has ended, in Protocol Buffers.
fn done(id: &str) -> Vec<u8> {
    let schema = agent_core::a2a::proto::response_of(agent_core::a2a::Operation::GetTask);
    let task = json!({ "id": id, "contextId": "c", "status": { "state": "TASK_STATE_COMPLETED" } });
    schema.encode(&task.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_grpc_cannot_answer_is_refused() {
    let answers: [(&str, Answer, &str); 10] = [
        ("well", || (vec![frame(&done("t"))], false, Some("0")), ""),
        (
            "another task",
            || (vec![frame(&done("other"))], false, Some("0")),
            "call.malformed_answer",
        ),
        (
            "two answers",
            || (vec![frame(&done("t")), frame(&done("t"))], false, Some("0")),
            "call.malformed_answer",
        ),
        (
            "an answer and a half",
            || {
                let half = frame(&done("t")).slice(..8);
                (vec![frame(&done("t")), half], false, Some("0"))
            },
            "call.malformed_answer",
        ),
        (
            "no answer",
            || (Vec::new(), false, Some("0")),
            "call.malformed_answer",
        ),
        (
            "no status",
            || (vec![frame(&done("t"))], false, None),
            "egress.broken",
        ),
        (
            "four gigabytes",
            || {
                (
                    vec![Bytes::from_static(b"\x00\xff\xff\xff\xff")],
                    false,
                    Some("0"),
                )
            },
            "call.malformed_answer",
        ),
        (
            "compressed",
            || {
                (
                    vec![Bytes::from_static(b"\x01\x00\x00\x00\x01x")],
                    false,
                    Some("0"),
                )
            },
            "call.malformed_answer",
        ),
        (
            "no Protocol Buffers, deep",
            || (vec![frame(&[0x7b; 1_000_000])], false, Some("0")),
            "call.malformed_answer",
        ),
        (
            "no end",
            || {
                (
                    vec![frame(&done("t")), frame(&[0; 65_536])],
                    true,
                    Some("0"),
                )
            },
            "egress.too_large",
        ),
    ];
    for (what, answer, code) in answers {
        let client = grpc(answer).await;
        // A question that is repeated is one that may be.
        let once = client.with_options(|options| options.within(Duration::from_secs(20)));
        let told = once.get_task(task()).await;
        let told = told.map(|_| "").map_err(|error| error.code());
        assert_eq!(told.unwrap_or_else(|code| code), code, "{what}");
    }
}
