//! One Kite client's connection from its first message to its end.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{SplitSink, SplitStream, poll_fn};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use kite::transport::{BoxTransport, TransportError};
use kite::{Authentication, Error};
use tokio::sync::mpsc;
use wire::agent::KITE_MESSAGE_MAX;

use super::envelope::{Call, Message};

/// How long somebody who has not proved anything may stay.
const STRANGER: Duration = Duration::from_secs(30);
/// Messages that are none before the connection ends.
const NONSENSE: u32 = 100;
/// Refusals that wait for a client to read.
const REFUSALS: usize = 16;
/// How long a client has to take a closing connection's last words.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The one method that everybody may call; the relay answers it while nobody is verified.
const PING: &str = "kite.ping";

/// What a session asks about those who come, for one kite.
#[async_trait::async_trait]
pub(super) trait Gate: Send + Sync {
    /// Whose token it is, if it is good at this kite now.
    async fn bearer(&self, token: &str) -> Result<String, Error>;

    /// Lets somebody in whose token is good, if they may call.
    async fn enter(&self, username: &str) -> Result<Entered, Error>;
}

/// A caller who was let in.
pub(super) struct Entered {
    /// The way to the agent.
    pub(super) agent: BoxTransport,
    /// Resolves when the caller may not call any more, or the kite is gone; says why.
    pub(super) ended: BoxFuture<'static, &'static str>,
    /// Given back when the session ends.
    pub(super) place: Box<dyn Send>,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client went away.
    Client,
    /// The agent did.
    Agent,
    /// Nobody was verified in time.
    Stranger,
    /// The client sent too much that is no message.
    Nonsense,
    /// The server closes.
    Closing,
    /// The caller's right or the kite is gone.
    Right(&'static str),
}

type ToClient = SplitSink<BoxTransport, String>;
type FromClient = SplitStream<BoxTransport>;

/// Serves a client until either side ends, the right does, or `closing` resolves.
pub(super) async fn serve(
    client: BoxTransport,
    gate: &dyn Gate,
    closing: impl Future<Output = ()> + Send,
) -> Ended {
    let (mut to_client, mut from_client) = client.split();
    let ended = tokio::select! {
        ended = carry(&mut to_client, &mut from_client, gate) => ended,
        () = closing => Ended::Closing,
    };
    // A client that does not listen need not hear it.
    drop(tokio::time::timeout(LAST_WORDS, to_client.close()).await);
    ended
}

async fn carry(to_client: &mut ToClient, from_client: &mut FromClient, gate: &dyn Gate) -> Ended {
    let (owner, message, entered) = match first_call(to_client, from_client, gate).await {
        Ok(first) => first,
        Err(ended) => return ended,
    };
    let _place = entered.place;
    let (to_agent, from_agent) = entered.agent.split();
    let (refusals, refused) = mpsc::channel(REFUSALS);
    let down = down(from_agent, refused, to_client);
    let up = Up { owner, to_agent, refusals, gate }.run(message, from_client);
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
        why = entered.ended => Ended::Right(why),
    }
}

/// Answers `kite.ping` until somebody proves to be somebody: who it is, and the message for the agent.
async fn first_call(
    to_client: &mut ToClient,
    from_client: &mut FromClient,
    gate: &dyn Gate,
) -> Result<(String, String, Entered), Ended> {
    let waiting = async {
        let mut messages = Messages { from_client, nonsense: 0 };
        loop {
            let answer = match messages.next().await? {
                Heard::TooLong(refusal) => refusal,
                Heard::Text(text) => match Message::read(&text) {
                    // There is nobody whose function it could be.
                    Ok(Message::Invocation(_)) | Err(_) => {
                        messages.ignore()?;
                        None
                    }
                    Ok(Message::Call(call)) if call.authentication.is_none() && call.method == PING => {
                        call.result("pong")
                    }
                    Ok(Message::Call(call)) => match enter(&call, gate).await {
                        Ok((owner, entered)) => {
                            let message = call.on_behalf_of(&owner);
                            return Ok((owner, message, entered));
                        }
                        Err(error) => call.refusal(&error),
                    },
                },
            };
            if let Some(answer) = answer {
                to_client.send(answer).await.map_err(|_| Ended::Client)?;
            }
        }
    };
    tokio::time::timeout(STRANGER, waiting).await.unwrap_or(Err(Ended::Stranger))
}

async fn enter(call: &Call<'_>, gate: &dyn Gate) -> Result<(String, Entered), Error> {
    let owner = gate.bearer(token(call)?.expose()).await?;
    let entered = gate.enter(&owner).await?;
    Ok((owner, entered))
}

