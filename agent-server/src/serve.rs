//! The accept loop: bounded connections, a clock on request heads, and a graceful end.

mod http2;
mod known;
mod preface;
mod unread;

use crate::bind::Peer;
use crate::limits::{DRAIN_TIMEOUT, HEADER_BYTES_MAX, HEADER_READ_TIMEOUT};
use axum::Router;
use http2::{Busy, Counted};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use known::Known;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use unread::{Bounded, Room, Unread};

/// How long the loop rests after `accept` failed: out of file descriptors is the usual reason, and
/// trying again at once would only burn a core.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Serves until `stop` turns true, then lets requests in flight finish for a bounded time.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    // As many as there would be if each had a connection of its own.
    let requests = Arc::new(Semaphore::new(connections_max));
    let room = Room::new();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = told(&mut stop) => break,
        };
        // The semaphore is never closed; were it, there would be nothing left to serve with.
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = Peer(Some(peer.ip().to_canonical()));
                let inner = router.clone();
                let busy = Busy::new(Arc::clone(&requests));
                let unread = Unread::new(room.clone());
                let inner = Known { peer, inner };
                let service = Counted {
                    busy,
                    inner: Bounded { unread, inner },
                };
                tokio::spawn(connection(stream, service, stop.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(connections_max).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN_TIMEOUT, places.acquire_many(all))
        .await
        .is_err()
    {
        tracing::warn!("some connections were cut at shutdown");
    }
}

/// Waits for the word to stop. The sender going away is one too.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves a connection to its end; after `enough`, only what has begun, for a bounded time. Once
/// `tired`, nothing more.
macro_rules! until {
    ($connection:expr, $enough:expr, $tired:expr) => {{
        let connection = $connection;
        tokio::pin!(connection);
        tokio::select! {
            done = connection.as_mut() => done,
            () = $tired => return,
            () = $enough => {
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(DRAIN_TIMEOUT, connection).await {
                    Ok(done) => done,
                    Err(_cut) => return,
                }
            }
        }
    }};
}

async fn connection(
    stream: TcpStream,
    service: Counted<Bounded<Known<Router>>>,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // Nagle holds back the first event of a stream for up to 40 ms on a kept-alive connection.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    let looked = tokio::select! {
        looked = preface::look(stream, HEADER_READ_TIMEOUT) => looked,
        () = told(&mut stop) => return,
    };
    let unread = service.inner.unread.clone();
    let done = match looked {
        Ok((true, stream)) => {
            let busy = service.busy.clone();
            let service = TowerToHyperService::new(service);
            let builder = http2::builder();
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let enough = async {
                tokio::select! { () = told(&mut stop) => {}, () = busy.idle() => {} }
            };
            until!(connection, enough, unread.tired())
        }
        Ok((false, stream)) => {
            let mut builder = Builder::new(TokioExecutor::new()).http1_only();
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_READ_TIMEOUT)
                .max_buf_size(HEADER_BYTES_MAX);
            let service = TowerToHyperService::new(service.inner);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            until!(connection, told(&mut stop), unread.tired())
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = done {
        tracing::debug!(error, "a connection broke");
    }
}
