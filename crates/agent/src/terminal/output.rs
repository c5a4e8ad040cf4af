//! A terminal's output between the PTY and its viewers: what is kept, who is how far, who waits.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::ring::Ring;

/// How far the slowest viewer may be behind before the program inside has to wait: what xterm.js takes
/// without stutter, and little enough that an interrupt is seen at once.
pub(super) const BEHIND_MAX: u64 = 512 << 10;
/// How long a viewer that far behind may say nothing before it no longer holds the others up.
const SILENCE: Duration = Duration::from_secs(5);
/// Most bytes handed to a viewer at once.
const CHUNK: usize = 64 << 10;

/// The output. All waiting is for `changed`, which is told of every change below.
pub(super) struct Output {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    ring: Ring,
    viewers: HashMap<u32, Progress>,
    last_viewer: u32,
    exit_code: Option<i32>,
}

/// How far a viewer has shown what it was sent.
struct Progress {
    shown: u64,
    /// Since when it has been more than [`BEHIND_MAX`] behind without a word.
    silent_since: Option<Instant>,
}

/// What a viewer gets next.
pub(super) enum Next {
    /// Bytes; the viewer is then at the number.
    Bytes(Vec<u8>, u64),
    /// What it wanted is gone: it goes on at the number, on a cleared screen.
    Reset(u64),
    /// The process has ended and everything was sent.
    Ended(i32),
    /// Nothing yet.
    Wait,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), changed: watch::channel(()).0 }
    }

    /// Takes what the PTY gave.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.ring.push(bytes);
        let next = state.ring.next();
        for progress in state.viewers.values_mut() {
            if progress.is_behind(next) {
                progress.silent_since.get_or_insert_with(Instant::now);
            }
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// The process has ended; nothing more will be pushed.
    pub(super) fn finish(&self, exit_code: i32) {
        self.lock().exit_code = Some(exit_code);
        self.changed.send_replace(());
    }

    /// Waits until the PTY may be read, because no active viewer is too far behind.
    pub(super) async fn readable(&self) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let Some(until) = self.held_until() else { return };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                // The sender lives as long as we do.
                _ = changed.changed() => {}
            }
        }
    }

    /// Waits for the end of the process.
    pub(super) async fn ended(&self) {
        drop(self.changed.subscribe().wait_for(|()| self.is_ended()).await);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.lock().exit_code.is_some()
    }

    pub(super) fn exit_code(&self) -> Option<i32> {
        self.lock().exit_code
    }

    pub(super) fn viewers(&self) -> u32 {
        u32::try_from(self.lock().viewers.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.lock().ring.next()
    }

    /// Adds a viewer that has shown everything below `since`: its id, where it begins, and whether what
    /// it asked for is gone.
    pub(super) fn join(&self, since: Option<u64>) -> (u32, u64, bool) {
        let mut state = self.lock();
        let (start, next) = (state.ring.start(), state.ring.next());
        let (position, is_reset) = match since {
            Some(since) if (start..=next).contains(&since) => (since, false),
            Some(_) => (start, true),
            None => (start, false),
        };
        state.last_viewer += 1;
        let id = state.last_viewer;
        // What was there before the viewer came is not counted against the program inside.
        state.viewers.insert(id, Progress { shown: next, silent_since: None });
        (id, position, is_reset)
    }

    pub(super) fn leave(&self, viewer: u32) {
        self.lock().viewers.remove(&viewer);
        self.changed.send_replace(());
    }

    /// The viewer has shown everything below `sequence`.
    pub(super) fn acknowledge(&self, viewer: u32, sequence: u64) {
        let mut state = self.lock();
        let next = state.ring.next();
        if let Some(progress) = state.viewers.get_mut(&viewer) {
            progress.shown = progress.shown.max(sequence.min(next));
            progress.silent_since = progress.is_behind(next).then(Instant::now);
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// What comes after `position`.
    pub(super) fn next(&self, position: u64) -> Next {
        let state = self.lock();
        match state.ring.read(position, CHUNK) {
            None => Next::Reset(state.ring.start()),
            Some(bytes) if bytes.is_empty() => state.exit_code.map_or(Next::Wait, Next::Ended),
            Some(bytes) => {
                let length = u64::try_from(bytes.len()).unwrap_or(0);
                Next::Bytes(bytes, position + length)
            }
        }
    }

    /// Hears of changes from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Until when the PTY must not be read: the last moment that any viewer may hold it up.
    fn held_until(&self) -> Option<Instant> {
        let state = self.lock();
        let next = state.ring.next();
        let now = Instant::now();
        state
            .viewers
            .values()
            .filter(|progress| progress.is_behind(next))
            .filter_map(|progress| progress.silent_since.map(|since| since + SILENCE))
            .filter(|until| *until > now)
            .max()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn is_behind(&self, next: u64) -> bool {
        next.saturating_sub(self.shown) > BEHIND_MAX
    }
}

#[cfg(test)]
mod tests;
