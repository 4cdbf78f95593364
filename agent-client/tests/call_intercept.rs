//! What is added to requests: for whom, when, and what when it is not enough.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod call_fake;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agent_client::call::{
    ApiKey, Attempt, Bearer, Binding, CallError, CallOptions, Interceptor, RESERVED, RemoteAgent,
    Traced,
};
use agent_core::a2a::{ErrorCode, GetTaskRequest, Message, Secret, SendMessageRequest};
use agent_core::trace::TraceContext;
use call_fake::{Fake, Reply, Seen, card, egress};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const TOKEN: &str = "s3cr3t-t0ken";

fn get() -> GetTaskRequest {
    GetTaskRequest {
        id: "t".to_owned(),
        ..Default::default()
    }
}

fn task() -> Value {
    json!({"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_COMPLETED"}})
}

/// An agent that answers those who say `authorization` and refuses the others.
fn guarded(authorization: &'static str) -> impl Fn(&Seen) -> Reply {
    move |seen: &Seen| match seen.headers.contains(authorization) {
        true if seen.method == "GET" => Reply::Json(200, task().to_string()),
        true => seen.result(task()),
        false => Reply::Json(401, String::new()),
    }
}

async fn connect(fake: &Fake, options: CallOptions) -> RemoteAgent {
    RemoteAgent::connect_with(&egress(), &fake.url, options)
        .await
        .unwrap()
}

fn bearer(url: &str) -> Bearer {
    Bearer::new(&url.parse().unwrap(), TOKEN.into()).unwrap()
}

/// Gives `new` and counts how often it was asked for it.
fn renewed(bearer: Bearer, new: &'static str) -> (Arc<Bearer>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let bearer = bearer.renewed_by(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(Secret::new(new)) })
    });
    (Arc::new(bearer), asked)
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_and_the_request_sent_again() {
    let fake = Fake::agent(guarded("authorization: bearer fresh")).await;
    let (bearer, asked) = renewed(bearer(&fake.url), "fresh");
    let remote = connect(&fake, CallOptions::default().with(bearer)).await;
    assert_eq!(remote.get_task(get()).await.unwrap().id, "t");
    let posts = fake.posts();
    assert_eq!((posts.len(), asked.load(Ordering::SeqCst)), (2, 1));
    assert_eq!(posts[0].body, posts[1].body);
    // The new token is kept.
    remote.get_task(get()).await.unwrap();
    assert_eq!((fake.posts().len(), asked.load(Ordering::SeqCst)), (3, 1));
    // The card is public and was asked for as such.
    assert!(!fake.seen()[0].headers.contains("authorization"));
}

#[tokio::test]
async fn calls_that_are_refused_at_once_share_one_new_token() {
    let fake = Fake::agent(guarded("authorization: bearer fresh")).await;
    let (bearer, asked) = renewed(bearer(&fake.url), "fresh");
    let remote = connect(&fake, CallOptions::default().with(bearer)).await;
    let calls = (0..8).map(|_| remote.get_task(get()));
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_the_callers_to_know() {
    let fake = Fake::agent(guarded("authorization: bearer never")).await;
    let (bearer, asked) = renewed(bearer(&fake.url), "fresh");
    let remote = connect(&fake, CallOptions::default().with(bearer)).await;
    let request = SendMessageRequest::new(Message::user("hi"));
    for error in [
        remote.get_task(get()).await.unwrap_err(),
        remote.send(request.clone()).await.unwrap_err(),
        remote.send_streaming(request).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "call.unauthenticated");
        assert_eq!(error.agent_reason(), Some(ErrorCode::Unauthenticated));
        assert!(!error.is_lost());
    }
    // Each is sent again once, as it may be another token that is asked for by then.
    assert_eq!((fake.posts().len(), asked.load(Ordering::SeqCst)), (6, 3));
}

#[tokio::test]
async fn without_a_way_to_renew_the_challenge_is_the_answer() {
    let fake = Fake::agent(|seen| {
        seen.error(json!({"code": -32000, "message": "who?", "data": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "UNAUTHENTICATED",
             "domain": "a2a-protocol.org"}]}))
    })
    .await;
    let options = CallOptions::default().with(Arc::new(bearer(&fake.url)));
    let error = connect(&fake, options)
        .await
        .get_task(get())
        .await
        .unwrap_err();
    let CallError::Unauthenticated(challenge) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(challenge.reason.message(), "who?");
    assert_eq!(fake.posts().len(), 1);
}

