//! Raw connections and WebSockets for tests.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::app::{LIMIT, Person, TestApp};

/// Sends bytes as they are and answers what comes back within a moment, or until the end.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // Whoever refuses a body keeps the connection open to read it: the head is enough.
    while let Ok(Ok(read)) = timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// A WebSocket as a browser of `person` opens it.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn open(app: &TestApp, person: &Person, path: &str) -> Self {
        Self::try_open(app, person, path).await.unwrap()
    }

    /// The status of the refusal where it is refused.
    pub(crate) async fn try_open(app: &TestApp, person: &Person, path: &str) -> Result<Self, u16> {
        let mut request = format!("ws://{}{path}", app.address).into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", format!("hearth_session={}", person.session).parse().unwrap());
        headers.insert("origin", format!("http://{}", app.address).parse().unwrap());
        let stream = TcpStream::connect(app.address).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// The next message that is not a heartbeat; `None` once it is closed.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            match timeout(LIMIT, self.0.next()).await.expect("silence") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next text message as JSON; what comes before it is thrown away.
    pub(crate) async fn control(&mut self) -> serde_json::Value {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Binary(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code it is closed with; 0 where it broke off.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.map_or(0, |frame| frame.code.into()),
                Some(_) => {}
                None => return 0,
            }
        }
    }
}
