//! Saying no: an [`AgentProblem`] with a fitting status.

use std::io;
use std::path::Path;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use wire::agent::AgentProblem;

/// Why a call does not work, and the status to say it with.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    problem: AgentProblem,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &str,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { status, problem: AgentProblem { code: code.into(), detail: detail.into(), mend: mend.into() } }
    }

    /// The caller asked for something that cannot be.
    pub(crate) fn invalid(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail, mend)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail, mend)
    }

    /// Something went wrong in a way the caller cannot help.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        let mend = "Try again. If it stays, restart the workspace.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail, mend)
    }

    /// What the file system said to an attempt to `verb` (`read`, `write`, …) what is at `path`.
    pub(crate) fn of_path(verb: &str, path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind as K;
        let path = path.display();
        let cannot = |why: &str| format!("cannot {verb} `{path}`: {why}");
        match error.kind() {
            K::NotFound => Self::not_found(
                cannot("there is nothing with this name"),
                "Check the path. Relative ones begin at the workspace's folder.",
            ),
            K::PermissionDenied | K::ReadOnlyFilesystem => Self::new(
                StatusCode::FORBIDDEN,
                "permission",
                cannot("the workspace's user may not"),
                "Choose a place that belongs to the workspace's user, or change its permissions in a terminal.",
            ),
            K::StorageFull | K::QuotaExceeded => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "no_space",
                cannot("the disk is full"),
                "Delete what is not needed any more, such as build output, and try again.",
            ),
            K::FileTooLarge => Self::invalid(
                cannot("the file would be longer than its file system or a limit of the user allows"),
                "Write less, or into several files.",
            ),
            K::ExecutableFileBusy => {
                Self::invalid(cannot("it is a program that runs"), "End the program and try again.")
            }
            K::IsADirectory => Self::is_folder(verb, path),
            K::NotADirectory => Self::invalid(
                cannot("a part of the path is a file and not a folder"),
                "Check the path, or delete the file that is in the way.",
            ),
            K::AlreadyExists => Self::exists(verb, path),
            K::InvalidFilename | K::InvalidInput => Self::invalid(
                cannot("the name is too long or has a character in it that no name can have"),
                "Choose another name.",
            ),
            _ => Self::internal(cannot(&error.to_string())),
        }
    }

    /// A folder is where a file is wanted.
    pub(crate) fn is_folder(verb: &str, path: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "is_folder",
            format!("cannot {verb} `{path}`: it is a folder"),
            "Name a file in it, or delete the folder first.",
        )
    }

    /// Something is where nothing should be.
    pub(crate) fn exists(verb: &str, path: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "exists",
            format!("cannot {verb} `{path}`: something else has this name"),
            "Choose another name, or delete what is there.",
        )
    }

    /// What is wrong, without the status.
    pub(crate) fn into_inner(self) -> AgentProblem {
        self.problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.problem)).into_response()
    }
}

#[cfg(test)]
mod tests;
