//! A web server that says exactly what a test wants, and names that lead where a test wants.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use outbound::{Resolver, Resolving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// A server that answers the first request with the first text, and so on; the last text stays.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Vec<String> = answers.into_iter().collect();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                let mut body = vec![0; content_length(&request)];
                if stream.read_exact(&mut body).await.is_ok() {
                    request.extend(body);
                }
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(String::from_utf8_lossy(&request).into_owned());
                    seen.len() - 1
                };
                let answer = answers.get(number).or(answers.last()).cloned().unwrap_or_default();
                tokio::spawn(async move {
                    // A test may stop listening early.
                    let _lost = stream.write_all(answer.trim_end_matches(HANG).as_bytes()).await;
                    if answer.ends_with(HANG) {
                        std::future::pending::<()>().await;
                    }
                    let _lost = stream.shutdown().await;
                });
            }
        });
        Self { port, requests }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.named("127.0.0.1", path)
    }

    pub(crate) fn named(&self, host: &str, path: &str) -> Url {
        Url::parse(&format!("http://{host}:{}{path}", self.port)).unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    length.unwrap_or(0)
}

/// Ends an answer after which the server stays silent without closing.
pub(crate) const HANG: &str = "\u{0}";

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

pub(crate) fn status(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

pub(crate) fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Names as a test wants them. Each look-up of a name gives its next answer; the last stays.
#[derive(Default)]
pub(crate) struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn name(mut self, host: &str, answers: &[&[&str]]) -> Self {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        self.answers.insert(host.to_owned(), answers.iter().map(parse).collect());
        self
    }
}

impl Resolver for Names {
    fn resolve(&self, host: &str) -> Resolving {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.get(host).map(|answers| answers[number.min(answers.len() - 1)].clone());
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such host")) })
    }
}
