//! The one place that asks the kernel (inotify): tells every watch what happened in its folders.
//!
//! All watches share one inotify instance, of which a user has few (128 as a rule). It is made with the first
//! watch.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use http::StatusCode;
use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, WatchFlags};
use rustix::io::{Errno, ioctl_fionread};
use tokio::io::unix::AsyncFd;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Watch;
use super::state::{Notice, What};
use super::tree::Number;
use crate::problem::Problem;

/// Watches at the same time, over all connections.
const WATCHES: usize = 1024;
/// Folders of all of them.
const FOLDERS: usize = 32_768;
/// Bytes read from the kernel at once.
const BUFFER: usize = 16 << 10;
/// Events taken in before others on this thread have their turn.
const TURN: usize = 2000;

/// What is asked of the kernel for every folder.
const ASKED: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// Every watch of the agent.
pub(in crate::klient::fs) struct Hub {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    source: Option<Source>,
    /// Who listens to a folder.
    listeners: HashMap<Number, Vec<Arc<Watch>>>,
    /// Folders that nobody listened to any more, to be let go.
    unheard: Vec<Number>,
    watches: usize,
    folders: usize,
    /// Threads between asking the kernel for a folder and listening to it. As long as there is one, nothing
    /// is let go: it could be that very folder.
    asking: usize,
}

struct Source {
    descriptor: Arc<OwnedFd>,
    /// Whether something was read that is not passed on yet.
    is_reading: Arc<AtomicBool>,
    /// Ends the reading with the hub.
    _reading: DropGuard,
}

/// A place among the watches; given back at its end, with all folders.
pub(super) struct Seat {
    hub: Arc<Hub>,
    watch: Arc<Watch>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let numbers = self.watch.lock().all_numbers();
        let mut state = self.hub.lock();
        state.watches -= 1;
        state.leave(&self.watch, &numbers);
    }
}

impl Seat {
    /// Whose seat it is.
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Watches one more folder. Waits for the disk.
    pub(super) fn add(&self, path: &Path, links: Links) -> Result<Number, Refusal> {
        self.hub.add(&self.watch, path, links)
    }

    /// Whether everything that has happened up to now was passed on.
    pub(super) fn has_all(&self) -> bool {
        let state = self.hub.lock();
        state.source.as_ref().is_some_and(|source| {
            ioctl_fionread(&source.descriptor) == Ok(0) && !source.is_reading.load(Ordering::SeqCst)
        })
    }

    /// Lets folders go.
    pub(super) fn leave(&self, numbers: &[Number]) {
        self.hub.lock().leave(&self.watch, numbers);
    }
}

/// Why a folder is not watched.
pub(super) enum Refusal {
    /// No further one is: there are too many already, or nobody wants them.
    All(Problem),
    /// This one cannot be.
    Folder(io::Error),
}

/// What becomes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Followed,
    Refused,
}

impl Hub {
    pub(in crate::klient::fs) fn new() -> Self {
        Self { state: Mutex::default() }
    }

    /// Takes a seat. Must be called inside the runtime.
    pub(super) fn sit_down(self: &Arc<Self>, watch: Arc<Watch>) -> Result<Seat, Problem> {
        let mut state = self.lock();
        if state.watches >= WATCHES {
            return Err(full(&format!("{WATCHES} folders are watched already"), "End other watches first."));
        }
        if state.source.is_none() {
            state.source = Some(Source::open(Arc::downgrade(self)).map_err(|error| {
                full(
                    &format!("the kernel gives no more watchers: {error}"),
                    "End other programs that watch files, or raise `fs.inotify.max_user_instances`.",
                )
            })?);
        }
        state.watches += 1;
        drop(state);
        Ok(Seat { hub: Arc::clone(self), watch })
    }

    fn add(&self, watch: &Arc<Watch>, path: &Path, links: Links) -> Result<Number, Refusal> {
        let descriptor = {
            let mut state = self.lock();
            if state.folders >= FOLDERS {
                let why = format!("{FOLDERS} folders are watched already");
                return Err(Refusal::All(full(&why, "End other watches first.")));
            }
            state.asking += 1;
            state.source.as_ref().map(|source| Arc::clone(&source.descriptor))
        };
        let flags = match links {
            Links::Followed => ASKED,
            Links::Refused => ASKED | WatchFlags::DONT_FOLLOW,
        };
        // Without the lock: this waits for the disk.
        let number =
            descriptor.ok_or(Errno::BADF).and_then(|descriptor| inotify::add_watch(descriptor, path, flags));
        let mut state = self.lock();
        state.asking -= 1;
        if let Ok(number) = number {
            state.listen(number, watch);
        }
        if state.asking == 0 {
            state.let_go();
        }
        number.map_err(|error| match error {
            Errno::NOSPC => Refusal::All(full(
                &format!("the kernel watches no more folders, here `{}`", path.display()),
                "Watch fewer folders, leave large ones out with `ignoreFolders`, or raise \
                 `fs.inotify.max_user_watches`.",
            )),
            error => Refusal::Folder(error.into()),
        })
    }

