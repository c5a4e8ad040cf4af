//! What the helper says to the agent: one JSON document a line each way, then, for a connection, raw bytes.
//!
//! Both ends are the same executable, so there is no version.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use wire::agent::{AskAnswer, CredentialFor, Question};

use crate::agent::Parts;
use crate::asks::Refusal;

/// Longest line accepted from either side.
pub(crate) const LINE_MAX: u64 = 64 << 10;
/// How long a visitor may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the helper wants.
#[derive(Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Call {
    /// A user name and a password; answered with an [`AskAnswer`].
    Credential(CredentialFor),
    /// They were not taken; answered likewise.
    CredentialRefused(CredentialFor),
    /// A connection; answered with [`Connected`], then the bytes.
    Connect { host: String, port: u16 },
    /// Signatures that the server refuses from now on; answered with a line each time.
    Refusals,
}

/// Whether there is a connection.
#[derive(Serialize, Deserialize)]
pub(crate) struct Connected {
    /// Why not; none where there is one.
    pub(crate) why: Option<String>,
}

/// A refusal in one line for a person.
pub(crate) fn in_words(why: &str, mend: &str) -> String {
    let line = if mend.is_empty() { why.to_owned() } else { format!("{why}; {mend}") };
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Serves one visitor to its end.
pub(super) async fn serve(visitor: UnixStream, parts: &Parts) {
    let mut visitor = BufReader::new(visitor);
    let mut line = Vec::new();
    let mut limited = (&mut visitor).take(LINE_MAX);
    let read = tokio::time::timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await;
    let Ok(Ok(1..)) = read else { return };
    let Ok(call) = serde_json::from_slice::<Call>(&line) else { return };
    // A visitor that goes away takes its question back.
    match call {
        Call::Credential(wanted) => answer(&mut visitor, parts, Question::Credential(wanted)).await,
        Call::CredentialRefused(wanted) => {
            answer(&mut visitor, parts, Question::CredentialRefused(wanted)).await;
        }
        Call::Connect { host, port } => connect(visitor, parts, &host, port).await,
        Call::Refusals => tell_refusals(visitor, parts).await,
    }
}

async fn answer(visitor: &mut BufReader<UnixStream>, parts: &Parts, question: Question) {
    let mut nothing = [0; 1];
    let (mut reader, mut writer) = visitor.get_mut().split();
    let answer: AskAnswer = tokio::select! {
        answer = parts.asks.ask(question) => answer,
        // It says nothing more: this is its end.
        _ = reader.read(&mut nothing) => return,
    };
    // It may have gone at the same moment.
    drop(writer.write_all(&line(&answer)).await);
}

async fn connect(mut visitor: BufReader<UnixStream>, parts: &Parts, host: &str, port: u16) {
    let connected = parts.egress.connect(host, port).await;
    let (stream, why) = match connected {
        Ok(stream) => (Some(stream), None),
        Err(why) => (None, Some(why)),
    };
    if visitor.write_all(&line(&Connected { why })).await.is_err() {
        return;
    }
    if let Some(mut stream) = stream {
        // How it ended is between the program inside and its peer.
        drop(tokio::io::copy_bidirectional(&mut visitor, &mut stream).await);
    }
}

async fn tell_refusals(mut visitor: BufReader<UnixStream>, parts: &Parts) {
    let mut refusals = parts.asks.unsigned();
    let mut nothing = [0; 1];
    let (mut reader, mut writer) = visitor.get_mut().split();
    loop {
        let refusal = tokio::select! {
            refusal = refusals.recv() => refusal,
            _ = reader.read(&mut nothing) => return,
        };
        let Ok((Refusal { why, mend, .. }, heard)) = refusal else { continue };
        if writer.write_all(format!("{}\n", in_words(&why, &mend)).as_bytes()).await.is_err() {
            return;
        }
        // It answers with a byte once it has said so.
        if !matches!(reader.read(&mut nothing).await, Ok(1..)) {
            return;
        }
        drop(heard);
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
