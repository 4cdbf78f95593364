//! Whose signature under a card counts, and how often a card is fetched.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use agent_client::call::{
    CallError, CallOptions, CardStanding, CardTrust, KeyFrom, RemoteAgent, SignatureMode,
};
use agent_client::egress::Egress;
use agent_core::a2a::AgentCard;
use agent_core::a2a::signing::{Algorithm, CardForm, CardSigner, Jwk, SigningKey};
use agent_core::clock::ManualClock;
use call_fake::{Fake, Reply, card, egress};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn signer(seed: u8, jku: Option<String>) -> CardSigner {
    let key = SigningKey::from_seed(Algorithm::Es256, [seed; 32]).unwrap();
    CardSigner::new(key, Some("k")).unwrap().with_jku(jku)
}

fn signed(base: &str, signer: &CardSigner) -> Value {
    let mut card: AgentCard = serde_json::from_value(card(base)).unwrap();
    signer.sign_into(&mut card).unwrap();
    serde_json::to_value(card).unwrap()
}

async fn connect(url: &str, trust: CardTrust) -> Result<RemoteAgent, CallError> {
    RemoteAgent::connect_with(&egress(), url, CallOptions::default().trusting(trust)).await
}

fn require(key: Jwk) -> CardTrust {
    CardTrust::new(SignatureMode::Require).pin(key, [])
}

#[tokio::test]
async fn a_pinned_key_decides() {
    let fake = Fake::start(|base, _| Reply::Json(200, signed(base, &signer(3, None)).to_string()));
    let fake = fake.await;
    let (ours, other) = (signer(3, None).public(), signer(4, None).public());

    let remote = connect(&fake.url, require(ours.clone())).await.unwrap();
    assert_eq!(
        remote.card_standing(),
        &CardStanding::Signed {
            kid: "k".to_owned(),
            algorithm: "ES256",
            form: CardForm::Received,
            key_from: KeyFrom::Pinned,
        }
    );
    let shown = remote.card_standing().to_string();
    assert_eq!(shown, "signed by kid k (ES256), key pinned");

    // Another key under that name: wrong in both modes, of no interest in the third.
    for mode in [SignatureMode::Require, SignatureMode::VerifyIfSigned] {
        let trust = CardTrust::new(mode).pin(other.clone(), []);
        let error = connect(&fake.url, trust).await.unwrap_err();
        assert_eq!(error.code(), "call.card_signature");
        assert!(
            error.to_string().contains("not a signature of key k"),
            "{error}"
        );
    }
    let ignoring = CardTrust::new(SignatureMode::Ignore).pin(other.clone(), []);
    let remote = connect(&fake.url, ignoring).await.unwrap();
    assert_eq!(remote.card_standing(), &CardStanding::NotChecked);

    // A key for other hosts is no key here.
    let elsewhere = ["seller.example".to_owned()];
    let trust = CardTrust::new(SignatureMode::VerifyIfSigned).pin(ours.clone(), elsewhere.clone());
    let remote = connect(&fake.url, trust).await.unwrap();
    let standing = remote.card_standing();
    assert!(
        matches!(standing, CardStanding::SignedByStrangers(_)),
        "{standing}"
    );
    let trust = CardTrust::new(SignatureMode::Require).pin(ours.clone(), elsewhere);
    assert!(connect(&fake.url, trust).await.is_err());
    let here = fake.url.trim_start_matches("http://").to_owned();
    let trust = CardTrust::new(SignatureMode::Require).pin(ours, [here]);
    assert!(connect(&fake.url, trust).await.is_ok());
}

