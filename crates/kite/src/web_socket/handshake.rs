//! The WebSocket upgrade as a server reads and answers it.

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A client's wish for a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upgrade {
    accept_key: String,
}

/// Why a request that wants a WebSocket does not get one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUpgrade {
    /// `Sec-WebSocket-Version` is not 13.
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    /// No key, or not a GET.
    #[error("this is not a WebSocket handshake")]
    Malformed,
}

impl Upgrade {
    /// Reads it from a request; `None` when it does not ask for a WebSocket at all.
    pub(crate) fn read(method: &Method, headers: &HeaderMap) -> Option<Result<Self, BadUpgrade>> {
        if !names(headers, &UPGRADE, "websocket") {
            return None;
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| (1..=128).contains(&key.len()));
        Some(match key {
            Some(key) if method == Method::GET && names(headers, &CONNECTION, "upgrade") => {
                let version = headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
                if version == Some(b"13") {
                    Ok(Self { accept_key: derive_accept_key(key.as_bytes()) })
                } else {
                    Err(BadUpgrade::Version)
                }
            }
            _ => Err(BadUpgrade::Malformed),
        })
    }

    /// The answer that accepts.
    pub(crate) fn accept<B: Default>(&self) -> Response<B> {
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

impl BadUpgrade {
    /// The status to answer with.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

/// Whether the comma-separated list in a header has the word. Headers may come in several lines.
fn names(headers: &HeaderMap, name: &http::HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Option<Result<Upgrade, BadUpgrade>> {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        });
        Upgrade::read(&Method::GET, &headers.collect())
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_as_there() {
        let upgrade = read(&[
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);

        let response: Response<()> = upgrade.unwrap().unwrap().accept();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_only_looks_like_a_handshake_is_none() {
        let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let version = ("sec-websocket-version", "13");

        assert_eq!(read(&[("connection", "upgrade"), key, version]), None);
        assert_eq!(read(&[("upgrade", "h2c"), ("connection", "upgrade"), key, version]), None);
        assert_eq!(read(&[("upgrade", "websocket"), key, version]), Some(Err(BadUpgrade::Malformed)));
        let both = [("upgrade", "websocket"), ("connection", "upgrade")];
        assert_eq!(read(&[both[0], both[1], version]), Some(Err(BadUpgrade::Malformed)));
        assert_eq!(read(&[both[0], both[1], key]), Some(Err(BadUpgrade::Version)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_headers_are_read_without_panic(values in proptest::collection::vec("[ -~\u{80}-\u{ff}]{0,40}", 4)) {
            let mut headers = HeaderMap::new();
            for (name, value) in [UPGRADE, CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION].iter().zip(&values) {
                if let Ok(value) = HeaderValue::from_str(value) {
                    headers.append(name, value);
                }
            }
            let unasked = Upgrade::read(&Method::GET, &headers);
            headers.append(UPGRADE, HeaderValue::from_static("websocket"));
            let asked = Upgrade::read(&Method::GET, &headers);

            prop_assert!(asked.is_some());
            if let Some(Ok(upgrade)) = unasked.into_iter().chain(asked).next() {
                prop_assert!(upgrade.accept::<()>().headers().contains_key(SEC_WEBSOCKET_ACCEPT));
            }
        }
    }
}
