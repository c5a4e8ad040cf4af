//! Stands between Hearth and a forge, passes everything on, and knows how long the forge took for each answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// One question to the forge.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Method and path, without the query.
    pub(super) what: String,
    /// When its last byte went to the forge.
    sent: Instant,
    /// When the last byte of the answer had come back; as early as it was sent while there is none.
    answered: Instant,
}

/// A relay for HTTP/1.1 that takes times.
pub(super) struct Meter {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Meter {
    /// Begins to pass on to `host:port`, until this process ends.
    pub(super) fn start(forge: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen for Hearth's questions")?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::default();
        let (all, forge) = (Arc::clone(&asked), forge.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if let Err(error) = relay(client, &forge, &all) {
                    eprintln!("a connection to the forge was not passed on: {error:#}");
                }
            }
        });
        Ok(Self { url, asked })
    }

    /// Where it listens, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// How many questions there were so far.
    pub(super) fn count(&self) -> usize {
        hold(&self.asked).len()
    }

    /// The questions after the first `count`.
    pub(super) fn since(&self, count: usize) -> Vec<Asked> {
        hold(&self.asked).get(count..).unwrap_or_default().to_vec()
    }
}

/// How long the forge was busy with any of these questions; at the same time counts once.
pub(super) fn busy(asked: &[Asked]) -> Duration {
    let mut spans: Vec<(Instant, Instant)> = asked.iter().map(|one| (one.sent, one.answered)).collect();
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut until = None;
    for (from, to) in spans {
        let from = until.map_or(from, |until: Instant| until.max(from));
        total += to.saturating_duration_since(from);
        until = Some(until.map_or(to, |until| until.max(to)));
    }
    total
}

fn hold(asked: &Mutex<Vec<Asked>>) -> std::sync::MutexGuard<'_, Vec<Asked>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes one connection on in both directions.
fn relay(client: TcpStream, forge: &str, asked: &Arc<Mutex<Vec<Asked>>>) -> Result<()> {
    let upstream = TcpStream::connect(forge).with_context(|| format!("cannot connect to `{forge}`"))?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    // A connection has one question at a time.
    let present: Arc<Mutex<Present>> = Arc::default();
    let (from_client, to_forge) = (client.try_clone()?, upstream.try_clone()?);
    let (questions, waiting) = (Arc::clone(asked), Arc::clone(&present));
    std::thread::spawn(move || pump(from_client, to_forge, |bytes| question(bytes, &questions, &waiting)));
    let answers = Arc::clone(asked);
    std::thread::spawn(move || pump(upstream, client, |_| answer(&answers, &present)));
    Ok(())
}

#[derive(Default)]
struct Present {
    /// Its place among all.
    place: Option<usize>,
    /// Whether some of its answer has come.
    is_answered: bool,
}

fn question(bytes: &[u8], asked: &Mutex<Vec<Asked>>, present: &Mutex<Present>) {
    let now = Instant::now();
    let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = hold(asked);
    match present.place {
        // The rest of a question.
        Some(place) if !present.is_answered => {
            if let Some(one) = all.get_mut(place) {
                (one.sent, one.answered) = (now, now);
            }
        }
        _ => {
            all.push(Asked { what: named(bytes), sent: now, answered: now });
            *present = Present { place: Some(all.len() - 1), is_answered: false };
        }
    }
}

fn answer(asked: &Mutex<Vec<Asked>>, present: &Mutex<Present>) {
    let now = Instant::now();
    let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
    present.is_answered = true;
    let mut all = hold(asked);
    if let Some(one) = present.place.and_then(|place| all.get_mut(place)) {
        one.answered = now;
    }
}

/// Method and path of a request.
fn named(bytes: &[u8]) -> String {
    let head = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    format!("{method} {}", target.split('?').next().unwrap_or_default())
}

/// Passes bytes on until one side has ended.
fn pump(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        seen(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // The other direction ends by itself.
    drop(to.shutdown(Shutdown::Write));
}

#[cfg(test)]
mod tests {
    use super::super::super::http::{Address, Connection};
    use super::*;

    fn asked(begun: Instant, from: u64, to: u64) -> Asked {
        let at = |millis| begun + Duration::from_millis(millis);
        Asked { what: String::new(), sent: at(from), answered: at(to) }
    }

    #[test]
    fn questions_at_the_same_time_count_once() {
        let begun = Instant::now();

        assert_eq!(busy(&[]), Duration::ZERO);
        let all = [asked(begun, 30, 40), asked(begun, 0, 10), asked(begun, 5, 20), asked(begun, 6, 7)];
        assert_eq!(busy(&all), Duration::from_millis(30));
    }

    #[test]
    fn a_forge_is_timed_and_its_answer_passed_on_unchanged() {
        let forge = TcpListener::bind("127.0.0.1:0").unwrap();
        let meter = Meter::start(&forge.local_addr().unwrap().to_string()).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = forge.accept().unwrap();
            for _ in 0..2 {
                let mut seen = vec![];
                while !seen.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    seen.push(byte[0]);
                }
                std::thread::sleep(Duration::from_millis(20));
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            }
        });
        let host = meter.url().strip_prefix("http://").unwrap().to_owned();
        let mut connection = Connection::open(&Address::Tcp(host), None).unwrap();

        let answers = ["/a?b=c", "/d"].map(|path| {
            let answer = connection.ask("GET", path, &[], &mut std::io::empty(), 0).unwrap();
            answer.text()
        });

        assert_eq!(answers, ["ok", "ok"]);
        let all = meter.since(0);
        assert_eq!(all.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["GET /a", "GET /d"]);
        assert!(busy(&all) >= Duration::from_millis(40), "{all:?}");
        assert_eq!((meter.count(), meter.since(1).len(), meter.since(9).len()), (2, 1, 0));
    }
}
