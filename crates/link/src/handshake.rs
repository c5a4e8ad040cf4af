//! The WebSocket upgrade that opens an agent's connection, as read and answered by the server.

use std::str::FromStr;

use domain::WorkspaceId;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wire::agent::{CONNECT_PATH, KITE_PATH, PROTOCOL, PROTOCOL_HEADER, WORKSPACE_HEADER};

/// The first protocol with a text plane.
const WITH_TEXT: u32 = 2;

/// Whether a request is an agent's handshake, rather than another Kite client's at the same path.
pub fn is_agent(headers: &HeaderMap) -> bool {
    headers.contains_key(WORKSPACE_HEADER)
}

/// Which door an agent came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `wire::agent::KITE_PATH`. Only for a server where [`crate::Agents::speaks_kite`]: whoever was accepted
    /// here counts on a text plane.
    Kite,
    /// `wire::agent::CONNECT_PATH`, where protocol 1 connects.
    Old,
}

impl Way {
    /// The way that a path is, on a Unix socket.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            KITE_PATH => Some(Self::Kite),
            CONNECT_PATH => Some(Self::Old),
            _ => None,
        }
    }
}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planes {
    /// Binary messages only.
    Bytes,
    /// Text messages, too.
    BytesAndText,
}

/// What an agent says of itself when it connects. Nothing of it is proven before the token was judged.
pub struct Hello {
    /// The workspace it says it is in.
    pub workspace: WorkspaceId,
    /// Its credential, as it came.
    pub token: String,
    /// What its connection will carry.
    pub planes: Planes,
    accept_key: String,
}

/// The request does not open an agent's connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHandshake {
    /// Not a WebSocket upgrade.
    #[error("this is where agents connect; it takes only WebSocket upgrades")]
    NotAnUpgrade,
    /// No workspace, or not an id.
    #[error("the header `{WORKSPACE_HEADER}` does not name a workspace")]
    Workspace,
    /// No credential.
    #[error("the header `authorization` carries no bearer token")]
    Token,
    /// Too old or too new.
    #[error(
        "the agent speaks protocol {0}, this server {PROTOCOL}; restart the workspace, so that it runs this release's agent"
    )]
    Version(u32),
}

impl BadHandshake {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotAnUpgrade | Self::Version(_) => StatusCode::UPGRADE_REQUIRED,
            Self::Workspace => StatusCode::BAD_REQUEST,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }
}

impl Hello {
    /// Reads it from the headers of a request that came this way.
    ///
    /// # Errors
    ///
    /// [`BadHandshake`], to be shown to whoever asked.
    pub fn read(way: Way, headers: &HeaderMap) -> Result<Self, BadHandshake> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let names = |name: &str, word: &str| {
            let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
        };
        if !names(UPGRADE.as_str(), "websocket")
            || !names(CONNECTION.as_str(), "upgrade")
            || text(SEC_WEBSOCKET_VERSION.as_str()) != Some("13")
        {
            return Err(BadHandshake::NotAnUpgrade);
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(BadHandshake::NotAnUpgrade)?;
        let workspace = text(WORKSPACE_HEADER)
            .and_then(|text| WorkspaceId::from_str(text).ok())
            .ok_or(BadHandshake::Workspace)?;
        let token = text(AUTHORIZATION.as_str())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned())
            .ok_or(BadHandshake::Token)?;
        let version = text(PROTOCOL_HEADER).and_then(|text| text.parse().ok()).unwrap_or(match way {
            Way::Kite => PROTOCOL,
            Way::Old => WITH_TEXT - 1,
        });
        if version.abs_diff(PROTOCOL) > 1 {
            return Err(BadHandshake::Version(version));
        }
        let planes =
            if way == Way::Kite && version >= WITH_TEXT { Planes::BytesAndText } else { Planes::Bytes };
        Ok(Self { workspace, token, planes, accept_key: derive_accept_key(key.as_bytes()) })
    }

    /// The answer that accepts. What follows on the connection goes to [`crate::accept_upgraded`].
    pub fn accept<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(key) = HeaderValue::from_str(&self.accept_key) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, key);
        }
        response
    }
}
