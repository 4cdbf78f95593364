//! What the door lets out and what it takes in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agent_client::egress::{
    AddressClass, Egress, EgressError, EgressPolicy, ExchangeLimits, Lookup, Lookups,
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Every trick by which a URL has been made to reach a neighbour. None may pass a strict policy.
const HOSTILE: &[&str] = &[
    // This machine, in every spelling.
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://①②⑦.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://api.localhost/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://0.0.0.0/",
    "https://0/",
    "https://[::]/",
    "https://[::ffff:0.0.0.0]/",
    // Metadata services.
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://[::ffff:169.254.169.254]/",
    "https://169.254.170.2/v2/credentials",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://[fd00:ec2::254]/",
    // Private and shared networks.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://169.254.0.1/",
    "https://[fc00::1]/",
    "https://[fdff::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    // Translated and tunnelled.
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::808:808]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378::1]/",
    // Multicast, broadcast, documentation, benchmarks, the future.
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://192.0.0.192/",
    "https://192.88.99.1/",
    "https://240.0.0.1/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    // Other schemes, no TLS.
    "http://example.com/",
    "HTTP://example.com/",
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://127.0.0.1:6379/_INFO",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    // Who is the host?
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://exa\tmple.com/",
    "https:///etc/passwd",
    "https:example.com/",
    "https:/example.com/",
    "https:\\\\example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://./",
    "//example.com/",
    "example.com",
    "",
];

#[test]
fn hostile_urls_do_not_pass_a_strict_policy() {
    let egress = Egress::new(EgressPolicy::strict()).unwrap();
    for url in HOSTILE {
        let passed = egress.vet(url);
        assert!(passed.is_err(), "{url:?} passed as {passed:?}");
    }
    assert!(
        egress
            .vet(&format!("https://example.com/{}", "x".repeat(10_000)))
            .is_err()
    );
}

#[test]
fn opening_one_thing_does_not_open_another() {
    let local = Egress::new(EgressPolicy::strict().allow_loopback().allow_private()).unwrap();
    let opened = [
        "127.",
        "localhost",
        "[::1]",
        "10.0",
        "172.",
        "192.168",
        "[fc00",
        "[fdff",
    ];
    let v4_forms = [
        "2130706433",
        "0x7f",
        "0177",
        "①",
        "LOCALHOST",
        "7f00:1]",
        "0:0:0:1]",
    ];
    for url in HOSTILE {
        let host = url.trim_start_matches("https://");
        let may = opened
            .iter()
            .chain(&v4_forms)
            .any(|part| host.contains(part))
            && !host.contains("64:ff9b")
            && !host.contains("2002:");
        if local.vet(url).is_ok() {
            assert!(may, "{url:?} passed");
        }
    }
    for url in [
        "https://169.254.169.254/",
        "https://[fd00:ec2::254]/",
        "http://example.com/",
    ] {
        assert!(local.vet(url).is_err(), "{url} passed");
    }
    for url in [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://10.0.0.1/",
        "http://[::1]/",
    ] {
        assert!(local.vet(url).is_ok(), "{url} is refused");
    }
    let named = Egress::new(EgressPolicy::strict().allow_plain_http("RPC.Example.")).unwrap();
    assert!(named.vet("http://rpc.example./").is_ok());
    assert!(named.vet("http://rpc.example.com/").is_err());
}

#[test]
fn honest_urls_pass_and_are_normalised() {
    let egress = Egress::new(EgressPolicy::strict()).unwrap();
    let cases = [
        ("https://example.com", "https://example.com/"),
        (
            "https://EXAMPLE.com./card.json#top",
            "https://example.com/card.json",
        ),
        (
            "https://example.com:8443/a?b=c",
            "https://example.com:8443/a?b=c",
        ),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ];
    for (url, normal) in cases {
        assert_eq!(egress.vet(url).unwrap().as_str(), normal);
    }
}

#[test]
fn addresses_are_classed() {
    let cases = [
        ("1.1.1.1", AddressClass::Public),
        ("172.15.0.1", AddressClass::Public),
        ("172.32.0.1", AddressClass::Public),
        ("100.63.255.255", AddressClass::Public),
        ("100.128.0.1", AddressClass::Public),
        ("::ffff:1.1.1.1", AddressClass::Public),
        ("2a00::1", AddressClass::Public),
        ("::ffff:10.0.0.1", AddressClass::Private),
        ("::ffff:169.254.169.254", AddressClass::Metadata),
        ("64:ff9b::1", AddressClass::Translated),
        ("4000::1", AddressClass::Reserved),
        ("fe80::1", AddressClass::LinkLocal),
    ];
    for (address, class) in cases {
        assert_eq!(
            AddressClass::of(address.parse().unwrap()),
            class,
            "{address}"
        );
    }
}

