//! A proxy in front of a server, as there is one in front of most: its address stays while the server behind
//! it comes and goes, and it can cut what goes through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use blackbox::server::{Options, Server};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

#[derive(Default)]
struct Way {
    /// Where the server is.
    to: Option<SocketAddr>,
    through: Vec<AbortHandle>,
    /// When each connection came that was led to a server.
    came: Vec<Instant>,
}

/// The proxy. It ends with the test.
pub(crate) struct Front {
    pub(crate) url: String,
    way: Arc<Mutex<Way>>,
    _accepting: JoinSet<()>,
}

impl Front {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let way = Arc::<Mutex<Way>>::default();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&way)));
        Self { url, way, _accepting: accepting }
    }

    /// How a server behind it is started.
    pub(crate) fn options(&self) -> Options {
        Options::set(&[&format!("server.public_url={}", self.url)])
    }

    /// Leads to this server from now on.
    pub(crate) fn lead_to(&self, server: &Server) {
        self.way.lock().unwrap().to = Some(listens(server.pid()));
    }

    /// Leads nowhere, as when the server's machine is gone: who comes is turned away.
    pub(crate) fn lead_nowhere(&self) {
        self.way.lock().unwrap().to = None;
    }

    /// When the connections came that were led to a server since this was asked last.
    pub(crate) fn came(&self) -> Vec<Instant> {
        std::mem::take(&mut self.way.lock().unwrap().came)
    }

    /// Cuts all connections through it.
    pub(crate) fn cut(&self) {
        for connection in self.way.lock().unwrap().through.drain(..) {
            connection.abort();
        }
    }
}

async fn accept(listener: TcpListener, way: Arc<Mutex<Way>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let Some(to) = way.lock().unwrap().to else { continue };
        let through = tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(to).await {
                drop(copy_bidirectional(&mut client, &mut server).await);
            }
        });
        let mut way = way.lock().unwrap();
        way.came.push(Instant::now());
        way.through.retain(|connection| !connection.is_finished());
        way.through.push(through.abort_handle());
    }
}

/// Where a process listens on this machine: the server is told to take any port, and announces its public address.
fn listens(pid: u32) -> SocketAddr {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Local address, state (0A: listening), inode.
        let (address, is_listening) = (fields.get(1)?, *fields.get(3)? == "0A");
        let is_its = sockets.iter().any(|socket| Some(&socket.as_str()) == fields.get(9));
        (is_listening && is_its).then(|| u16::from_str_radix(address.split(':').nth(1)?, 16).ok())?
    });
    SocketAddr::from(([127, 0, 0, 1], port.expect("the server listens")))
}
