//! A way through a proxy: the `CONNECT` method (RFC 9110, section 9.3.6).

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::Error;

/// The most a proxy may say before the tunnel begins. Real ones need a few hundred bytes.
const LONGEST_HEAD: usize = 8 << 10;

/// Host and port of a proxy that is spoken to without TLS.
pub(crate) fn entrance(proxy: &Url) -> Result<(&str, u16), Error> {
    match (proxy.scheme(), proxy.host_str(), proxy.port_or_known_default()) {
        ("http", Some(host), Some(port)) => Ok((host, port)),
        _ => Err(Error::Refused {
            why: format!("plain connections cannot go through `{}`", proxy.origin().ascii_serialization()),
            mend: "give the proxy as `http://host:port`".into(),
        }),
    }
}

/// Asks the proxy at the other end of `stream` for a connection to `target`.
pub(crate) async fn open(
    mut stream: TcpStream,
    proxy: &Url,
    target: &Host,
    port: u16,
) -> Result<TcpStream, Error> {
    let name = proxy.authority();
    let broken = |error| Error::Unreachable { host: name.to_owned(), source: Box::new(error) };
    let ask = format!("CONNECT {target}:{port} HTTP/1.1\r\nHost: {target}:{port}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.map_err(broken)?;
    let mut head = Vec::with_capacity(256);
    // Byte by byte: what comes after the head is not the proxy's any more.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD {
            return Err(Error::TooLarge { host: name.to_owned(), limit: LONGEST_HEAD as u64 });
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(status) => Err(Error::Protocol {
            host: name.to_owned(),
            why: format!("the proxy answers {status} when asked for `{target}:{port}`"),
        }),
        None => Err(Error::Protocol { host: name.to_owned(), why: "this is not a proxy".into() }),
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    let (version, rest) = line.split_once(' ')?;
    let status = rest.get(..3)?.parse().ok()?;
    version.starts_with("HTTP/1.").then_some(status)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_status_is_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\nA: b\r\n\r\n"), Some(407));
        for head in ["", "SSH-2.0-x", "HTTP/2 200 OK", "HTTP/1.1 20", "HTTP/1.1 abc"] {
            assert_eq!(status(head.as_bytes()), None, "{head}");
        }
    }

    proptest! {
        #[test]
        fn any_head_has_a_status_or_none(head in prop::collection::vec(any::<u8>(), 0..60), rest in "\\PC{0,8}") {
            let _status = status(&head);
            let _status = status(format!("HTTP/1.1 {rest}").as_bytes());
        }
    }
}