/// Answers each question with the next of its answers.
#[derive(Debug)]
struct Fickle {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Fickle {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers
            .iter()
            .rev()
            .map(|answer| {
                answer
                    .iter()
                    .map(|address| address.parse().unwrap())
                    .collect()
            })
            .collect();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Lookup for Fickle {
    fn lookup(&self, _: &str) -> Lookups {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop();
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no more answers")) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_points_inside_is_refused_however_often_it_changes() {
    for inside in [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "fd00::1",
    ] {
        let lookup = Fickle::new(&[&[inside], &[inside, "0.0.0.0"]]);
        let egress = Egress::with_lookup(EgressPolicy::strict(), lookup).unwrap();
        for _ in 0..2 {
            let refused = egress
                .get("https://rebind.example/", quick())
                .await
                .unwrap_err();
            assert_eq!(refused.code(), "egress.forbidden_address", "{refused:?}");
            assert!(refused.is_unsent());
        }
        let nowhere = egress
            .get("https://rebind.example/", quick())
            .await
            .unwrap_err();
        assert_eq!(nowhere.code(), "egress.unresolved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebinding_name_is_asked_once_per_connection_and_never_reaches_inside() {
    // The classic: the first answer passes the check, the second is meant for the connection.
    let (server, hits) = serve("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let lookup = Fickle::new(&[&["203.0.113.9", "240.0.0.1"], &["127.0.0.1"]]);
    let policy = EgressPolicy::strict().allow_plain_http("rebind.example");
    let shared: Arc<dyn Lookup> = lookup.clone();
    let egress = Egress::with_lookup(policy, shared).unwrap();
    let url = format!("http://rebind.example:{}/", server.port());
    for asked in 1..=2 {
        let refused = egress.get(&url, quick()).await.unwrap_err();
        assert_eq!(refused.code(), "egress.forbidden_address");
        assert_eq!(lookup.asked.load(Ordering::SeqCst), asked);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_addresses_only_the_allowed_are_tried() {
    let (server, hits) = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let lookup = Fickle::new(&[&["169.254.169.254", "127.0.0.1"]]);
    let policy = EgressPolicy::strict()
        .allow_loopback()
        .allow_plain_http("mixed.example");
    let egress = Egress::with_lookup(policy, lookup).unwrap();
    let url = format!("http://mixed.example:{}/", server.port());
    let response = egress.get(&url, quick()).await.unwrap();
    assert_eq!(
        response.json::<serde_json::Value>().unwrap(),
        serde_json::json!({})
    );
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let (inside, inside_hits) = serve("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let (server, _) = serve(&format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{inside}/\r\ncontent-length: 0\r\n\r\n"
    ))
    .await;
    let response = local()
        .get(&format!("http://{server}/"), quick())
        .await
        .unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(inside_hits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_capped_announced_or_not() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nx";
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
        format!("64\r\n{}\r\n", "x".repeat(100)).repeat(50)
    );
    for answer in [announced, &chunked] {
        let (server, _) = serve(answer).await;
        let limits = quick().at_most(1_000);
        let refused = local()
            .get(&format!("http://{server}/"), limits)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, EgressError::TooLarge { max: 1_000 }),
            "{refused:?}"
        );
    }
    let exact = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}",
        "x".repeat(1_000)
    );
    let (server, _) = serve(&exact).await;
    let response = local()
        .get(&format!("http://{server}/"), quick().at_most(1_000))
        .await;
    assert_eq!(response.unwrap().bytes.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_peers_are_given_up() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
    ] {
        let (server, _) = serve(answer).await;
        let limits = quick().within(Duration::from_millis(200));
        let late = local()
            .get(&format!("http://{server}/"), limits)
            .await
            .unwrap_err();
        assert!(matches!(late, EgressError::Timeout), "{late:?}");
        assert!(!late.is_unsent());
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = local()
        .get(&format!("http://{closed}/"), quick())
        .await
        .unwrap_err();
    assert!(
        matches!(nobody, EgressError::Connect(_)) && nobody.is_unsent(),
        "{nobody:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_arrives_in_pieces_and_ends_when_it_falls_silent() {
    let (server, _) = serve(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
         9\r\ndata: 1\n\n\r\n",
    )
    .await;
    let limits = ExchangeLimits {
        idle: Duration::from_millis(200),
        ..ExchangeLimits::stream()
    };
    let url = format!("http://{server}/");
    let mut stream = local()
        .send_stream(
            Method::POST,
            &url,
            HeaderMap::new(),
            Bytes::from("{}"),
            limits,
        )
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 1\n\n");
    assert!(matches!(
        stream.next().await.unwrap_err(),
        EgressError::Idle
    ));

    let mut small = local()
        .send_stream(
            Method::POST,
            &url,
            HeaderMap::new(),
            Bytes::new(),
            limits.at_most(3),
        )
        .await
        .unwrap();
    assert!(matches!(
        small.next().await.unwrap_err(),
        EgressError::TooLarge { max: 3 }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_carries_its_body_and_errors_carry_no_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let seen = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let length = peer.read(&mut request).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let mut headers = HeaderMap::new();
    headers.insert("a2a-version", "1.0".parse().unwrap());
    let url = format!("http://{server}/secret-path?key=secret");
    let body = Bytes::from(r#"{"a":1}"#);
    let broken = local()
        .post_json(&url, headers, body, quick())
        .await
        .unwrap_err();
    assert!(
        !format!("{broken:?} {broken}").contains("secret"),
        "{broken:?}"
    );
    assert!(!broken.is_unsent());
    let seen = seen.await.unwrap().to_ascii_lowercase();
    for part in [
        "content-type: application/json",
        "a2a-version: 1.0",
        r#"{"a":1}"#,
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_not_is_an_error() {
    let deep = "[".repeat(10_000);
    for body in ["{", "not json", deep.as_str()] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (server, _) = serve(&answer).await;
        let response = local()
            .get(&format!("http://{server}/"), quick())
            .await
            .unwrap();
        let bad = response.json::<serde_json::Value>().unwrap_err();
        assert_eq!(bad.code(), "egress.bad_json");
    }
}

#[test]
fn plain_http_anywhere_opens_no_address() {
    let egress = Egress::new(EgressPolicy::strict().allow_plain_http_anywhere()).unwrap();
    assert!(egress.vet("http://example.com/").is_ok());
    for url in HOSTILE {
        let plain = url.replacen("https://", "http://", 1);
        let public = plain.eq_ignore_ascii_case("http://example.com/");
        assert_eq!(egress.vet(&plain).is_ok(), public, "{plain}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_one_who_is_told_something_the_head_of_the_answer_is_enough() {
    let limits = ExchangeLimits {
        idle: Duration::from_millis(50),
        ..quick().at_most(100)
    };
    for answer in [
        "HTTP/1.1 202 Accepted\r\nx-a: b\r\ncontent-length: 0\r\n\r\n",
        // More than is read, less than is announced, and an end that never comes.
        "HTTP/1.1 202 Accepted\r\nx-a: b\r\ncontent-length: 9999999999\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nx-a: b\r\ncontent-length: 9\r\n\r\nab",
        "HTTP/1.1 202 Accepted\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\nnonsense",
    ] {
        let (server, _) = serve(answer).await;
        let url = format!("http://{server}/");
        let head = local()
            .tell(&url, HeaderMap::new(), Bytes::from("{}"), limits)
            .await
            .unwrap();
        assert_eq!(head.status, 202, "{answer}");
        assert_eq!(head.headers["x-a"], "b");
    }
    let (server, hits) =
        serve("HTTP/1.1 307 No\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("http://{server}/");
    let head = local()
        .tell(&url, HeaderMap::new(), Bytes::from("{}"), limits)
        .await
        .unwrap();
    assert_eq!(head.status, 307);
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

fn local() -> Egress {
    Egress::new(EgressPolicy::strict().allow_loopback()).unwrap()
}

fn quick() -> ExchangeLimits {
    ExchangeLimits::default().within(Duration::from_secs(5))
}

/// Answers every connection with the same bytes and then keeps it open; counts connections.
async fn serve(answer: &str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hits = Arc::new(AtomicUsize::new(0));
    let (answer, counter) = (answer.as_bytes().to_vec(), Arc::clone(&hits));
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                drop(peer.read(&mut request).await);
                drop(peer.write_all(&answer).await);
                tokio::time::sleep(Duration::from_secs(30)).await;
            });
        }
    });
    (address, hits)
}
