//! The listener, and the thread that serves it. The runtime of this thread is the only one of the daemon's doors:
//! a slow client here keeps nobody at the socket waiting.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use faramesh_gate::Gate;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::caller::Caller;
use crate::counts::Counts;
use crate::door::{Door, Metrics};
use crate::idle::Requests;
use crate::limits::{
    DRAIN_TIME, HANDSHAKE_TIME, HEAD_TIME, MAX_AHEAD_BYTES, MAX_BODIES, MAX_CONNECTIONS, MAX_FIELDS,
    MAX_HEAD_BYTES, MAX_STREAMS, MAX_TAKEN_BACK, MAX_WAITING,
};
use crate::tls::{Files, HTTP_2, Tls, TlsError, names};

/// Pause after a connection could not be accepted: there are no descriptors, or no memory.
const PAUSE: Duration = Duration::from_millis(100);

/// A bound listener that does not serve yet.
pub struct Server {
    listener: StdListener,
    address: SocketAddr,
    gate: Arc<Gate>,
    tls: Option<Tls>,
    metrics: Metrics,
    counts: Arc<Counts>,
    stop: watch::Sender<bool>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Stops a server from another thread.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Has the server accept nothing more, finish what is in flight, and end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Binds an address. `metrics` makes the text of `/metrics`.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn bind(
        address: &str,
        tls: Option<Files>,
        gate: Arc<Gate>,
        metrics: impl Fn() -> String + Send + Sync + 'static,
        counts: Arc<Counts>,
    ) -> Result<Self, BindError> {
        let tls = tls.map(Tls::new).transpose()?;
        let bind = || {
            let listener = StdListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) =
            bind().map_err(|error| BindError::Address { address: address.to_owned(), error })?;
        let (stop, _) = watch::channel(false);
        Ok(Self { listener, address, gate, tls, metrics: Box::new(metrics), counts, stop })
    }

    /// Where it listens, with the port that it was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as clients write it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// A handle to stop it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Serves until it is stopped, on this thread.
    ///
    /// # Errors
    /// The runtime cannot be made.
    pub fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async move {
            let listener = TcpListener::from_std(self.listener)?;
            let (answered, _) = watch::channel(());
            let told = answered.clone();
            self.gate.watch_approvals(Box::new(move || {
                told.send_replace(());
            }));
            let stopping = self.stop.subscribe();
            let door = Arc::new(Door {
                gate: self.gate,
                metrics: self.metrics,
                counts: self.counts,
                address: self.address,
                is_tls: self.tls.is_some(),
                answered,
                waiting: Semaphore::new(MAX_WAITING),
                bodies: Semaphore::new(MAX_BODIES),
                stopping,
            });
            accept(&listener, &door, self.tls.map(Arc::new)).await;
            Ok(())
        })
    }
}

/// Why a listener could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be used.
    #[error("cannot listen at {address}: {error}")]
    Address {
        /// The address.
        address: String,
        /// What the system says.
        error: io::Error,
    },
    /// Its certificate cannot be used.
    #[error("cannot offer TLS: {0}")]
    Tls(#[from] TlsError),
}

async fn accept(listener: &TcpListener, door: &Arc<Door>, tls: Option<Arc<Tls>>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stopping = door.stopping.clone();
    while !*stopping.borrow() {
        let slot = tokio::select! {
            slot = Arc::clone(&connections).acquire_owned() => slot,
            _ = stopping.changed() => break,
        };
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            _ = stopping.changed() => break,
        };
        let (door, tls) = (Arc::clone(door), tls.clone());
        tokio::spawn(async move {
            let _slot = slot;
            connect(stream, address, door, tls).await;
        });
    }
    // Every connection gives its slot back when it ends.
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = timeout(DRAIN_TIME, connections.acquire_many(all)).await;
}

async fn connect(stream: TcpStream, address: SocketAddr, door: Arc<Door>, tls: Option<Arc<Tls>>) {
    // Replies are small, and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let mut caller = Caller { address: address.ip(), names: Vec::new() };
    let Some(tls) = tls else { return serve(stream, caller, door).await };
    match timeout(HANDSHAKE_TIME, TlsAcceptor::from(tls.config()).accept(stream)).await {
        Ok(Ok(stream)) => {
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            caller.names = certificate.map(names).unwrap_or_default();
            if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
                serve_many(stream, caller, door).await;
            } else {
                serve(stream, caller, door).await;
            }
        }
        // What breaks off or says nothing is a check of the port or a bad line; what offers the wrong thing is somebody.
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            door.counts.handshake_failed(Some(caller.address));
        }
        Ok(Err(_)) | Err(_) => door.counts.handshake_failed(None),
    }
}

async fn answered(
    door: &Door,
    caller: &Caller,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = door.answer(caller, request).await;
    door.counts.answered(answer.status);
    Ok(answer.into_response())
}

/// Serves a connection of HTTP/1.1, one request after the other.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    caller: Caller,
    door: Arc<Door>,
) {
    let mut stopping = door.stopping.clone();
    let caller = Arc::new(caller);
    let service = service_fn(move |request| {
        let (door, caller) = (Arc::clone(&door), Arc::clone(&caller));
        async move { answered(&door, &caller, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A client that breaks off or talks nonsense only ends its own connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(DRAIN_TIME, connection).await;
}

/// Serves a connection of HTTP/2, whose requests run beside each other.
async fn serve_many(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    caller: Caller,
    door: Arc<Door>,
) {
    let mut stopping = door.stopping.clone();
    let caller = Arc::new(caller);
    let requests = Arc::new(Requests::default());
    let counted = Arc::clone(&requests);
    let service = service_fn(move |request| {
        let (door, caller, requests) = (Arc::clone(&door), Arc::clone(&caller), Arc::clone(&counted));
        async move {
            let _in_flight = requests.begin();
            answered(&door, &caller, request).await
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MAX_TAKEN_BACK)
        .max_local_error_reset_streams(MAX_TAKEN_BACK)
        .initial_stream_window_size(MAX_AHEAD_BYTES)
        .initial_connection_window_size(MAX_AHEAD_BYTES)
        .max_send_buf_size(usize::try_from(MAX_AHEAD_BYTES).unwrap_or(usize::MAX))
        // A client that is gone without a word is found out.
        .keep_alive_interval(HEAD_TIME)
        .keep_alive_timeout(HANDSHAKE_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
        // The pause that a connection of HTTP/1.1 may make.
        () = requests.cease(HEAD_TIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(DRAIN_TIME, connection).await;
}
