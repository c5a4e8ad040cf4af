//! The server's end: every call of `wire::agent`'s table as a method.

mod body;
mod git;
mod request;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::Method;
use http::header::CONTENT_LENGTH;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wire::agent::{
    AgentInfo, AgentUsage, CloneEvent, CloneRequest, EgressRequest, ExecRequest, ExecResult, KIND_HEADER,
    KiteCaller, Listing, MODIFIED_HEADER, OpenTerminal, TerminalInfo,
};
use wire::frame::{Frame, Kind};

use crate::duplex::{Duplex, FrameSender};
use crate::error::LinkError;
use crate::kite_stream::KiteStream;
use crate::raw::RawStream;

pub use body::{FileBody, Lines};
use request::{Body, Call, file_path};

/// Bytes of one stream that may be under way unread: a terminal's burst, without starving others.
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes of the whole connection that may be under way unread.
const CONNECTION_WINDOW: u32 = 8 << 20;
/// How often a quiet connection is asked whether it lives, and how long it has to answer.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long the agent has for a call that does no work worth waiting for.
const QUICK: Duration = Duration::from_secs(30);

/// Most bytes of an ordinary answer.
const ANSWER_MAX: usize = 1 << 20;
/// A listing of 10 000 entries with the longest names, each byte escaped.
const LISTING_MAX: usize = 32 << 20;
/// Two outputs at their limit, every byte escaped as JSON does to control characters.
const EXEC_MAX: usize = 2 * 6 * wire::agent::EXEC_OUTPUT_MAX + ANSWER_MAX;

/// A connected agent. Clones share the connection, which closes when [`AgentClient::close`] is called
/// or the other end goes away.
#[derive(Clone)]
pub struct AgentClient {
    inner: Arc<Inner>,
}

struct Inner {
    sender: hyper::client::conn::http2::SendRequest<Body>,
    /// Cancelled to ask for the connection's end.
    close: CancellationToken,
    /// Cancelled once it has ended.
    closed: CancellationToken,
}

