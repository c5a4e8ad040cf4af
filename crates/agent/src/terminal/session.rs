//! A terminal as a session: found and renamed by name, taken over by the next who wants it alone.
//!
//! Every terminal is a session under its id, `7`, until somebody gives it a name. The name is also what
//! lists show as its title.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{Terminal, Terminals};

/// Longest name. It stands in a tab's title.
const NAME_MAX: usize = 64;

/// Why a terminal cannot have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameRefused {
    /// Empty, too long, or with characters that cannot be shown.
    #[error("a session's name is 1 to {NAME_MAX} visible characters")]
    Shape,
    /// Names of digits only are the ids of terminals.
    #[error("a session's name is more than a number: numbers are the names that sessions have by themselves")]
    Number,
    /// Another one has it.
    #[error("another session has this name")]
    Taken,
    /// There is nothing to rename.
    #[error("there is no such session")]
    Unknown,
}

/// What makes a terminal a session.
pub(super) struct Session {
    name: Mutex<Option<String>>,
    /// Ends with the connection that opened it, and nobody else finds it by name.
    is_private: Mutex<bool>,
    /// Counts who took it over, so that those who watch learn of it.
    turn: watch::Sender<u64>,
}

/// A right to watch until somebody takes the terminal over.
pub(crate) struct Place(watch::Receiver<u64>);

impl Place {
    /// Waits until somebody else has taken the terminal over.
    pub(crate) async fn lost(&mut self) {
        // The sender lives as long as the terminal; without it nobody takes anything over any more.
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Session {
    pub(super) fn new() -> Self {
        Self { name: Mutex::default(), is_private: Mutex::default(), turn: watch::channel(0).0 }
    }

    pub(super) fn name(&self) -> Option<String> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_name(&self, name: &str) {
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
    }

    fn is_private(&self) -> bool {
        *self.is_private.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Its name as a session.
    pub(crate) fn session_name(&self) -> String {
        self.session.name().unwrap_or_else(|| self.id.to_string())
    }

    /// Whether its process has ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.output.is_ended()
    }

    /// Lets nobody find it by name any more.
    pub(crate) fn make_private(&self) {
        *self.session.is_private.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// A place beside all who watch already.
    pub(crate) fn join_others(&self) -> Place {
        Place(self.session.turn.subscribe())
    }

    /// A place that ends those of all who have one.
    pub(crate) fn take_over(&self) -> Place {
        self.session.turn.send_modify(|turn| *turn += 1);
        Place(self.session.turn.subscribe())
    }
}

impl Terminals {
    /// Those whose process runs and that can be found by name, oldest first.
    pub(crate) fn sessions(&self) -> Vec<Arc<Terminal>> {
        let all = self.lock();
        let running = |terminal: &&Arc<Terminal>| !terminal.is_ended() && !terminal.session.is_private();
        all.by_id.values().filter(running).cloned().collect()
    }

    /// The running one of this name.
    pub(crate) fn session(&self, name: &str) -> Option<Arc<Terminal>> {
        self.sessions().into_iter().find(|terminal| terminal.session_name() == name)
    }

    /// Whether a session could be given this name.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), NameRefused> {
        let length = name.chars().count();
        if length == 0 || length > NAME_MAX || name.trim() != name || name.contains(char::is_control) {
            return Err(NameRefused::Shape);
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NameRefused::Number);
        }
        if self.session(name).is_some() {
            return Err(NameRefused::Taken);
        }
        Ok(())
    }

    /// Gives the session `old` another name.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn rename(&self, old: &str, new: &str) -> Result<(), NameRefused> {
        let terminal = self.session(old).ok_or(NameRefused::Unknown)?;
        if old == new {
            return Ok(());
        }
        self.check_name(new)?;
        terminal.session.set_name(new);
        Ok(())
    }
}
