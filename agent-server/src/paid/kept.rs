//! An HTTP answer as a task: what was bought is kept where everything that is bought is.

use super::limits::{KEPT_BODY_BYTES_MAX, KEPT_HEADER_BYTES_MAX};
use agent_core::a2a::{Artifact, Part, PartContent, Task};
use agent_core::json::Metadata;
use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, SET_COOKIE, TRANSFER_ENCODING};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};

/// The artifact that holds the answer.
const ARTIFACT: &str = "response";
/// What its metadata says of it.
const HEAD: &str = "urn:z402:a2a:v1/http";

/// The head of an answer, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// Whether the body was too large to keep.
    #[serde(default)]
    delivered_once: bool,
}

/// An answer, its body read up to the bound.
pub(super) struct Answer {
    pub(super) parts: Parts,
    /// All of the body, or its beginning.
    pub(super) body: Bytes,
    /// What is left of it.
    pub(super) rest: Option<Body>,
}

impl Answer {
    /// Reads an answer, its body as far as it would be kept.
    ///
    /// # Errors
    /// What the body broke off with.
    pub(super) async fn read(response: Response) -> Result<Self, axum::Error> {
        let (parts, mut body) = response.into_parts();
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                read.extend_from_slice(&data);
            }
            if read.len() > KEPT_BODY_BYTES_MAX {
                return Ok(Self {
                    parts,
                    body: read.freeze(),
                    rest: Some(body),
                });
            }
        }
        Ok(Self {
            parts,
            body: read.freeze(),
            rest: None,
        })
    }

    /// The artifact that is kept of it.
    pub(super) fn artifact(&self) -> Result<Artifact, serde_json::Error> {
        let head = Head {
            status: self.parts.status.as_u16(),
            headers: kept(&self.parts.headers),
            delivered_once: self.rest.is_some(),
        };
        let body = match self.rest {
            None => self.body.to_vec(),
            Some(_) => Vec::new(),
        };
        let mut artifact = Artifact::new(ARTIFACT, vec![Part::raw(body)]);
        let mut metadata = Metadata::new();
        metadata.set(HEAD, &head)?;
        artifact.metadata = metadata;
        Ok(artifact)
    }

    /// The answer to whoever asked.
    pub(super) fn into_response(self) -> Response {
        let Self {
            mut parts,
            body,
            rest,
        } = self;
        let body = match rest {
            None => Body::from(body),
            Some(rest) => {
                let first = futures_util::stream::iter([Ok(body)]);
                let all = futures_util::StreamExt::chain(first, rest.into_data_stream());
                Body::from_stream(all)
            }
        };
        // Read by us, and framed anew.
        parts.headers.remove(TRANSFER_ENCODING);
        Response::from_parts(parts, body)
    }
}

/// What is kept of a paid route's answer.
pub(super) enum Kept {
    /// All of it.
    Whole(Response),
    /// It was too large to keep, and delivered once.
    DeliveredOnce,
}

/// The answer that a task holds; `None` when it holds none.
pub(super) fn answer_in(task: &Task) -> Option<Kept> {
    let artifact = task.artifacts.iter().find(|a| a.artifact_id == ARTIFACT)?;
    let head: Head = artifact.metadata.parse(HEAD).ok()??;
    if head.delivered_once {
        return Some(Kept::DeliveredOnce);
    }
    let PartContent::Raw(body) = &artifact.parts.first()?.content else {
        return None;
    };
    let mut response = Response::new(Body::from(body.clone()));
    *response.status_mut() = StatusCode::from_u16(head.status).ok()?;
    for (name, value) in head.headers {
        let name = HeaderName::try_from(name).ok()?;
        let value = HeaderValue::try_from(value).ok()?;
        response.headers_mut().append(name, value);
    }
    Some(Kept::Whole(response))
}

/// The headers that are given again: none that were about the connection, and no cookies, which are
/// for whoever asked first.
fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut bytes = 0_usize;
    let headers = headers.iter().filter(|(name, _)| {
        ![
            &CONNECTION,
            &CONTENT_LENGTH,
            &SET_COOKIE,
            &TRANSFER_ENCODING,
        ]
        .contains(name)
    });
    let headers = headers.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    headers
        .take_while(|(name, value)| {
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            bytes <= KEPT_HEADER_BYTES_MAX
        })
        .collect()
}
