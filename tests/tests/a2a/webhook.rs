//! A receiver of notifications that notes what it is sent and answers as it is told.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

const WAIT: Duration = Duration::from_secs(30);

/// One notification.
#[derive(Clone, Debug)]
pub struct Note {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Note {
    /// What it says: the state it tells of, or the text of a piece.
    pub fn says(&self) -> String {
        let piece = self.body.pointer("/artifactUpdate/artifact/parts/0");
        match piece.map(|part| (&part["text"], &part["data"])) {
            Some((Value::String(text), _)) => text.clone(),
            Some((_, data)) => data.to_string(),
            None => crate::house::state(&self.body).to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// How a notification is answered.
#[derive(Clone, Copy)]
pub enum Answer {
    Status(u16),
    /// With that header.
    With(u16, &'static str, &'static str),
    /// Not before the hook is let go on; then with 200.
    Hold,
}

type Script = dyn Fn(usize, &Note) -> Answer + Send + Sync;

struct Inner {
    notes: watch::Sender<Vec<Note>>,
    open: watch::Sender<bool>,
    script: Mutex<Arc<Script>>,
}

pub struct Hook {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    server: tokio::task::JoinHandle<()>,
}

impl Hook {
    /// One that takes everything.
    pub async fn open() -> Self {
        Self::scripted(|_, _| Answer::Status(200)).await
    }

    /// One that answers the notification of that number, from 0 on, as the script says.
    pub async fn scripted(script: impl Fn(usize, &Note) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            notes: watch::Sender::default(),
            open: watch::Sender::new(false),
            script: Mutex::new(Arc::new(script)),
        });
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            inner,
            server,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was sent so far.
    pub fn notes(&self) -> Vec<Note> {
        self.inner.notes.borrow().clone()
    }

    /// What it was sent, once there are so many.
    ///
    /// # Panics
    /// When there are not so many in time.
    pub async fn at_least(&self, count: usize) -> Vec<Note> {
        self.until(|notes| notes.len() >= count).await
    }

    /// What it was sent, once it holds this state.
    pub async fn told(&self, state: &str) -> Vec<Note> {
        self.until(|notes| notes.iter().any(|note| note.says() == state))
            .await
    }

    async fn until(&self, enough: impl Fn(&Vec<Note>) -> bool) -> Vec<Note> {
        let mut notes = self.inner.notes.subscribe();
        let waited = tokio::time::timeout(WAIT, notes.wait_for(|notes| enough(notes))).await;
        match waited {
            Ok(notes) => notes.unwrap().clone(),
            Err(_) => panic!("only {:?}", says(&self.notes())),
        }
    }

    /// From now on it answers like this.
    pub fn answers(&self, script: impl Fn(usize, &Note) -> Answer + Send + Sync + 'static) {
        *self.inner.script.lock().unwrap() = Arc::new(script);
    }

    /// Answers what was held.
    pub fn let_go(&self) {
        self.inner.open.send_replace(true);
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(
    State(inner): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let note = Note {
        path: uri.to_string(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let mut open = inner.open.subscribe();
    let mut answer = Answer::Hold;
    inner.notes.send_modify(|notes| {
        answer = inner.script.lock().unwrap()(notes.len(), &note);
        notes.push(note);
    });
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::With(status, name, value) => {
            (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response()
        }
        Answer::Hold => {
            let _ = open.wait_for(|open| *open).await;
            StatusCode::OK.into_response()
        }
    }
}

pub fn says(notes: &[Note]) -> Vec<String> {
    notes.iter().map(Note::says).collect()
}

/// What a task of 300 pieces has to tell.
pub fn all_pieces() -> Vec<String> {
    let pieces = (0..300).map(|number| format!("{number};"));
    std::iter::once("WORKING".to_owned())
        .chain(pieces)
        .chain([json!({ "text": "all" }).to_string(), "COMPLETED".to_owned()])
        .collect()
}
