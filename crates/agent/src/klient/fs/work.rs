//! Turns for work on files that is long, and what its failures are called.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use tokio::sync::Semaphore;

use crate::background::in_background;
use crate::problem::Problem;

/// Whole trees that are walked at the same time. The agent has four threads for disks; two of them stay
/// free for what is short.
const WALKS: usize = 2;

/// Turns for work that is long.
pub(super) struct Turns {
    walks: Arc<Semaphore>,
}

/// Whether whoever wanted the work is still there.
#[derive(Clone, Default)]
pub(super) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Breaks the work off once nobody waits for it any more.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Problem::internal("the caller has gone"));
        }
        Ok(())
    }
}

/// Says on its end that nobody waits any more.
struct Waiting(Wanted);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { walks: Arc::new(Semaphore::new(WALKS)) }
    }

    /// Runs what walks through a tree. It goes on for as long as somebody waits for it, and has its turn until it
    /// has ended.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Wanted) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.walks).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::internal("nothing is looked for any more"))?;
        let wanted = Wanted::default();
        let _waiting = Waiting(wanted.clone());
        in_background(move || {
            let done = work(&wanted);
            drop(turn);
            done
        })
        .await
    }
}

/// What the file system said to an attempt to `verb` what is at `path`, with the reasons that only calls
/// of Klient meet.
pub(in crate::klient) fn cannot(verb: &str, path: &Path, error: &io::Error) -> Problem {
    use io::ErrorKind as K;
    let conflict = |code: &str, why: &str, mend: &str| {
        let detail = format!("cannot {verb} `{}`: {why}", path.display());
        Problem::new(StatusCode::CONFLICT, code, detail, mend)
    };
    match error.kind() {
        K::DirectoryNotEmpty => conflict(
            "not_empty",
            "the folder is not empty",
            "Say `recursive: true` to take what is in it along, or empty it first.",
        ),
        K::ResourceBusy => conflict("busy", "something holds it", "End what uses it and try again."),
        K::ExecutableFileBusy => {
            conflict("busy", "it is a program that runs", "End the program and try again.")
        }
        K::CrossesDevices => conflict(
            "other_disk",
            "the two places are on different file systems",
            "Copy it with `fs.copy` and remove the old one.",
        ),
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            conflict("loop", "the links on the way lead in a circle", "Remove one of the links.")
        }
        _ => Problem::of_path(verb, path, error),
    }
}

/// The same as a function of the error, for `map_err`.
pub(in crate::klient) fn cannot_with(verb: &'static str, path: &Path) -> impl Fn(io::Error) -> Problem {
    move |error| cannot(verb, path, &error)
}

/// Something other than a file is where only a file will do.
pub(in crate::klient) fn no_file(verb: &str, path: &Path) -> Problem {
    Problem::invalid(
        format!("cannot {verb} `{}`: it is a device, a pipe or a socket", path.display()),
        "Use it in a terminal or with `os.exec`.",
    )
}

/// A place in a file that its file system has none of.
pub(super) fn no_such_offset(verb: &str, path: &Path, offset: u64) -> Problem {
    Problem::invalid(
        format!("cannot {verb} `{}` from byte {offset}: no file here is so long", path.display()),
        "Choose a smaller `offset`.",
    )
}

#[cfg(test)]
mod tests;