#[tokio::test]
async fn credentials_go_to_their_own_origin_and_to_no_other() {
    // A card may name any address, such as that of somebody who collects tokens.
    let thief = Fake::start(|_, seen| seen.result(task())).await;
    let address = thief.url.clone();
    let fake = Fake::start(move |_, _| Reply::Json(200, card(&address).to_string())).await;
    let (bearer, asked) = renewed(bearer(&fake.url), "fresh");
    let own = fake.url.parse().unwrap();
    let key = ApiKey::new(&own, "X-API-Key", &TOKEN.into()).unwrap();
    let options = CallOptions::default().with(bearer).with(Arc::new(key));
    let remote = connect(&fake, options).await;
    remote.get_task(get()).await.unwrap();
    assert_eq!(thief.posts().len(), 1);
    for seen in thief.seen().into_iter().chain(fake.seen()) {
        assert!(!seen.headers.contains(TOKEN), "{}", seen.headers);
        assert!(!seen.headers.contains("x-api-key"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_key_and_a_trace_are_sent_with_every_operation() {
    let fake = Fake::agent(|seen| seen.result(task())).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace = TraceContext::parse(parent).unwrap().with_state("a=1");
    let key = ApiKey::new(&fake.url.parse().unwrap(), "X-API-Key", &TOKEN.into()).unwrap();
    let options = CallOptions::default()
        .with(Arc::new(Traced::new(trace)))
        .with(Arc::new(key))
        .declaring("urn:other");
    let remote = connect(&fake, options).await;
    remote.get_task(get()).await.unwrap();
    let headers = &fake.posts()[0].headers;
    for line in [
        &format!("traceparent: {parent}"),
        "tracestate: a=1",
        &format!("x-api-key: {TOKEN}"),
        "a2a-extensions: urn:z402:a2a:v1,urn:other",
    ] {
        assert!(headers.contains(line), "{line} in {headers}");
    }
}

#[tokio::test]
async fn no_credential_is_in_what_is_printed() {
    let fake = Fake::agent(|seen| seen.result(task())).await;
    let key = ApiKey::new(&fake.url.parse().unwrap(), "X-API-Key", &TOKEN.into()).unwrap();
    let options = CallOptions::default()
        .with(Arc::new(bearer(&fake.url)))
        .with(Arc::new(key));
    let remote = connect(&fake, options.clone()).await;
    assert!(!format!("{options:?} {remote:?}").contains(TOKEN));
    let broken = Bearer::new(&fake.url.parse().unwrap(), format!("{TOKEN}\n").into());
    let error = broken.unwrap_err();
    assert!(!format!("{error:?} {error}").contains(TOKEN));
}

/// Sets one header, or does nothing for ever.
#[derive(Debug)]
struct Meddler(Option<&'static str>);

impl Interceptor for Meddler {
    fn before<'a>(
        &'a self,
        _: Attempt<'a>,
        headers: &'a mut HeaderMap,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async {
            match self.0 {
                Some(name) => {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
                }
                None => std::future::pending().await,
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn headers_of_the_protocol_are_not_for_interceptors() {
    let fake = Fake::agent(|seen| seen.result(task())).await;
    for name in RESERVED {
        let options = CallOptions::default().with(Arc::new(Meddler(Some(name))));
        let error = connect(&fake, options)
            .await
            .get_task(get())
            .await
            .unwrap_err();
        assert!(
            error.is_unsent() && error.to_string().contains(name),
            "{error}"
        );
    }
    assert!(fake.posts().is_empty());
}

#[tokio::test]
async fn an_interceptor_that_takes_for_ever_takes_no_longer_than_the_call() {
    let fake = Fake::agent(|seen| seen.result(task())).await;
    let options = CallOptions::default()
        .within(Duration::from_millis(50))
        .with(Arc::new(Meddler(None)));
    let error = connect(&fake, options)
        .await
        .get_task(get())
        .await
        .unwrap_err();
    assert!(error.is_unsent(), "{error:?}");
}

#[tokio::test]
async fn a_binding_or_version_that_is_not_offered_is_no_interface() {
    let fake = Fake::agent(|seen| seen.result(task())).await;
    for options in [
        CallOptions::default().over(Binding::HttpJson),
        CallOptions::default().over(Binding::Grpc),
    ] {
        let refused = RemoteAgent::connect_with(&egress(), &fake.url, options).await;
        assert_eq!(refused.unwrap_err().code(), "call.no_interface");
    }
    let old = CallOptions::default().in_version(agent_core::a2a::Version::V0_3);
    let remote = connect(&fake, old).await;
    assert!(remote.endpoint().path().ends_with("/old"));
}