fn token<'a>(call: &'a Call<'_>) -> Result<&'a Authentication, Error> {
    let token = call.authentication.as_ref().filter(|authentication| authentication.kind() == "token");
    token.ok_or_else(|| {
        Error::authentication("this kite takes tokens of its registry only; ask it for one (`getToken`)")
    })
}

/// The way from the client to the agent.
struct Up<'a, A> {
    /// The first whose token was good: nobody else may use the connection.
    owner: String,
    to_agent: A,
    refusals: mpsc::Sender<String>,
    gate: &'a dyn Gate,
}

impl<A: Sink<String, Error = TransportError> + Unpin> Up<'_, A> {
    async fn run(mut self, first: String, from_client: &mut FromClient) -> Ended {
        if self.to_agent.send(first).await.is_err() {
            return Ended::Agent;
        }
        let mut messages = Messages { from_client, nonsense: 0 };
        loop {
            let heard = match messages.next().await {
                Ok(heard) => heard,
                Err(ended) => return ended,
            };
            let refusal = match heard {
                Heard::TooLong(refusal) => refusal,
                Heard::Text(text) => match self.judge(&text).await {
                    Verdict::Pass(message) => {
                        if self.to_agent.send(message).await.is_err() {
                            return Ended::Agent;
                        }
                        None
                    }
                    Verdict::Refuse(refusal) => refusal,
                    Verdict::Ignore => match messages.ignore() {
                        Ok(()) => None,
                        Err(ended) => return ended,
                    },
                },
            };
            if let Some(refusal) = refusal
                && self.refusals.send(refusal).await.is_err()
            {
                return Ended::Client;
            }
        }
    }

    async fn judge(&mut self, text: &str) -> Verdict {
        match Message::read(text) {
            Ok(Message::Invocation(message)) => Verdict::Pass(message),
            Ok(Message::Call(call)) => match self.verify(&call).await {
                Ok(()) => Verdict::Pass(call.on_behalf_of(&self.owner)),
                Err(error) => Verdict::Refuse(call.refusal(&error)),
            },
            Err(_) => Verdict::Ignore,
        }
    }

    /// Each call is verified by itself; the gate remembers what it has verified.
    async fn verify(&mut self, call: &Call<'_>) -> Result<(), Error> {
        if call.authentication.is_none() && call.method == PING {
            return Ok(());
        }
        let username = self.gate.bearer(token(call)?.expose()).await?;
        if username == self.owner {
            return Ok(());
        }
        Err(Error::authentication("this connection is another caller's; open one of your own"))
    }
}

enum Verdict {
    Pass(String),
    Refuse(Option<String>),
    Ignore,
}

/// The way from the agent to the client. What the agent says passes as it is.
async fn down(
    from_agent: impl Stream<Item = Result<String, TransportError>>,
    mut refused: mpsc::Receiver<String>,
    to_client: &mut ToClient,
) -> Ended {
    let from_agent = pin!(from_agent.map(Result::ok).chain(futures_util::stream::iter([None])));
    let refused = poll_fn(move |cx| refused.poll_recv(cx)).map(Some);
    let both = futures_util::stream::select(from_agent, refused);
    let until_end = both.take_while(|message| std::future::ready(message.is_some()));
    // Written out whenever nothing more is there: a burst costs one write.
    match until_end.filter_map(std::future::ready).map(Ok).forward(to_client).await {
        Ok(()) => Ended::Agent,
        Err(_) => Ended::Client,
    }
}

/// What a client says, with what makes no sense counted.
struct Messages<'a> {
    from_client: &'a mut FromClient,
    nonsense: u32,
}

enum Heard {
    Text(String),
    /// More than the agent takes; with the refusal, if somebody waits for an answer.
    TooLong(Option<String>),
}

impl Messages<'_> {
    async fn next(&mut self) -> Result<Heard, Ended> {
        let text = self.from_client.next().await.and_then(Result::ok).ok_or(Ended::Client)?;
        if text.len() <= KITE_MESSAGE_MAX {
            return Ok(Heard::Text(text));
        }
        let refusal = match Message::read(&text) {
            Ok(Message::Call(call)) => {
                let sentence =
                    format!("a message to this kite may have {KITE_MESSAGE_MAX} bytes, not {}", text.len());
                call.refusal(&Error::too_large(sentence))
            }
            Ok(Message::Invocation(_)) | Err(_) => None,
        };
        Ok(Heard::TooLong(refusal))
    }

    fn ignore(&mut self) -> Result<(), Ended> {
        self.nonsense += 1;
        if self.nonsense < NONSENSE { Ok(()) } else { Err(Ended::Nonsense) }
    }
}

#[cfg(test)]
mod tests;