impl AgentClient {
    /// Speaks HTTP/2 as a client over `io`. The future answered second is the connection itself: it
    /// must be polled (spawned) for anything to move, and ends with the connection.
    ///
    /// # Errors
    ///
    /// [`LinkError::Gone`] when the other end went away before the first bytes.
    pub async fn connect<I>(io: I) -> Result<(Self, impl Future<Output = ()> + Send + use<I>), LinkError>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let close = CancellationToken::new();
        let closed = CancellationToken::new();
        let (sender, connection) = hyper::client::conn::http2::Builder::new(Tasks(close.clone()))
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(256 << 10)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(io))
            .await?;
        // Both are said even when the future is dropped half-way.
        let guards = (close.clone().drop_guard(), closed.clone().drop_guard());
        let asked = close.clone();
        let run = async move {
            let _guards = guards;
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "agent connection ended");
                    }
                }
                () = asked.cancelled() => {}
            }
        };
        Ok((Self { inner: Arc::new(Inner { sender, close, closed }) }, run))
    }

    /// Returns once the connection has ended.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.inner.closed.clone().cancelled_owned()
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.inner.closed.is_cancelled() || self.inner.close.is_cancelled()
    }

    /// Ends the connection; every call under way answers [`LinkError::Gone`].
    pub fn close(&self) {
        self.inner.close.cancel();
    }

    /// Whether both are the same connection.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Who the agent is.
    pub async fn info(&self) -> Result<AgentInfo, LinkError> {
        self.call(Method::GET, "/v1/info").quick().json(ANSWER_MAX).await
    }

    /// Runs a command to its end. Dropping the future kills it.
    pub async fn exec(&self, request: &ExecRequest) -> Result<ExecResult, LinkError> {
        self.call(Method::POST, "/v1/exec").with_json(request).json(EXEC_MAX).await
    }

    /// Runs a command with its input and output as frames; the last one is [`Kind::Exit`].
    pub async fn exec_stream(&self, request: &ExecRequest) -> Result<Duplex, LinkError> {
        let (sender, queue) = FrameSender::new();
        // The queue is empty, so this does not wait.
        sender.send(Frame::json(Kind::Start, request)).await?;
        let response = self
            .call(Method::POST, "/v1/exec/stream")
            .with_stream(ReceiverStream::new(queue).map(Ok::<_, LinkError>))
            .send()
            .await?;
        Ok(Duplex::new(sender, response.into_body()))
    }

    /// Every terminal, ended ones too until they are closed.
    pub async fn terminals(&self) -> Result<Vec<TerminalInfo>, LinkError> {
        self.call(Method::GET, "/v1/terminals").quick().json(ANSWER_MAX).await
    }

    /// Opens a terminal.
    pub async fn open_terminal(&self, request: &OpenTerminal) -> Result<TerminalInfo, LinkError> {
        self.call(Method::POST, "/v1/terminals").with_json(request).quick().json(ANSWER_MAX).await
    }

    /// Hangs a terminal up and forgets it.
    pub async fn close_terminal(&self, id: u32) -> Result<(), LinkError> {
        self.call(Method::DELETE, &format!("/v1/terminals/{id}")).quick().done().await
    }

    /// Watches a terminal from byte `since` on (everything that is kept, where absent). The first frame
    /// is a control frame with `Hello`.
    pub async fn attach(&self, id: u32, since: Option<u64>) -> Result<Duplex, LinkError> {
        let query = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let (sender, queue) = FrameSender::new();
        let response = self
            .call(Method::POST, &format!("/v1/terminals/{id}/attach{query}"))
            .with_stream(ReceiverStream::new(queue).map(Ok::<_, LinkError>))
            .send()
            .await?;
        Ok(Duplex::new(sender, response.into_body()))
    }

    /// Reads a file or lists a folder. Paths are absolute or relative to the workspace's folder.
    pub async fn read_file(&self, path: &str) -> Result<FileRead, LinkError> {
        let call = self.call(Method::GET, &file_path(path, ""));
        let response = call.send().await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        if header(KIND_HEADER) == Some("folder") {
            return request::read_json(response, LISTING_MAX).await.map(FileRead::Folder);
        }
        let size = header(CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
        let modified_at = header(MODIFIED_HEADER).and_then(|text| text.parse().ok());
        Ok(FileRead::File { size, modified_at, body: FileBody::new(response.into_body(), size) })
    }

    /// Writes a file whole: it has either its old content or the new, whatever happens on the way. An
    /// error in `body` leaves the old content.
    pub async fn write_file<S, E>(&self, path: &str, body: S) -> Result<(), LinkError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        self.call(Method::PUT, &file_path(path, "")).with_stream(body).done().await
    }

    /// Makes a folder, and those above it. One that exists is left as it is.
    pub async fn make_folder(&self, path: &str) -> Result<(), LinkError> {
        self.call(Method::PUT, &file_path(path, "?kind=folder")).quick().done().await
    }

    /// Deletes a file, or a folder with all in it.
    pub async fn delete_file(&self, path: &str) -> Result<(), LinkError> {
        self.call(Method::DELETE, &file_path(path, "")).done().await
    }

    /// Clones a repository. The last item is `Done` or `Failed`; dropping the stream stops git.
    pub async fn clone_repository(&self, request: &CloneRequest) -> Result<Lines<CloneEvent>, LinkError> {
        let response = self.call(Method::POST, "/v1/clone").with_json(request).send().await?;
        Ok(Lines::new(response.into_body()))
    }

    /// What the workspace uses, and when somebody last worked in it.
    pub async fn usage(&self) -> Result<AgentUsage, LinkError> {
        self.call(Method::GET, "/v1/usage").quick().json(ANSWER_MAX).await
    }

    /// Connections that git inside wants from the server, for as long as the stream is held.
    pub async fn egress(&self) -> Result<Lines<EgressRequest>, LinkError> {
        let response = self.call(Method::POST, "/v1/egress").send().await?;
        Ok(Lines::new(response.into_body()))
    }

    /// Takes a wanted connection up: the bytes of the process inside.
    pub async fn egress_open(&self, id: u64) -> Result<RawStream, LinkError> {
        let (sender, queue) = RawStream::channel();
        let response = self
            .call(Method::POST, &format!("/v1/egress/{id}"))
            .with_stream(ReceiverStream::new(queue).map(Ok::<_, LinkError>))
            .send()
            .await?;
        Ok(RawStream::new(sender, response.into_body()))
    }

    /// Refuses a wanted connection; git inside is told why.
    pub async fn egress_refuse(&self, id: u64, why: &str) -> Result<(), LinkError> {
        let why = percent_encoding::utf8_percent_encode(why, percent_encoding::NON_ALPHANUMERIC);
        self.call(Method::DELETE, &format!("/v1/egress/{id}?why={why}")).quick().done().await
    }

    /// Opens a Kite connection to the agent's own service, on behalf of `caller`. An agent of an earlier
    /// release does not know the call.
    pub async fn open_kite(&self, caller: &KiteCaller) -> Result<KiteStream, LinkError> {
        let (sender, queue) = KiteStream::queue();
        // The queue is empty, so this does not wait.
        let start = Frame::json(Kind::Start, caller).to_bytes();
        sender.send(start).await.map_err(|_| LinkError::Gone)?;
        let response = self
            .call(Method::POST, "/v1/kite")
            .with_stream(ReceiverStream::new(queue).map(Ok::<_, LinkError>))
            .quick()
            .send()
            .await?;
        Ok(KiteStream::to_agent(sender, response.into_body()))
    }

    /// Hangs everything up and ends the agent, which is not started again.
    pub async fn shutdown(&self) -> Result<(), LinkError> {
        self.call(Method::POST, "/v1/shutdown").quick().done().await
    }

    fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.inner.sender.clone(), method, path)
    }
}

/// Runs what hyper does beside the connection, and ends it with the connection: left alone, it would
/// keep the socket open for as long as any stream is.
#[derive(Clone)]
struct Tasks(CancellationToken);

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        tokio::spawn(self.0.clone().run_until_cancelled_owned(task));
    }
}

/// What was at a path.
pub enum FileRead {
    /// A file.
    File {
        /// Bytes, as the agent announced them.
        size: Option<u64>,
        /// When its content last changed.
        modified_at: Option<Timestamp>,
        /// The content.
        body: FileBody,
    },
    /// A folder.
    Folder(Listing),
}
