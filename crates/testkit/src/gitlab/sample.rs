//! The content of a new project: a few commits, branches with awkward names, both kinds of tags.

use super::repository::{Identity, Repository};

/// Two commits on `main`; `feature/one` with one more; `feat/umlaut-ü`; tags `v1.0` and (annotated) `v1.1`.
pub(crate) fn fill(repository: &Repository, name: &str, by: &Identity) {
    let readme = format!("# {name}\n\nA sample project.\n");
    let person = format!("{} <{}> {} +0000", by.name, by.email, by.at.as_second());
    let file =
        |path: &str, content: &str| format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len());
    let commit = |branch: &str, mark: u32, message: &str, from: &str, files: &str| {
        format!(
            "commit refs/heads/{branch}\nmark :{mark}\nauthor {person}\ncommitter {person}\ndata {}\n\
             {message}\n{from}{files}\n",
            message.len()
        )
    };
    let begin = file("README.md", &readme) + &file("docs/guide.md", "Read this first.\n");
    let hello = "M 100755 inline main.sh\ndata 21\n#!/bin/sh\necho hello\n\n".to_owned();
    repository.import(
        &[
            commit("main", 1, "Begin\n", "", &begin),
            commit("main", 2, "Say hello\n", "from :1\n", &hello),
            commit("feature/one", 3, "Add one\n", "from :1\n", &file("one.txt", "1\n")),
            commit("feat/umlaut-ü", 4, "Add an umlaut\n", "from :2\n", &file("docs/übersicht.md", "ü\n")),
            "reset refs/tags/v1.0\nfrom :1\n\n".to_owned(),
            format!("tag v1.1\nfrom :2\ntagger {person}\ndata 15\nThe second one\n\n"),
        ]
        .concat(),
    );
}
