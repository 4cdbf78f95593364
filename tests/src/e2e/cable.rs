//! A cable to the chain that can be cut and mended.

use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes TCP on to an address while it is whole.
#[derive(Debug)]
pub struct Cable {
    address: SocketAddr,
    whole: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Cable {
    /// A whole cable to `far`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(far: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (whole, watched) = watch::channel(true);
        let running = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // A cut cable accepts and hangs up, as a node does that falls over.
                if *watched.borrow() {
                    tokio::spawn(pass(near, far, watched.clone()));
                }
            }
        });
        Self {
            address,
            whole,
            running,
        }
    }

    /// Where its near end is, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts it: what is connected breaks, what connects is hung up on.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Mends it.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn pass(mut near: TcpStream, far: SocketAddr, mut whole: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect(far).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = whole.wait_for(|whole| !*whole) => {}
    }
}