    fn dispatch(&self, event: &Event<'_>) {
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            for watch in self.lock().listeners.values().flatten() {
                watch.with_state(super::state::State::overflow);
            }
            return;
        }
        let Some(what) = what(event) else { return };
        let mut state = self.lock();
        let listeners = match what {
            // The kernel has let the folder go, and its number never comes again.
            What::Ended => {
                let listeners = state.listeners.remove(&event.wd()).unwrap_or_default();
                state.folders -= listeners.len();
                listeners
            }
            _ => state.listeners.get(&event.wd()).cloned().unwrap_or_default(),
        };
        let notice = Notice {
            folder: event.wd(),
            name: event.file_name().map(|name| OsStr::from_bytes(name.to_bytes())),
            is_dir: event.events().contains(ReadFlags::ISDIR),
            what,
        };
        for watch in listeners {
            watch.with_state(|watch| watch.on(&notice));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn listen(&mut self, number: Number, watch: &Arc<Watch>) {
        let listeners = self.listeners.entry(number).or_default();
        if !listeners.iter().any(|known| Arc::ptr_eq(known, watch)) {
            listeners.push(Arc::clone(watch));
            self.folders += 1;
        }
    }

    fn leave(&mut self, watch: &Arc<Watch>, numbers: &[Number]) {
        for number in numbers {
            if let Some(listeners) = self.listeners.get_mut(number) {
                let before = listeners.len();
                listeners.retain(|known| !Arc::ptr_eq(known, watch));
                self.folders -= before - listeners.len();
                if listeners.is_empty() {
                    self.unheard.push(*number);
                }
            }
        }
        if self.asking == 0 {
            self.let_go();
        }
    }

    /// Lets the folders go that nobody listens to.
    fn let_go(&mut self) {
        let Some(source) = &self.source else { return };
        for number in self.unheard.drain(..) {
            // Somebody may have begun to listen again.
            if self.listeners.get(&number).is_some_and(Vec::is_empty) {
                self.listeners.remove(&number);
                // It fails for one that is gone already, which is as good.
                let _ = inotify::remove_watch(&source.descriptor, number);
            }
        }
    }
}

impl Source {
    fn open(hub: Weak<Hub>) -> io::Result<Self> {
        let descriptor = Arc::new(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?);
        let reader = register(Arc::clone(&descriptor))?;
        let is_reading = Arc::new(AtomicBool::new(false));
        let end = CancellationToken::new();
        let (ended, reading) = (end.clone(), Arc::clone(&is_reading));
        tokio::spawn(async move {
            tokio::select! {
                () = read(reader, &reading, hub) => {}
                () = ended.cancelled() => {}
            }
        });
        Ok(Self { descriptor, is_reading, _reading: end.drop_guard() })
    }
}

#[expect(unsafe_code, reason = "tokio has no safe way to wait for a descriptor of its own kind")]
fn register(descriptor: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the descriptor is owned by what is registered, shared and never exchanged, so that it is the same
    // and stays open for as long as the registration lasts.
    Ok(unsafe { AsyncFd::register(descriptor) }?)
}

/// Reads what the kernel says and passes it on, as long as there is a hub.
async fn read(source: AsyncFd<Arc<OwnedFd>>, is_reading: &AtomicBool, hub: Weak<Hub>) {
    let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
    while let Ok(mut ready) = source.readable().await {
        let Some(hub) = hub.upgrade() else { return };
        is_reading.store(true, Ordering::SeqCst);
        let mut reader = inotify::Reader::new(source.get_ref(), &mut buffer);
        for turn in 0.. {
            match reader.next() {
                Ok(event) => hub.dispatch(&event),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    ready.clear_ready();
                    break;
                }
                Err(error) => {
                    tracing::warn!(error = %error, "cannot read what happened to watched files");
                    return;
                }
            }
            // What was read already must be taken in: it would be lost with the reader.
            if turn >= TURN && reader.is_buffer_empty() {
                break;
            }
        }
        is_reading.store(false, Ordering::SeqCst);
        drop(hub);
        tokio::task::yield_now().await;
    }
}

fn what(event: &Event<'_>) -> Option<What> {
    let flags = event.events();
    let known = [
        (ReadFlags::IGNORED, What::Ended),
        (ReadFlags::MOVE_SELF, What::SelfMoved),
        (ReadFlags::CREATE, What::Created),
        (ReadFlags::DELETE, What::Deleted),
        (ReadFlags::MOVED_FROM, What::MovedFrom(event.cookie())),
        (ReadFlags::MOVED_TO, What::MovedTo(event.cookie())),
        (ReadFlags::MODIFY, What::Modified),
        (ReadFlags::ATTRIB, What::Modified),
    ];
    known.into_iter().find(|(flag, _)| flags.contains(*flag)).map(|(_, what)| what)
}

pub(super) fn full(why: &str, mend: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "too_many", format!("cannot watch the folder: {why}"), mend)
}
