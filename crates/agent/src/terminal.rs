//! Terminals: processes on a PTY that live until they end or are closed, whoever watches.

mod attach;
mod life;
mod output;
mod ring;
mod session;
mod watching;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use rustix::process::{Pid, Signal};
use rustix::termios::{Winsize, tcgetpgrp, tcsetwinsize};
use tokio::sync::mpsc;
use wire::agent::{OpenTerminal, TerminalInfo};

use crate::agent::Parts;
use crate::problem::Problem;
use crate::process::{group_exists, signal_group};

pub(crate) use attach::attach;
use output::Output;
use session::Session;
pub(crate) use session::{NameRefused, Place};
pub(crate) use watching::{Seen, Watching};

/// Terminals that run at the same time.
const RUNNING_MAX: usize = 100;
/// Ended terminals that are remembered for whoever still wants to read them; more push out the oldest.
const ENDED_MAX: usize = 20;
/// How long processes have to end after the terminal was hung up.
const GRACE: Duration = Duration::from_secs(2);
/// How often those that were in the foreground are looked for while they have that time.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Every terminal of the workspace.
pub(crate) struct Terminals {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_id: BTreeMap<u32, Arc<Terminal>>,
    last_id: u32,
}

impl Terminals {
    pub(crate) fn new() -> Self {
        Self { all: Mutex::default() }
    }

    /// Opens one.
    pub(crate) fn open(&self, parts: &Arc<Parts>, request: OpenTerminal) -> Result<TerminalInfo, Problem> {
        let mut all = self.lock();
        let (ended, running): (Vec<_>, Vec<_>) = all
            .by_id
            .iter()
            .map(|(id, terminal)| (*id, terminal.output.is_ended()))
            .partition(|(_, ended)| *ended);
        if running.len() >= RUNNING_MAX {
            return Err(Problem::invalid(
                format!("cannot open another terminal: {RUNNING_MAX} are open"),
                "Close one that is not needed any more.",
            ));
        }
        let surplus = (ended.len() + 1).saturating_sub(ENDED_MAX);
        for (id, _) in ended.into_iter().take(surplus) {
            all.by_id.remove(&id);
        }
        let id = all.last_id + 1;
        let terminal = life::begin(id, parts, request)?;
        all.last_id = id;
        let info = terminal.info();
        all.by_id.insert(id, terminal);
        Ok(info)
    }

    pub(crate) fn list(&self) -> Vec<TerminalInfo> {
        self.lock().by_id.values().map(|terminal| terminal.info()).collect()
    }

    pub(crate) fn get(&self, id: u32) -> Result<Arc<Terminal>, Problem> {
        self.lock().by_id.get(&id).cloned().ok_or_else(|| unknown(id))
    }

    /// Hangs one up and forgets it.
    pub(crate) fn close(&self, id: u32) -> Result<(), Problem> {
        let terminal = self.lock().by_id.remove(&id).ok_or_else(|| unknown(id))?;
        // Ends within the grace period, or sooner.
        tokio::spawn(async move { terminal.hang_up().await });
        Ok(())
    }

    /// Hangs all up, forgets them, and answers when their processes have ended.
    pub(crate) async fn hang_up_all(&self) {
        let all = std::mem::take(&mut self.lock().by_id);
        futures_util::future::join_all(all.values().map(|terminal| terminal.hang_up())).await;
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(id: u32) -> Problem {
    Problem::not_found(
        format!("there is no terminal {id}"),
        "Open a new one. Terminals end with the workspace's agent, such as at a restart.",
    )
}

/// One terminal.
pub(crate) struct Terminal {
    id: u32,
    title: String,
    is_task: bool,
    opened_at: Timestamp,
    /// The first process: leader of the session and of a process group.
    leader: Pid,
    /// The PTY once more, for its size and its foreground group.
    pty: OwnedFd,
    size: Mutex<(u16, u16)>,
    /// Typed keys on their way to the PTY. Full when the program inside does not read; typing then
    /// waits.
    input: mpsc::Sender<Bytes>,
    output: Output,
    session: Session,
}

impl Terminal {
    fn info(&self) -> TerminalInfo {
        let (columns, rows) = self.size();
        TerminalInfo {
            id: self.id,
            title: self.session.name().unwrap_or_else(|| self.title.clone()),
            is_task: self.is_task,
            columns,
            rows,
            opened_at: self.opened_at,
            exit_code: self.output.exit_code(),
            viewers: self.output.viewers(),
            next_sequence: self.output.next_sequence(),
        }
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where typed keys go. Fails once the process has ended.
    pub(crate) fn input(&self) -> &mpsc::Sender<Bytes> {
        &self.input
    }

    /// Tells the processes inside a new size, if it is one.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        if columns == 0 || rows == 0 {
            return;
        }
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = (columns, rows);
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        if let Err(error) = tcsetwinsize(&self.pty, size) {
            tracing::debug!(error = %error, "cannot resize terminal {}", self.id);
        }
    }

    /// Makes a full-screen program paint itself anew: a size it has not, then the one it has.
    pub(crate) fn repaint(&self) {
        let (columns, rows) = self.size();
        let other = if rows > 1 { rows - 1 } else { rows + 1 };
        self.resize(columns, other);
        self.resize(columns, rows);
    }

    /// Sends a signal to what runs in the foreground.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.foreground() {
            signal_group(group, signal);
        }
    }

    /// The process group in the foreground, while the first process lives.
    fn foreground(&self) -> Option<Pid> {
        if self.output.is_ended() { None } else { tcgetpgrp(&self.pty).ok() }
    }

    /// Whether something other than the waiting shell runs in the foreground.
    fn has_foreground_job(&self) -> bool {
        self.is_task || self.foreground().is_some_and(|group| group != self.leader)
    }

    /// Asks everything inside to end, as a closed window does, and makes it end after a while.
    async fn hang_up(&self) {
        // Asked for now: once the first process has ended, nobody knows what was in the foreground.
        let foreground = self.foreground().filter(|group| *group != self.leader);
        for signal in [Signal::HUP, Signal::CONT] {
            self.signal_all(signal);
        }
        let ended = async {
            self.output.ended().await;
            while foreground.is_some_and(group_exists) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            if let Some(group) = foreground.filter(|group| group_exists(*group)) {
                signal_group(group, Signal::KILL);
            }
            self.signal_all(Signal::KILL);
            // The kernel needs a moment. A process that cannot die waits for a disk or worse.
            drop(tokio::time::timeout(GRACE, self.output.ended()).await);
        }
    }

    fn signal_all(&self, signal: Signal) {
        if self.output.is_ended() {
            return;
        }
        if let Some(group) = self.foreground().filter(|group| *group != self.leader) {
            signal_group(group, signal);
        }
        signal_group(self.leader, signal);
    }
}
