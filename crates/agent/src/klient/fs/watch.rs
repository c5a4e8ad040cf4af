//! Telling a caller what changes in a folder, or in a whole tree.
//!
//! Every call has a watch of its own, whoever else watches the same folder. Changes are gathered for a
//! moment and told one after the other, each when the caller took the one before; meanwhile further changes
//! of a path become one (`pending`). When more has happened than is kept, or than the kernel kept, the caller
//! is told `overflow` and reads the folder anew; moves are then told as `removed` and `added`, because it is
//! not known when the caller reads (a new watch tells `renamed` again). A new folder in a tree may be told as
//! `removed` first, which takes away what a listing had of it. A watch ends with `stopWatching`, with its
//! connection, or when the folder goes away, which is told as `removed` of the folder itself. It also ends when the
//! tree has grown beyond what can be watched, or cannot be read any more: that is told as `ended`, with the `reason`,
//! because a watch that misses changes without saying so is worse than none.

mod hub;
mod pending;
mod state;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kite::{Callback, Error};
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::entry::{Entry, is_missing};
use super::listing::Wish;
use super::path::encode;
use super::trouble::cannot;
use super::turns::Wanted;
use crate::background::in_background;
use crate::problem::Problem;
pub(super) use hub::Hub;
use hub::{Links, Refusal, Seat};
use pending::Change;
use state::{State, Step};

/// How long changes are gathered. A save or a checkout is many of them at nearly the same time.
const GATHERED: Duration = Duration::from_millis(50);
/// Pause after everything was read anew, so that what goes on changing does not keep the disk busy.
const CALM: Duration = Duration::from_secs(1);
/// Changes that are looked at together, before they are told one by one.
const TOLD_AT_ONCE: usize = 64;

/// One watch.
pub(super) struct Watch {
    state: Mutex<State>,
    changed: Notify,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and wakes whoever tells it.
    fn with_state(&self, change: impl FnOnce(&mut State)) {
        let is_idle = {
            let mut state = self.lock();
            change(&mut state);
            state.is_idle()
        };
        if !is_idle {
            self.changed.notify_one();
        }
    }
}

/// A change as it is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    event: &'static str,
    /// What is there now; with `exists: false` what is not there any more.
    file: Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_path: Option<String>,
    /// In base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_path_bytes: Option<String>,
    /// Of `ended`: why, and what can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Told {
    fn new(event: &'static str, file: Entry) -> Self {
        Self { event, file, old_path: None, old_path_bytes: None, reason: None }
    }

    fn removed(path: &Path, is_dir: bool) -> Self {
        Self::new("removed", if is_dir { Entry::missing_folder(path) } else { Entry::missing(path) })
    }
}

/// A watch that gathers and does not tell yet.
pub(super) struct Begun {
    seat: Arc<Seat>,
    root: PathBuf,
}

/// Begins to watch. What changes from now on is told later. Must be called inside the runtime.
pub(super) fn begin(hub: &Arc<Hub>, wish: Wish) -> Result<Begun, Problem> {
    let root = wish.path.clone();
    let watch = Watch { state: Mutex::new(State::new(wish)), changed: Notify::new() };
    Ok(Begun { seat: Arc::new(hub.sit_down(Arc::new(watch))?), root })
}

impl Begun {
    /// Takes in the folders. Waits for the disk.
    pub(super) fn take_in(&self, wanted: &Wanted) -> Result<(), Problem> {
        take_in(&self.seat, &self.root, Links::Followed, Known::Already, wanted).map_err(|refusal| {
            match refusal {
                Refusal::All(problem) => problem,
                Refusal::Folder(error) => cannot("watch", &self.root, &error),
            }
        })
    }