#[tokio::test]
async fn a_card_without_signatures_is_refused_only_where_one_is_required() {
    let fake = Fake::agent(|_| Reply::Close).await;
    let remote = connect(&fake.url, CardTrust::default()).await.unwrap();
    assert_eq!(remote.card_standing(), &CardStanding::Unsigned);
    let refused = connect(&fake.url, require(signer(3, None).public())).await;
    assert_eq!(refused.unwrap_err().code(), "call.card_signature");
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_noticed() {
    let fake = Fake::start(|base, _| {
        let mut card = signed(base, &signer(3, None));
        card["supportedInterfaces"][2]["tenant"] = json!("t-2");
        Reply::Json(200, card.to_string())
    })
    .await;
    let refused = connect(&fake.url, require(signer(3, None).public())).await;
    assert_eq!(refused.unwrap_err().code(), "call.card_signature");
}

/// The words of 0.3 beside a signed card are anybody's.
#[tokio::test]
async fn what_is_not_signed_is_not_read_from_a_signed_card() {
    let unsigned_security = |card: &AgentCard| card.security_requirements.len();
    let fake = Fake::start(|base, _| {
        let mut card = signed(base, &signer(3, None));
        card["security"] = json!([{"bearer": []}]);
        card["url"] = json!("https://elsewhere.example/");
        Reply::Json(200, card.to_string())
    })
    .await;
    let remote = connect(&fake.url, require(signer(3, None).public()))
        .await
        .unwrap();
    assert_eq!(unsigned_security(&remote.card()), 0);
    let CardStanding::Signed { form, .. } = remote.card_standing() else {
        panic!()
    };
    assert_eq!(*form, CardForm::Specified);
    // Unchecked, they are read as before.
    let remote = connect(&fake.url, CardTrust::default()).await.unwrap();
    assert_eq!(unsigned_security(&remote.card()), 1);
}

/// An agent that serves its own key set, as `jku` says.
async fn with_jku(jwks: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Fake {
    Fake::start(move |base, seen| {
        let jku = format!("{base}/.well-known/jwks.json");
        match seen.path.as_str() {
            "/.well-known/jwks.json" => jwks(base),
            _ => Reply::Json(200, signed(base, &signer(3, Some(jku))).to_string()),
        }
    })
    .await
}

#[tokio::test]
async fn a_key_set_counts_when_its_host_is_listed() {
    let set = |_: &str| Reply::Json(200, serde_json::to_string(&signer(3, None).jwks()).unwrap());
    let fake = with_jku(set).await;
    let host = fake.url.trim_start_matches("http://").to_owned();
    let jku = format!("{}/.well-known/jwks.json", fake.url);

    let trust = CardTrust::new(SignatureMode::Require).jku_host(&host);
    let remote = connect(&fake.url, trust).await.unwrap();
    let CardStanding::Signed { key_from, .. } = remote.card_standing() else {
        panic!()
    };
    assert_eq!(*key_from, KeyFrom::Jku(jku.clone()));

    // Any other host is not even asked.
    let before = fake.seen().len();
    let trust = CardTrust::new(SignatureMode::Require).jku_host("keys.example");
    let error = connect(&fake.url, trust).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not one whose key sets are trusted"),
        "{error}"
    );
    let asked: Vec<_> = fake.seen()[before..]
        .iter()
        .map(|seen| seen.path.clone())
        .collect();
    assert_eq!(asked, ["/.well-known/agent-card.json"]);
}

#[tokio::test]
async fn key_sets_that_cannot_be_used_are_not() {
    let other = serde_json::to_string(&signer(4, None).jwks()).unwrap();
    let huge = format!("{{\"keys\":[{}]}}", " ".repeat(64 * 1_024));
    let many = json!({"keys": vec![signer(3, None).public(); 65]}).to_string();
    for (set, broken) in [
        (other, true),
        (huge, false),
        (many, false),
        ("[]".to_owned(), false),
    ] {
        let fake = with_jku(move |_| Reply::Json(200, set.clone())).await;
        let host = fake.url.trim_start_matches("http://").to_owned();
        let trust = CardTrust::new(SignatureMode::Require).jku_host(&host);
        let error = connect(&fake.url, trust).await.unwrap_err();
        assert_eq!(error.code(), "call.card_signature");
        // Where no signature is required, only a wrong one matters.
        let trust = CardTrust::new(SignatureMode::VerifyIfSigned).jku_host(&host);
        assert_eq!(connect(&fake.url, trust).await.is_err(), broken);
    }
}

#[tokio::test]
async fn a_key_counts_until_it_expires() {
    let fake = Fake::start(|base, _| Reply::Json(200, signed(base, &signer(3, None)).to_string()));
    let fake = fake.await;
    let mut key = serde_json::to_value(signer(3, None).public()).unwrap();
    key["exp"] = json!(1_000);
    let clock = Arc::new(ManualClock::at_unix_secs(999));
    let trust = require(serde_json::from_value(key).unwrap()).clock(clock.clone());
    assert!(connect(&fake.url, trust.clone()).await.is_ok());
    clock.set_unix_secs(1_000);
    let error = connect(&fake.url, trust).await.unwrap_err();
    assert!(
        error.to_string().contains("not valid at this time"),
        "{error}"
    );
}

/// A server that answers each request with the next of these, and keeps what was asked.
struct Script {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn start(answers: Vec<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, base) = (Arc::clone(&asked), url.clone());
        let mut answers = VecDeque::from(answers);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = [0; 4_096];
                let read = socket.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..read]).to_ascii_lowercase();
                log.lock().unwrap().push(head);
                let Some((status, headers)) = answers.pop_front() else {
                    continue;
                };
                let body = if status == 304 {
                    String::new()
                } else {
                    card(&base).to_string()
                };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
                    body.len()
                );
                socket.write_all(head.as_bytes()).await.unwrap();
                socket.write_all(body.as_bytes()).await.unwrap();
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn last(&self) -> String {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

fn aging(clock: &Arc<ManualClock>) -> Egress {
    egress().with_clock(clock.clone())
}

#[tokio::test]
async fn a_card_is_fetched_once_while_it_is_fresh_and_then_asked_about() {
    let script = Script::start(vec![
        (
            200,
            "cache-control: public, max-age=60\r\netag: \"one\"\r\n",
        ),
        (304, "cache-control: max-age=60\r\netag: \"one\"\r\n"),
        (200, "cache-control: no-store\r\n"),
        (200, ""),
    ])
    .await;
    let clock = Arc::new(ManualClock::at_unix_secs(100));
    let egress = aging(&clock);
    let connect = || async {
        let remote = RemoteAgent::connect(&egress.clone(), &script.url).await;
        assert_eq!(remote.unwrap().card().name, "fake");
    };
    for at in [100, 130, 159] {
        clock.set_unix_secs(at);
        connect().await;
    }
    assert_eq!(script.asked(), 1);
    assert!(script.last().contains("a2a-version: 1.0"));
    assert!(!script.last().contains("if-none-match"));

    clock.set_unix_secs(160);
    connect().await;
    assert_eq!(script.asked(), 2);
    assert!(script.last().contains("if-none-match: \"one\""));
    clock.set_unix_secs(219);
    connect().await;
    assert_eq!(
        script.asked(),
        2,
        "the answer that nothing changed made it fresh again"
    );

    clock.set_unix_secs(220);
    connect().await;
    connect().await;
    assert_eq!(script.asked(), 4, "what must not be kept is not");
    assert!(!script.last().contains("if-none-match"));
}

#[tokio::test]
async fn another_buyer_asks_for_itself() {
    let answer = (200, "cache-control: max-age=60\r\n");
    let script = Script::start(vec![answer, answer]).await;
    for _ in 0..2 {
        RemoteAgent::connect(&egress(), &script.url).await.unwrap();
    }
    assert_eq!(script.asked(), 2);
}

#[tokio::test]
async fn an_old_card_serves_while_its_server_is_down_only_if_that_was_allowed() {
    let allowed = "cache-control: max-age=60, stale-if-error=600\r\n";
    for (headers, served) in [(allowed, true), ("cache-control: max-age=60\r\n", false)] {
        let script = Script::start(vec![(200, headers), (503, ""), (503, ""), (404, "")]).await;
        let clock = Arc::new(ManualClock::at_unix_secs(100));
        let egress = aging(&clock);
        RemoteAgent::connect(&egress, &script.url).await.unwrap();
        clock.set_unix_secs(700);
        let again = RemoteAgent::connect(&egress, &script.url).await;
        assert_eq!(again.is_ok(), served, "{headers}");
        assert_eq!(
            script.asked(),
            3,
            "asked, and asked once more before giving up"
        );
        // A card that is gone is gone, and not remembered either.
        let gone = RemoteAgent::connect(&egress, &script.url)
            .await
            .unwrap_err();
        assert!(matches!(gone, CallError::Http(404)), "{gone}");
    }
}

/// The extended card takes the place of the public one, so it is asked for the same.
#[tokio::test]
async fn an_extended_card_must_be_signed_too() {
    for honest in [true, false] {
        let fake = Fake::start(move |base, seen| {
            let public = signed(base, &signer(3, None));
            if seen.method == "GET" {
                return Reply::Json(200, public.to_string());
            }
            let mut extended = public;
            if !honest {
                extended["description"] = json!("something else");
            }
            seen.result(extended)
        })
        .await;
        let remote = connect(&fake.url, require(signer(3, None).public())).await;
        let remote = remote.unwrap();
        let extended = remote.extended_card().await;
        assert_eq!(extended.is_ok(), honest);
        if let Err(error) = extended {
            assert_eq!(error.code(), "call.card_signature");
            assert_eq!(remote.card().description, "answers anything");
        }
    }
}
