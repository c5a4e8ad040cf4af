//! A browser's WebSocket on one side, a stream of the agent on the other, and nothing kept between.
//!
//! Each direction waits for its reader, so a slow browser slows the agent's stream and a slow agent
//! the browser. Neither direction waits for the other.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use domain::Caller;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use http::request::Parts;
use link::{AgentClient, Duplex, LinkError};
use tokio::time::timeout;
use wire::agent::ExecRequest;
use wire::frame::Exit;

use super::bridge::{self, Dialect};
use super::{Ended, ended};
use crate::app::App;
use crate::error::ApiError;

/// Longest message a browser may send: a large paste. Longer ones close the socket.
const MESSAGE_MAX: usize = 1 << 20;
/// How long a client has to say which command it wants.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);
/// Exit code of a command that could not be started, as in a shell.
const CANNOT_RUN: i32 = 126;
/// How long a browser has to take the last message.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a socket was closed, as the browser is told (RFC 6455, 7.4: 4000–4999 are ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Close {
    /// The process has ended.
    Finished = 1000,
    /// The server restarts; come back.
    Restarting = 1012,
    /// A message that makes no sense.
    Nonsense = 4400,
    /// The caller may no longer be here.
    Revoked = 4401,
    /// The terminal or workspace is not there (any more).
    Missing = 4404,
    /// The browser fell silent.
    Silent = 4408,
    /// The connection to the agent broke; come back.
    AgentGone = 4502,
}

impl Close {
    fn reason(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Restarting => "the server restarts",
            Self::Nonsense => "a message that makes no sense",
            Self::Revoked => "signed out",
            Self::Missing => "not there any more",
            Self::Silent => "no sign of life",
            Self::AgentGone => "the connection to the workspace broke",
        }
    }
}

impl From<Ended> for Close {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Revoked => Self::Revoked,
            Ended::Stopping => Self::Restarting,
        }
    }
}

impl From<&LinkError> for Close {
    fn from(error: &LinkError) -> Self {
        if error.is_not_found() { Self::Missing } else { Self::AgentGone }
    }
}

/// A request that can become a WebSocket.
pub(crate) struct Upgrade(WebSocketUpgrade);

impl FromRequestParts<App> for Upgrade {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        WebSocketUpgrade::from_request_parts(parts, app)
            .await
            .map(Self)
            .map_err(|rejection| refuse(&rejection))
    }
}

fn refuse(rejection: &WebSocketUpgradeRejection) -> ApiError {
    let detail = format!("this is a WebSocket: {}", rejection.body_text());
    ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail)
        .mend("open it with a WebSocket client")
}

/// What a socket is for.
pub(crate) enum Talk {
    /// Watching and typing in a terminal that was attached to.
    Terminal(Duplex),
    /// Running the command that the first message names.
    Command(AgentClient),
}

impl Upgrade {
    /// Switches protocols and talks until either side ends it or the caller may no longer be here.
    pub(crate) fn serve(self, app: &App, caller: &Caller, talk: Talk) -> Response {
        let ended = Box::pin(ended(app, caller));
        self.0.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX).on_upgrade(
            move |socket| async move {
                let (to_browser, from_browser) = socket.split();
                let mut ends = Ends { to_browser, from_browser };
                let close = tokio::select! {
                    close = talk.run(&mut ends) => close,
                    ended = ended => ended.into(),
                };
                ends.say_goodbye(close).await;
            },
        )
    }
}

impl Talk {
    async fn run(self, ends: &mut Ends) -> Close {
        match self {
            Self::Terminal(duplex) => bridge::run(ends, duplex, Dialect::Terminal).await,
            Self::Command(agent) => run_command(ends, &agent).await,
        }
    }
}

async fn run_command(ends: &mut Ends, agent: &AgentClient) -> Close {
    let first = timeout(FIRST_MESSAGE, ends.from_browser.next()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else { return Close::Nonsense };
    let refusal = match serde_json::from_str::<ExecRequest>(text.as_str()) {
        Err(error) => format!("the first message is not a request to run a command: {error}"),
        Ok(request) => match agent.exec_stream(&request).await {
            Ok(duplex) => return bridge::run(ends, duplex, Dialect::Command).await,
            Err(error @ (LinkError::Gone | LinkError::Protocol(_))) => return Close::from(&error),
            Err(LinkError::Agent { problem, .. }) => problem.detail,
        },
    };
    let exit = Exit { exit_code: CANNOT_RUN, timed_out: false, problem: Some(refusal) };
    let text = serde_json::to_string(&exit).unwrap_or_default();
    match ends.to_browser.send(Message::text(text)).await {
        Ok(()) => Close::Finished,
        Err(_) => Close::Silent,
    }
}

/// Both directions of a browser's socket.
pub(super) struct Ends {
    pub(super) to_browser: SplitSink<WebSocket, Message>,
    pub(super) from_browser: SplitStream<WebSocket>,
}

impl Ends {
    /// Says why, and waits a moment for the browser to hear it: closing a connection with something
    /// unread in it may throw away what was said last.
    async fn say_goodbye(mut self, close: Close) {
        let frame = CloseFrame { code: close as u16, reason: close.reason().into() };
        let farewell = async {
            self.to_browser.send(Message::Close(Some(frame))).await?;
            while let Some(Ok(message)) = self.from_browser.next().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
            Ok::<_, axum::Error>(())
        };
        let is_heard = matches!(timeout(GOODBYE, farewell).await, Ok(Ok(())));
        tracing::debug!(?close, is_heard, "socket closed");
    }
}