    /// Tells until the end.
    pub(super) async fn tell(self, callback: Callback, stop: CancellationToken) {
        tokio::select! {
            () = tell(&self.seat, &self.root, &callback) => {}
            () = callback.closed() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Whether the caller has what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Already,
    NotYet,
}

/// Watches a folder, and those below it that are wanted, and notes their names. Those below that cannot be watched by
/// themselves are left out: they are gone again, or not ours to look into.
fn take_in(seat: &Seat, first: &Path, links: Links, known: Known, wanted: &Wanted) -> Result<(), Refusal> {
    let watch = seat.watch();
    let mut open = vec![first.to_owned()];
    while let Some(path) = open.pop() {
        wanted.check().map_err(Refusal::All)?;
        let is_first = path == first;
        if watch.lock().tree.len() >= tree::FOLDERS {
            return Err(Refusal::All(hub::full(
                &format!("there are more than {} folders in it", tree::FOLDERS),
                "Watch a smaller one, or leave large ones out with `ignoreFolders`.",
            )));
        }
        let number = match seat.add(&path, if is_first { links } else { Links::Refused }) {
            Ok(number) => number,
            Err(Refusal::Folder(_)) if !is_first => continue,
            Err(refusal) => return Err(refusal),
        };
        watch.lock().tree.insert(number, &path);
        // Only now: what comes later is told by the kernel.
        let found = match std::fs::read_dir(&path) {
            Ok(found) => found,
            Err(error) if is_first => return Err(Refusal::Folder(error)),
            Err(_) => continue,
        };
        for found in found.map_while(Result::ok) {
            let name = found.file_name();
            let is_folder = found.file_type().is_ok_and(|kind| kind.is_dir());
            let mut state = watch.lock();
            if is_folder && state.wish.enters(&name) {
                open.push(path.join(&name));
            }
            match known {
                Known::Already => {
                    state.tree.add_name(number, &name);
                }
                Known::NotYet => state.found(number, &name),
            }
        }
    }
    Ok(())
}

/// Tells until the folder is gone, or nobody listens.
async fn tell(seat: &Arc<Seat>, root: &Path, callback: &Callback) {
    let watch = seat.watch();
    let mut is_settled = false;
    loop {
        watch.changed.notified().await;
        tokio::time::sleep(GATHERED).await;
        let has_all = !is_settled && seat.has_all();
        loop {
            let step = watch.lock().step(TOLD_AT_ONCE);
            let told = match step {
                Step::Nothing => {
                    if has_all {
                        is_settled = true;
                        watch.lock().settle();
                    }
                    break;
                }
                Step::End => {
                    drop(callback.call((Told::removed(root, true),)).await);
                    return;
                }
                Step::Reread => reread(seat, root, callback).await,
                Step::LookInto(folders) => look_into(seat, folders).await,
                Step::Tell(changes) => tell_changes(seat, callback, changes).await.map_err(End::Unheard),
            };
            match told {
                Ok(()) => {}
                Err(End::Unheard(error)) => {
                    tracing::debug!(error = %error, "a watch of `{}` ends", root.display());
                    return;
                }
                Err(End::Unseen(problem)) => {
                    let problem = problem.into_inner();
                    let reason = format!("{}. {}", problem.detail, problem.mend);
                    let ended = Told { reason: Some(reason), ..Told::new("ended", look(root).await) };
                    drop(callback.call((ended,)).await);
                    return;
                }
            }
            let surplus = watch.lock().take_surplus();
            seat.leave(&surplus);
        }
    }
}

/// Why a watch ends before its folder does.
enum End {
    /// Nobody takes what is told.
    Unheard(Error),
    /// Not everything is watched any more.
    Unseen(Problem),
}

/// Takes everything in anew and asks the caller to do the same.
async fn reread(seat: &Arc<Seat>, root: &Path, callback: &Callback) -> Result<(), End> {
    let (again, folder) = (Arc::clone(seat), root.to_owned());
    let taken = in_background(move || {
        again.watch().lock().begin_anew();
        match take_in(&again, &folder, Links::Followed, Known::Already, &Wanted::default()) {
            Ok(()) => Ok(true),
            // The kernel may have said so among what was lost, and says nothing of a folder that it does not watch.
            Err(Refusal::Folder(error)) if is_missing(&error) => Ok(false),
            Err(Refusal::Folder(error)) => Err(cannot("watch", &folder, &error)),
            Err(Refusal::All(problem)) => Err(problem),
        }
    });
    if !taken.await.map_err(End::Unseen)? {
        seat.watch().lock().end();
        return Ok(());
    }
    let overflow = Told::new("overflow", look(root).await);
    callback.call((overflow,)).await.map_err(End::Unheard)?;
    tokio::time::sleep(CALM).await;
    Ok(())
}

/// Watches new folders. What is in them is told afterwards.
async fn look_into(seat: &Arc<Seat>, folders: Vec<PathBuf>) -> Result<(), End> {
    let seat = Arc::clone(seat);
    let taken = in_background(move || {
        for folder in folders {
            if !std::fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir()) {
                continue;
            }
            match take_in(&seat, &folder, Links::Refused, Known::NotYet, &Wanted::default()) {
                // It is gone again, which the kernel says too, or not ours to look into.
                Ok(()) | Err(Refusal::Folder(_)) => {}
                Err(Refusal::All(problem)) => return Err(problem),
            }
        }
        Ok(())
    });
    taken.await.map_err(End::Unseen)
}

/// What is at the root of a watch now.
async fn look(root: &Path) -> Entry {
    let folder = root.to_owned();
    let file = in_background(move || Ok(Entry::look(&folder).unwrap_or_else(|_| Entry::missing(&folder))));
    file.await.unwrap_or_else(|_| Entry::missing(root))
}

/// Looks at what changed and tells it, in order.
async fn tell_changes(
    seat: &Arc<Seat>,
    callback: &Callback,
    changes: Vec<(Arc<Path>, Change)>,
) -> Result<(), Error> {
    let seat = Arc::clone(seat);
    let told = in_background(move || {
        Ok(changes.iter().flat_map(|(path, change)| describe(seat.watch(), path, change)).collect::<Vec<_>>())
    });
    let told = told.await.map_err(|problem| Error::generic(problem.into_inner().detail))?;
    for told in told {
        callback.call((told,)).await?;
    }
    Ok(())
}

/// One change in words: at most two of them.
fn describe(watch: &Watch, path: &Arc<Path>, change: &Change) -> Vec<Told> {
    let present = |event| {
        let file = Entry::look(path).ok().filter(|file| file.exists);
        if file.is_none() {
            watch.with_state(|state| state.missed(Arc::clone(path)));
        }
        file.map(|file| Told::new(event, file))
    };
    match change {
        Change::Added => Vec::from_iter(present("added")),
        Change::Modified => Vec::from_iter(present("modified")),
        Change::Removed { is_dir } => vec![Told::removed(path, *is_dir)],
        Change::Replaced { was_dir } => {
            [Some(Told::removed(path, *was_dir)), present("added")].into_iter().flatten().collect()
        }
        Change::Renamed { from, modified } => {
            let file = Entry::look(path).unwrap_or_else(|_| Entry::missing(path));
            let renamed = Told {
                event: "renamed",
                file,
                old_path: Some(from.to_string_lossy().into_owned()),
                old_path_bytes: from.to_str().is_none().then(|| encode(from.as_os_str().as_encoded_bytes())),
                reason: None,
            };
            let modified = if *modified { present("modified") } else { None };
            [Some(renamed), modified].into_iter().flatten().collect()
        }
    }
}
