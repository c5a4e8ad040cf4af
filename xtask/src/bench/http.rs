//! As much of an HTTP/1.1 client as measuring needs: one kept-alive connection over TCP or a Unix
//! socket, no time lost in a pool or a runtime.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A server that takes longer than this to say anything is broken.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where a server listens.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// `host:port`.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Either kind of connection.
pub(super) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Stream {
    fn open(address: &Address) -> Result<Self> {
        Ok(match address {
            Address::Tcp(host) => {
                let stream =
                    TcpStream::connect(host).with_context(|| format!("cannot connect to `{host}`"))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Self::Tcp(stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)
                    .with_context(|| format!("cannot connect to `{}`", path.display()))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Self::Unix(stream)
            }
        })
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buffer),
            Self::Unix(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}

/// How much of an answer's body is still to come.
enum Left {
    Bytes(u64),
    Chunks,
    Nothing,
}

/// One connection, used for one request after the other.
pub(super) struct Connection {
    address: Address,
    stream: BufReader<Stream>,
    token: Option<String>,
    headers: Vec<(String, String)>,
    left: Left,
    used: Instant,
}

/// What a server answered, whether that is a success or not.
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// All values of a header, whose name is written small.
    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that rested this long may have been closed by the server, which all servers may do.
const FRESH: Duration = Duration::from_secs(2);

impl Connection {
    /// Connects. The token, if any, goes with every request.
    pub(super) fn open(address: &Address, token: Option<&str>) -> Result<Self> {
        let stream = BufReader::with_capacity(64 << 10, Stream::open(address)?);
        let token = token.map(Into::into);
        let (address, used) = (address.clone(), Instant::now());
        Ok(Self { address, stream, token, headers: vec![], left: Left::Nothing, used })
    }

    /// One request with a JSON body or none; the answer as JSON, null where it has no body.
    pub(super) fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (kind, bytes) = match body {
            Some(body) => ("application/json", body.to_string().into_bytes()),
            None => ("", vec![]),
        };
        let answer = self.send(method, path, kind, &mut bytes.as_slice(), bytes.len() as u64)?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).with_context(|| format!("the answer to {method} {path} is not JSON"))
    }

    /// One request with a body of any kind; the answer's bytes.
    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: &mut dyn Read,
        length: u64,
    ) -> Result<Vec<u8>> {
        let answer = self.ask(method, path, &[("content-type", kind)], body, length)?;
        if answer.status >= 300 {
            bail!("{method} {path} answered {}: {}", answer.status, answer.text());
        }
        Ok(answer.body)
    }

    /// One request; whatever is answered, refusals and redirects too.
    pub(super) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &mut dyn Read,
        length: u64,
    ) -> Result<Answer> {
        if self.used.elapsed() > FRESH {
            *self = Self::open(&self.address, self.token.as_deref())?;
        }
        let asked = || format!("{method} {path}");
        let status = self.begin(method, path, headers, body, length).with_context(asked)?;
        let mut body = vec![];
        while self.read_some(&mut body).with_context(asked)? {}
        self.used = Instant::now();
        Ok(Answer { status, headers: std::mem::take(&mut self.headers), body })
    }

    /// Sends a request and reads the answer's head; its body is left to [`Connection::read_some`].
    pub(super) fn begin(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &mut dyn Read,
        length: u64,
    ) -> Result<u16> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n");
        if let Some(token) = &self.token {
            head.extend(["authorization: Bearer ", token, "\r\n"]);
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        let stream = self.stream.get_mut();
        if length <= 1 << 16 {
            body.read_to_end(&mut bytes)?;
            stream.write_all(&bytes)?;
        } else {
            stream.write_all(&bytes)?;
            std::io::copy(body, stream)?;
        }
        self.read_head()
    }

    fn read_head(&mut self) -> Result<u16> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        let status = status.context("the server does not speak HTTP/1.1")?;
        self.left = Left::Nothing;
        self.headers.clear();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { return Ok(status) };
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "content-length" => self.left = Left::Bytes(value.parse()?),
                "transfer-encoding" if value.to_ascii_lowercase().contains("chunked") => {
                    self.left = Left::Chunks;
                }
                _ => {}
            }
            self.headers.push((name, value.to_owned()));
        }
    }

    /// Reads the next piece of the body; false when there is no more.
    pub(super) fn read_some(&mut self, into: &mut Vec<u8>) -> Result<bool> {
        match self.left {
            Left::Nothing => return Ok(false),
            Left::Bytes(length) => {
                self.stream.by_ref().take(length).read_to_end(into)?;
                self.left = Left::Nothing;
            }
            Left::Chunks => {
                let line = self.line()?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16).context("bad chunk in an answer")?;
                self.stream.by_ref().take(size).read_to_end(into)?;
                self.line()?;
                if size == 0 {
                    self.left = Left::Nothing;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).context("cannot read the server's answer")? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Gives up HTTP: the bare connection, after an upgrade.
    pub(super) fn into_stream(self) -> BufReader<Stream> {
        self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers one connection with fixed bytes, once it has seen the end of a head.
    fn answering(text: &'static str) -> Address {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = vec![];
            while !seen.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            stream.write_all(text.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn bodies_by_length_and_in_chunks_are_read() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
        ] {
            let mut connection = Connection::open(&answering(text), None).unwrap();

            assert_eq!(connection.call("GET", "/", None).unwrap()["a"], 1);
        }
    }

    #[test]
    fn a_refusal_is_an_error_with_its_text() {
        let address = answering("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nwhy?");
        let mut connection = Connection::open(&address, None).unwrap();

        let error = connection.call("GET", "/x", None).unwrap_err();

        assert_eq!(error.to_string(), "GET /x answered 409: why?");
    }

    #[test]
    fn a_redirect_is_an_answer_with_its_headers_as_they_came() {
        let text = "HTTP/1.1 303 See Other\r\nLocation: /A?b=C\r\nSet-Cookie: a=B\r\nset-cookie: c=D\r\n\r\n";
        let mut connection = Connection::open(&answering(text), None).unwrap();

        let answer = connection.ask("GET", "/", &[], &mut std::io::empty(), 0).unwrap();

        assert_eq!((answer.status, answer.headers("location").next()), (303, Some("/A?b=C")));
        assert_eq!(answer.headers("set-cookie").collect::<Vec<_>>(), ["a=B", "c=D"]);
    }

    #[test]
    fn an_answer_without_a_body_is_null() {
        let mut connection = Connection::open(&answering("HTTP/1.1 204 No Content\r\n\r\n"), None).unwrap();

        assert_eq!(connection.call("DELETE", "/x", None).unwrap(), Value::Null);
    }
}
