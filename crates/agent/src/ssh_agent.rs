//! An SSH agent whose keys are on the server: it lists and signs, and can do nothing else.
//!
//! What is signed, and for whom, is the server's to decide; it gets to know all that the client said on the
//! connection.

mod message;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use wire::agent::{AskAnswer, Question};

use crate::asks::Asks;
use message::{Answer, Identity, Request};

/// Longest message accepted.
const MESSAGE_MAX: u32 = 64 << 10;
/// Longest content that is signed: a sign-in takes about 1 KiB, a commit's signature less.
const DATA_MAX: usize = 8 << 10;
/// Session bindings of one connection: as many as OpenSSH's agent takes, and their bytes in all. With the
/// data and in base 64 they stay below the longest line of the link.
const BINDS: usize = 16;
const BINDS_MAX: usize = 32 << 10;

/// Serves one client to its end.
pub(crate) async fn serve(mut client: UnixStream, asks: &Asks) {
    let mut binds: Vec<Vec<u8>> = Vec::new();
    while let Some(bytes) = read(&mut client).await {
        let answer = match message::parse(&bytes) {
            Request::Identities => identities(asks).await,
            Request::Sign { key, data, flags } if data.len() <= DATA_MAX => {
                sign(asks, key, data, flags, &binds).await
            }
            Request::Bind(contents) => {
                let bytes: usize = binds.iter().map(Vec::len).sum();
                if binds.len() < BINDS && bytes + contents.len() <= BINDS_MAX {
                    binds.push(contents.to_vec());
                    Answer::Success
                } else {
                    // A client that went on would be signed for without its last hop being known.
                    return;
                }
            }
            Request::UnknownExtension => Answer::ExtensionFailure,
            Request::Sign { .. } | Request::Other => Answer::Failure,
        };
        if client.write_all(&answer.to_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(client: &mut UnixStream) -> Option<Vec<u8>> {
    let length = client.read_u32().await.ok().filter(|length| (1..=MESSAGE_MAX).contains(length))?;
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    client.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

async fn identities(asks: &Asks) -> Answer {
    match asks.ask(Question::SshIdentities).await {
        AskAnswer::Identities { keys } => {
            let read = |key: &wire::agent::SshIdentity| {
                let blob = STANDARD.decode(&key.key).ok()?;
                Some(Identity { blob, comment: key.comment.clone() })
            };
            Answer::Identities(keys.iter().filter_map(read).collect())
        }
        // Without a key SSH goes on with those its user has.
        _ => Answer::Identities(Vec::new()),
    }
}

async fn sign(asks: &Asks, key: &[u8], data: &[u8], flags: u32, binds: &[Vec<u8>]) -> Answer {
    let question = Question::SshSign {
        key: STANDARD.encode(key),
        data: STANDARD.encode(data),
        flags,
        binds: binds.iter().map(|bind| STANDARD.encode(bind)).collect(),
    };
    match asks.ask(question).await {
        AskAnswer::Signature { signature } => {
            STANDARD.decode(signature).map_or(Answer::Failure, Answer::Signature)
        }
        _ => Answer::Failure,
    }
}
