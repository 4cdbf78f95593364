//! The chain over JSON-RPC: thin adapters from method names onto [`Chain`].

mod args;
mod control;
mod eth;
mod failure;
mod filters;
mod read;

use crate::{chain::Chain, limits};
use args::Args;
use failure::Failure;
use filters::Filters;
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    server::{BatchRequestConfig, Server, ServerConfig, ServerHandle},
    types::ErrorObjectOwned,
};
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The chain as its handle and the server share it.
pub(crate) type SharedChain = Arc<Mutex<Chain>>;

/// Take the chain. A panic elsewhere is no reason to refuse everybody else a development chain.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a method answers.
type Answer<T> = Result<T, Failure>;

/// What the methods work on.
#[derive(Debug)]
struct Node {
    chain: SharedChain,
    filters: Mutex<Filters>,
}

impl Node {
    fn chain(&self) -> MutexGuard<'_, Chain> {
        lock(&self.chain)
    }
}

/// The methods of the node under construction.
struct Methods(RpcModule<Node>);

impl Methods {
    /// Add a method. It runs on a thread where it may wait for the chain and compute for long.
    fn add<R>(
        &mut self,
        name: &'static str,
        method: fn(&Node, Args<'_>) -> Answer<R>,
    ) -> Result<(), RegisterMethodError>
    where
        R: Serialize + Clone + Send + 'static,
    {
        self.0
            .register_blocking_method(name, move |params, node, _| {
                method(&node, Args::new(&params)).map_err(ErrorObjectOwned::from)
            })?;
        Ok(())
    }

    fn alias(
        &mut self,
        alias: &'static str,
        name: &'static str,
    ) -> Result<(), RegisterMethodError> {
        self.0.register_alias(alias, name)
    }
}

/// Why the node could not be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    #[error("cannot register a method: {0}")]
    Register(#[from] RegisterMethodError),
}

/// Serve a chain until the handle is told to stop.
pub(crate) async fn serve(
    chain: SharedChain,
    listen: SocketAddr,
) -> Result<(SocketAddr, ServerHandle), ServeError> {
    let node = Node {
        chain,
        filters: Mutex::default(),
    };
    let mut methods = Methods(RpcModule::new(node));
    eth::register(&mut methods)?;
    read::register(&mut methods)?;
    filters::register(&mut methods)?;
    control::register(&mut methods)?;

    let config = ServerConfig::builder()
        .http_only()
        .max_request_body_size(limits::MAX_REQUEST_BYTES)
        .max_response_body_size(limits::MAX_RESPONSE_BYTES)
        .max_connections(limits::MAX_CONNECTIONS)
        .set_batch_request_config(BatchRequestConfig::Limit(limits::MAX_BATCH))
        .build();
    let server = Server::builder().set_config(config).build(listen).await?;
    let address = server.local_addr()?;
    Ok((address, server.start(methods.0)))
}
