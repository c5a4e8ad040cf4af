//! A terminal end to end: how fast a flood comes through, and how soon Ctrl-C ends it.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use super::docker::{Docker, Tty};
use super::hearth::{Hearth, IMAGE};
use super::http::Stream;
use super::report::{Goal, Report};
use super::sample::{Contender, take_turns};

/// Lines of the flood; 70 columns each and a line end.
const LINES: u64 = 600_000;
const LINE: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
/// The prompt we set, to see that the shell is back. Typed in two parts, so its echo is not it.
const PROMPT: &str = "<ready>";
const SET_PROMPT: &str = "stty -echo; PS1='<rea''dy>'; PS2=\n";
/// Viewers tell what they have shown about this often, as our own UI does.
const ACKNOWLEDGE_EVERY: u64 = 128 << 10;
/// How often the throughput is measured; each time is tens of megabytes.
const FLOODS: usize = 5;
/// How often Ctrl-C is measured.
const INTERRUPTS: usize = 15;

/// Something that behaves like a terminal's other end.
trait Terminal {
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// The next bytes, at least one.
    fn read(&mut self) -> Result<Vec<u8>>;
}

/// Measures Hearth over its WebSocket and Docker over its attached stream.
pub(super) fn measure(hearth: &Hearth, docker: &Docker, report: &mut Report) -> Result<()> {
    println!("terminal");
    let workspace = hearth.create(&json!({"name": "terminal", "rootfs": IMAGE}))?;
    let container = docker.resting_container()?;
    let mut ours = Ours::open(hearth, &workspace)?;
    let mut theirs = Theirs { stream: docker.attach(&container, &["sh"], Tty::Yes)?.1 };
    for terminal in [&mut ours as &mut dyn Terminal, &mut theirs] {
        terminal.write(SET_PROMPT.as_bytes())?;
        read_until(terminal, PROMPT)?;
    }
    let floods: Vec<Contender> = vec![
        ("docker exec -t, attached stream", Box::new(|| flood(&mut theirs))),
        ("hearth, WebSocket", Box::new(|| flood(&mut ours))),
    ];
    let samples = take_turns(FLOODS, floods)?;
    let bytes = LINES * (LINE.len() as u64 + 2);
    report.throughput(
        "Terminal throughput",
        &format!(
            "{LINES} lines of 70 columns, {} MB with line ends, from the shell to the client, \
             which acknowledges as the UI does; {FLOODS} times each.",
            bytes / 1_000_000
        ),
        bytes,
        &samples,
        ("hearth, WebSocket", 10.0),
    );
    let interrupts: Vec<Contender> = vec![
        ("docker exec -t, attached stream", Box::new(|| interrupt(&mut theirs))),
        ("hearth, WebSocket", Box::new(|| interrupt(&mut ours))),
    ];
    let samples = take_turns(INTERRUPTS, interrupts)?;
    report.comparison(
        "Ctrl-C under flood",
        &format!(
            "From sending Ctrl-C into an endless flood to the shell's next prompt; {INTERRUPTS} times each."
        ),
        &samples,
        &[Goal::at_most("hearth, WebSocket", Duration::from_millis(500))],
    );
    drop((ours, theirs));
    docker.remove(&container)?;
    hearth.delete(&workspace)
}

/// How long it takes until all lines have come and the prompt is back.
fn flood(terminal: &mut dyn Terminal) -> Result<Duration> {
    terminal.write(format!("yes {LINE} | head -n {LINES}\n").as_bytes())?;
    let begun = Instant::now();
    let count = read_until(terminal, PROMPT)?;
    let time = begun.elapsed();
    let expected = LINES * (LINE.len() as u64 + 2);
    if count < expected {
        bail!("only {count} of {expected} bytes came through");
    }
    Ok(time)
}

/// How long it takes from Ctrl-C to the prompt while a flood runs.
fn interrupt(terminal: &mut dyn Terminal) -> Result<Duration> {
    terminal.write(format!("yes {LINE}\n").as_bytes())?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        terminal.read()?;
    }
    terminal.write(b"\x03")?;
    let begun = Instant::now();
    read_until(terminal, PROMPT)?;
    Ok(begun.elapsed())
}

/// Reads until the text has come, and answers how many bytes that were.
fn read_until(terminal: &mut dyn Terminal, text: &str) -> Result<u64> {
    let mut count = 0;
    let mut tail = vec![];
    loop {
        let bytes = terminal.read()?;
        count += bytes.len() as u64;
        tail.extend_from_slice(&bytes);
        if tail.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(count);
        }
        // The text may lie across two pieces.
        tail.drain(..tail.len().saturating_sub(text.len() - 1));
    }
}

/// A terminal of a workspace, over the public WebSocket.
struct Ours {
    socket: WebSocket<TcpStream>,
    shown: u64,
    acknowledged: u64,
}

impl Ours {
    fn open(hearth: &Hearth, workspace: &str) -> Result<Self> {
        let path = format!("/workspaces/{workspace}/terminals");
        let opened =
            hearth.call("POST", &path, Some(&json!({"columns": 80, "rows": 24, "command": ["sh"]})))?;
        let id = opened["id"].as_u64().context("the terminal has no id")?;
        let url = format!("ws://{}/api/v1{path}/{id}", hearth.host());
        let mut request = url.into_client_request()?;
        let bearer = format!("Bearer {}", hearth.token());
        request.headers_mut().insert("authorization", bearer.parse().context("bad token")?);
        let stream = TcpStream::connect(hearth.host())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { socket, shown: 0, acknowledged: 0 })
    }

    fn control(&mut self, document: &serde_json::Value) -> Result<()> {
        Ok(self.socket.send(Message::text(document.to_string()))?)
    }
}

impl Terminal for Ours {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(bytes.to_vec()))?)
    }

    fn read(&mut self) -> Result<Vec<u8>> {
        loop {
            match self.socket.read()? {
                Message::Binary(bytes) => {
                    self.shown += bytes.len() as u64;
                    if self.shown - self.acknowledged >= ACKNOWLEDGE_EVERY {
                        self.acknowledged = self.shown;
                        self.control(&json!({"type": "ack", "sequence": self.shown}))?;
                    }
                    return Ok(bytes.to_vec());
                }
                Message::Text(text) => {
                    let control: serde_json::Value = serde_json::from_str(&text)?;
                    match control["type"].as_str() {
                        Some("hello") => self.shown = control["sequence"].as_u64().unwrap_or_default(),
                        Some("exit") => bail!("the shell ended: {control}"),
                        _ => {}
                    }
                }
                Message::Close(why) => bail!("the server closed the terminal: {why:?}"),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

/// A terminal of a container, over the engine's attached stream.
struct Theirs {
    stream: BufReader<Stream>,
}

impl Terminal for Theirs {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    fn read(&mut self) -> Result<Vec<u8>> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the engine closed the stream"),
                Ok(count) => {
                    buffer.truncate(count);
                    return Ok(buffer);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot read the attached stream"),
            }
        }
    }
}
