//! The streaming form: input, output and signals as frames, nothing kept.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use wire::agent::ExecRequest;
use wire::frame::{Exit, Frame, Kind, TerminalControl};

use super::{Tail, end, prepare, program};
use crate::agent::Parts;
use crate::frames::Frames;
use crate::problem::Problem;
use crate::process::{self, Group};

/// Frames read from the command but not sent yet. When full, nobody reads the command's output, so
/// that the command waits: memory stays bounded however slow the reader.
const QUEUE: usize = 4;
/// Input frames the command has not read yet. Generous, so that signals behind them are still seen.
const INPUT_QUEUE: usize = 64;
/// How long the first frame may take.
const FIRST_FRAME: Duration = Duration::from_secs(10);

type Out = mpsc::Sender<Frame>;

/// Runs the command of the first frame. The answered stream ends with an exit frame; dropping it kills
/// the command and all it started.
pub(crate) async fn stream(
    parts: &Arc<Parts>,
    body: Body,
) -> Result<impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + use<>, Problem> {
    let mut frames = Frames::of(body);
    let request = first(&mut frames).await?;
    let mut command = prepare(&parts.environment, &request)?;
    let (out, queue) = mpsc::channel(QUEUE);
    match command.stdin(Stdio::piped()).spawn() {
        Ok(child) => {
            tokio::spawn(supervise(child, request.timeout_s, frames, out, parts.clone()));
        }
        Err(error) => {
            let (exit_code, problem) = process::start_failure(program(&request), &error);
            let exit = Exit { exit_code, timed_out: false, problem: Some(problem) };
            // The queue is empty and its other end in our hands.
            drop(out.send(Frame::json(Kind::Exit, &exit)).await);
        }
    }
    Ok(ReceiverStream::new(queue).map(|frame| Ok(frame.to_bytes())))
}

async fn first(frames: &mut Frames) -> Result<ExecRequest, Problem> {
    let invalid =
        |detail: String| Problem::invalid(detail, "Begin with a start frame that holds the command.");
    let frame = tokio::time::timeout(FIRST_FRAME, frames.next())
        .await
        .map_err(|_| invalid("the start frame did not come".into()))??
        .filter(|frame| frame.kind == Kind::Start)
        .ok_or_else(|| invalid("the stream does not begin with a start frame".into()))?;
    serde_json::from_slice(&frame.payload)
        .map_err(|error| invalid(format!("cannot read the start frame: {error}")))
}

/// Owns the command until its end. Ends early, and the command with it, once nobody listens.
async fn supervise(mut child: Child, timeout_s: Option<u32>, frames: Frames, out: Out, parts: Arc<Parts>) {
    let group = Arc::new(Group::of(&child));
    let ended = CancellationToken::new();
    let input = tokio::spawn(feed(frames, child.stdin.take(), group.clone(), ended.clone(), parts));
    let over = CancellationToken::new();
    let tail = || Tail::new(over.clone());
    let mut stdout = tokio::spawn(pump(child.stdout.take(), tail(), Kind::Output, out.clone()));
    let mut stderr = tokio::spawn(pump(child.stderr.take(), tail(), Kind::ErrorOutput, out.clone()));

    let ending = tokio::select! {
        ending = end(&mut child, &group, timeout_s) => Some(ending),
        () = out.closed() => None,
    };
    if let Some((exit_code, timed_out)) = ending {
        over.cancel();
        tokio::select! {
            _ = async { tokio::join!(&mut stdout, &mut stderr) } => {}
            () = out.closed() => {}
        }
        let exit = Exit { exit_code, timed_out, problem: None };
        drop(out.send(Frame::json(Kind::Exit, &exit)).await);
    }
    stdout.abort();
    stderr.abort();
    ended.cancel();
    drop(input.await);
    if ending.is_some()
        && let Some(mut group) = Arc::into_inner(group)
    {
        group.let_go();
    }
}

async fn pump(pipe: Option<impl AsyncRead + Unpin>, mut tail: Tail, kind: Kind, out: Out) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = BytesMut::new();
    while tail.read(&mut pipe, &mut buffer).await {
        if out.send(Frame::new(kind, buffer.split().freeze())).await.is_err() {
            return;
        }
    }
}

/// Passes input and signals on until the other end sends no more or the command has ended.
async fn feed(
    mut frames: Frames,
    stdin: Option<ChildStdin>,
    group: Arc<Group>,
    ended: CancellationToken,
    parts: Arc<Parts>,
) {
    let (queue, mut unread) = mpsc::channel::<Bytes>(INPUT_QUEUE);
    let writing = async move {
        let Some(mut stdin) = stdin else { return };
        while let Some(bytes) = unread.recv().await {
            // Empty means end of file; a command that has closed its input is no fault.
            if bytes.is_empty() || stdin.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    let reading = async move {
        let mut queue = Some(queue);
        while let Ok(Some(frame)) = frames.next().await {
            match frame.kind {
                Kind::Input => {
                    parts.activity.touch();
                    let is_end = frame.payload.is_empty();
                    if let Some(queue) = &queue {
                        drop(queue.send(frame.payload).await);
                    }
                    if is_end {
                        queue = None;
                    }
                }
                Kind::Control => {
                    if let Ok(TerminalControl::Signal { name }) = serde_json::from_slice(&frame.payload)
                        && let Some(signal) = process::signal_named(&name)
                    {
                        group.signal(signal);
                    }
                }
                Kind::Start | Kind::Output | Kind::ErrorOutput | Kind::Exit => {}
            }
        }
    };
    tokio::select! {
        () = ended.cancelled() => {}
        ((), ()) = async { tokio::join!(writing, reading) } => {}
    }
}
