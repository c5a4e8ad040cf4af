//! What failures on files are called, with the reasons that only calls of Klient meet.

use std::io;
use std::path::Path;

use http::StatusCode;

use crate::problem::Problem;

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
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_is_no_fault_of_ours() {
        let busy = cannot("write", Path::new("/bin/tool"), &io::Error::from_raw_os_error(libc::ETXTBSY));
        let long = cannot("write", Path::new("/file"), &io::Error::from_raw_os_error(libc::EFBIG));

        assert_eq!(busy.into_inner().code, "busy");
        assert!(long.into_inner().detail.contains("longer"));
    }
}
