//! A running agent: its operations from inside, and its port from outside.

use super::objects::is_sound;
use agent_core::a2a::{A2aError, AgentCard, AgentInterface, ErrorCode, Operation, decode};
use agent_core::skill::{About, Outcome, Skill, SkillContext, Stop};
use agent_server::config::AgentConfig;
use agent_server::{Agent, Call, Feed, Reply, RunningAgent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::Runtime;
use url::Url;

/// Longer than anything that is answered takes, however busy the machine is.
const WAIT: Duration = Duration::from_secs(60);

/// How long a request whose answer may never come is waited for: one that promises a body.
const PATIENCE: Duration = Duration::from_millis(40);

/// The most that comes back: an answer repeats a message, escaped, a few times.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
struct Ask {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Said {
    text: String,
}

struct Echo;

impl Skill for Echo {
    type Input = Ask;
    type Output = Said;

    fn about(&self) -> About {
        About::new("echo", "Says what it is told")
    }

    async fn run(&self, ask: Ask, cx: &mut SkillContext) -> Outcome<Said> {
        let text = match ask.text.as_str() {
            "ask" => cx.ask("which?").await?,
            "fail" => return Err(Stop::failed("it does not work")),
            _ => ask.text,
        };
        Ok(Said { text }.into())
    }
}

/// The agent lives as long as the process, as a fuzzer's does; so it leaves no files behind.
struct House {
    runtime: Runtime,
    agent: RunningAgent,
    address: SocketAddr,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let text = "durability = \"memory\"\nlist_all_tasks = true\n[proxy]\n\
                peers = [\"127.0.0.1\"]\ncard_urls = true\n\
                [limits]\nmemory_tasks = 1000\nmemory_bytes = 16000000\n";
    let config = AgentConfig::parse(text).unwrap();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let agent = Agent::named("fuzz").config(config).sell(Echo);
    let agent = runtime
        .block_on(async { Box::pin(agent.start()).await })
        .unwrap();
    let address = agent.url().socket_addrs(|| None).unwrap()[0];
    House {
        runtime,
        agent,
        address,
    }
});

/// Every operation on the same request. No request is our fault.
pub(super) fn operations(params: &[u8]) {
    let house = &*HOUSE;
    for operation in Operation::ALL {
        let told = house.runtime.block_on(async {
            let call = Call::anonymous();
            let told = house.agent.service().perform(&call, operation, params);
            match tokio::time::timeout(WAIT, Box::pin(told))
                .await
                .expect("an answer in time")
            {
                Ok(Reply::Json(json)) => {
                    assert!(json.get().len() <= ANSWER_BYTES_MAX);
                    Ok(())
                }
                Ok(Reply::Stream(feed)) => drain(feed).await,
                Err(error) => Err(error),
            }
        });
        if let Err(error) = told {
            assert!(
                error.code() != ErrorCode::Internal,
                "{operation:?}: {error:?}"
            );
            is_sound(&error);
        }
    }
}

async fn drain(mut feed: Feed) -> Result<(), A2aError> {
    let mut events = 0;
    loop {
        let portion = tokio::time::timeout(WAIT, feed.next()).await;
        let portion = portion.expect("an event in time");
        events += portion.events.len();
        assert!(events <= 64, "an echo has few events");
        match portion.end {
            Some(end) => return end,
            // A question is not answered here.
            None if events > 0 => return Ok(()),
            None => {}
        }
    }
}

/// One connection's bytes: they are answered or the connection is closed, and the agent goes on.
pub(super) fn front_door(bytes: &[u8]) {
    let answer = talk(bytes);
    let head = answer.get(..5).unwrap_or(&answer);
    let http2 = answer.get(3..9).is_some_and(|kind| kind[0] == 4);
    assert!(
        answer.is_empty() || head == b"HTTP/" || http2,
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
    if head == b"HTTP/" {
        let text = String::from_utf8_lossy(&answer);
        let status = text
            .get(9..12)
            .and_then(|status| status.parse::<u16>().ok());
        let status = status.expect("a status");
        assert!(status != 500, "{text}");
    }
    if answer.is_empty() {
        let health = talk(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close");
        let health = String::from_utf8_lossy(&health);
        assert!(health.ends_with("ok\n"), "{health}");
    }
}

/// What comes back when these bytes, and the end of a head, are sent.
fn talk(bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(HOUSE.address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The agent may close before it has read all.
    let _ = stream
        .write_all(bytes)
        .and_then(|()| stream.write_all(b"\r\n\r\n"));
    let mut answer = Vec::new();
    let mut piece = [0; 8_192];
    let mut patient = true;
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return answer,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                assert!(patient, "neither an answer nor the end of the connection");
                // It waits for more, or for the next request. There is none.
                patient = false;
                stream.set_read_timeout(Some(WAIT)).unwrap();
                let _ = stream.shutdown(Shutdown::Write);
            }
            Err(_) => return answer,
        }
        assert!(answer.len() <= ANSWER_BYTES_MAX, "an answer without end");
    }
}

/// What a trusted proxy says of itself, a header a line, changes the card's URLs to good ones or
/// not at all.
pub(super) fn forwarded(bytes: &[u8]) {
    let names = [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "x-forwarded-for",
    ];
    let text = String::from_utf8_lossy(bytes);
    let mut request =
        "GET /.well-known/agent-card.json HTTP/1.1\r\nhost: a\r\na2a-version: 1.0\r\n\
                       connection: close\r\n"
            .to_owned();
    let printable = |line: &str| -> String {
        let all = line.chars();
        all.filter(|c| matches!(c, ' '..='~')).collect()
    };
    for (name, value) in names.iter().zip(text.lines().map(printable)) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let answer = talk(request.trim_end_matches("\r\n").as_bytes());
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    if !head.starts_with("HTTP/1.1 200 ") {
        return assert!(head.starts_with("HTTP/1.1 4"), "{head}");
    }
    let card: AgentCard = decode(body.as_bytes()).expect("a card");
    assert!(!card.supported_interfaces.is_empty());
    for interface in &card.supported_interfaces {
        // gRPC is reached by host and port alone.
        let url = match interface.protocol_binding == AgentInterface::GRPC {
            true => format!("http://{}", interface.url),
            false => interface.url.clone(),
        };
        let url = Url::parse(&url).expect("a URL");
        assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
        assert_eq!(
            (url.username(), url.password(), url.query(), url.fragment()),
            ("", None, None, None)
        );
        let here = HOUSE.address.ip().to_string();
        let ours = url.host_str() == Some(&here) && url.port() == Some(HOUSE.address.port());
        let host = text.lines().map(printable).next().unwrap_or_default();
        let host = host.to_ascii_lowercase();
        assert!(
            ours || host.contains(url.host_str().unwrap_or("?")),
            "{url}"
        );
    }
}

/// Requests as they stand on the wire.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let message = json!({ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "x" }] });
    let old = json!({ "kind": "message", "messageId": "m", "role": "user", "parts": [{ "kind": "text", "text": "x" }] });
    let rpc = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let of = |method: &str, path: &str, version: &str, body: &str| {
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\na2a-version: {version}\r\n\
             content-type: application/json\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-\
             b7ad6b7169203331-01\r\nlast-event-id: 1\r\na2a-extensions: urn:a, urn:b\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
    };
    let send = json!({ "message": message }).to_string();
    let texts = [
        of(
            "POST",
            "/a2a",
            "1.0",
            &rpc("SendMessage", json!({ "message": message })),
        ),
        of(
            "POST",
            "/a2a",
            "1.0",
            &rpc("SendStreamingMessage", json!({ "message": message })),
        ),
        of(
            "POST",
            "/a2a",
            "1.0",
            &format!("[{}]", rpc("ListTasks", json!({}))),
        ),
        of(
            "POST",
            "/",
            "",
            &rpc("message/send", json!({ "message": old })),
        ),
        of(
            "POST",
            "/",
            "0.3",
            &rpc("message/stream", json!({ "message": old })),
        ),
        of("POST", "/rest/message:send", "1.0", &send),
        of("POST", "/rest/t/message:stream", "1.0", &send),
        of("POST", "/rest/v1/message:send", "", &send),
        of(
            "GET",
            "/rest/tasks?pageSize=1&pageToken=00&status=TASK_STATE_WORKING&historyLength=2",
            "1.0",
            "",
        ),
        of("GET", "/rest/tasks/a%2Fb:subscribe", "1.0", ""),
        of("GET", "/rest/extendedAgentCard?A2A-Version=1.0", "", ""),
        of(
            "DELETE",
            "/rest/tasks/a/pushNotificationConfigs/b",
            "1.0",
            "",
        ),
        of("GET", "/.well-known/agent-card.json", "1.0", ""),
        of("OPTIONS", "*", "1.0", ""),
        "POST /a2a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         2\r\n{}\r\n0\r\n"
            .to_owned(),
    ];
    let mut all: Vec<Vec<u8>> = texts.map(String::into_bytes).to_vec();
    all.push(over_http2());
    all
}

/// A gRPC call: the preface, settings, a head without compression, and one message.
fn over_http2() -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [
            length[1], length[2], length[3], kind, flags, 0, 0, 0, stream,
        ];
        [head.as_slice(), payload].concat()
    };
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/lf.a2a.v1.A2AService/GetTask"),
        (":authority", "a"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    let head: Vec<u8> = head.iter().flat_map(field).collect();
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[]),
        frame(1, 4, 1, &head),
        frame(0, 1, 1, b"\0\0\0\0\x03\x12\x01t"),
    ]
    .concat()
}

/// What a proxy adds to a request.
pub(super) fn forwarded_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "agents.example:8443\nhttps\n/a/b/\n203.0.113.9, 10.0.0.1",
        "[2001:db8::1]:80\nhttp\n\n[2001:db8::1]:443",
        "EXAMPLE.com\n\n/~x/y.z-0_1",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
