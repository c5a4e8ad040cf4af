//! `/repository/tree`, `/repository/files` and `/repository/archive`.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::page::{Keyset, link, paged};
use crate::gitlab::instance::blocking;
use crate::gitlab::repository::{Entry, Recursion};

pub(crate) async fn tree(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let wanted = call.params.filled("ref").unwrap_or_else(|| "HEAD".to_owned());
    let folder = call.params.filled("path").unwrap_or_default();
    let deep = call.params.flag("recursive") == Some(true);
    let recursion = if deep { Recursion::Deep } else { Recursion::Flat };
    let repository = project.repository.clone();
    let found = blocking(move || {
        let commit = repository.resolve(&wanted)?;
        repository.tree(&commit, &folder, recursion)
    });
    let Some(mut found) = found.await else {
        return Err(Refusal::not_found("invalid revision or path"));
    };
    // Folders first, as GitLab lists them.
    if recursion == Recursion::Flat {
        found.sort_by_key(|entry| entry.kind != "tree");
    }
    if call.params.text("pagination").as_deref() == Some("keyset") && call.instance.version().at_least(17, 1)
    {
        return Ok(keyset(&call, &found));
    }
    paged(&call, Keyset::No, &found, |_| 0, shape)
}

/// The entries after the one whose id is the token.
fn keyset(call: &Call, found: &[Entry]) -> Response {
    let size = call.params.number("per_page").and_then(|size| usize::try_from(size).ok()).unwrap_or(20);
    let token = call.params.filled("page_token");
    let start =
        token.and_then(|token| found.iter().position(|entry| entry.id == token)).map_or(0, |at| at + 1);
    let end = start.saturating_add(size.clamp(1, 100)).min(found.len());
    let shown = found.get(start..end).unwrap_or_default();
    let mut response = axum::Json(shown.iter().map(shape).collect::<Vec<_>>()).into_response();
    if let Some(last) = shown.last().filter(|_| end < found.len())
        && let Ok(next) = HeaderValue::from_str(&link(call, "next", &[("page_token", &last.id)]))
    {
        response.headers_mut().insert(header::LINK, next);
    }
    response
}

fn shape(entry: &Entry) -> Value {
    let name = entry.path.rsplit('/').next();
    json!({ "id": entry.id, "name": name, "type": entry.kind, "path": entry.path, "mode": entry.mode })
}

/// A file at a commit.
struct File {
    path: String,
    reference: String,
    blob: String,
    commit: String,
    last_commit: String,
    content: Vec<u8>,
}

async fn find(call: &Call) -> Result<File, Refusal> {
    let project = call.project()?.code()?;
    let reference = call.params.filled("ref").unwrap_or_else(|| "HEAD".to_owned());
    let path = call.segment("path").to_owned();
    if path.split('/').any(|part| part == "..") {
        return Err(Refusal::bad("file_path should be a valid file path"));
    }
    let repository = project.repository.clone();
    let found = blocking(move || {
        let commit = repository.resolve(&reference).ok_or("Commit")?;
        let (blob, content) = repository.blob(&commit, &path).ok_or("File")?;
        let last = repository.log(&["--max-count=1", &commit, "--", &path]).into_iter().next();
        let last_commit = last.map_or_else(|| commit.clone(), |last| last.id);
        Ok(File { path, reference, blob, commit, last_commit, content })
    });
    found.await.map_err(Refusal::not_found)
}

impl File {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn sha256(&self) -> String {
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.content))
    }

    /// What GitLab also says in headers, for HEAD requests.
    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("x-gitlab-blob-id", self.blob.clone()),
            ("x-gitlab-commit-id", self.commit.clone()),
            ("x-gitlab-content-sha256", self.sha256()),
            ("x-gitlab-encoding", "base64".to_owned()),
            ("x-gitlab-file-name", self.name().to_owned()),
            ("x-gitlab-file-path", self.path.clone()),
            ("x-gitlab-last-commit-id", self.last_commit.clone()),
            ("x-gitlab-ref", self.reference.clone()),
            ("x-gitlab-size", self.content.len().to_string()),
        ]
    }

    fn respond(&self, body: impl IntoResponse) -> Response {
        let mut response = body.into_response();
        for (name, value) in self.headers() {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

pub(crate) async fn file(call: Call) -> Answer {
    call.require(&["ref"])?;
    let file = find(&call).await?;
    Ok(file.respond(axum::Json(json!({
        "file_name": file.name(),
        "file_path": file.path,
        "size": file.content.len(),
        "encoding": "base64",
        "content_sha256": file.sha256(),
        "ref": file.reference,
        "blob_id": file.blob,
        "commit_id": file.commit,
        "last_commit_id": file.last_commit,
        "execute_filemode": false,
        "content": STANDARD.encode(&file.content),
    }))))
}

pub(crate) async fn raw(call: Call) -> Answer {
    let file = find(&call).await?;
    let kind =
        if std::str::from_utf8(&file.content).is_ok() { "text/plain" } else { "application/octet-stream" };
    Ok(file.respond(([(header::CONTENT_TYPE, kind)], file.content.clone())))
}

pub(crate) async fn archive(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let wanted = call.params.filled("sha").unwrap_or_else(|| "HEAD".to_owned());
    let name = project.path.rsplit('/').next().unwrap_or_default().to_owned();
    let repository = project.repository.clone();
    let made = blocking(move || {
        let commit = repository.resolve(&wanted)?;
        let folder = format!("{name}-{wanted}-{commit}");
        Some((repository.archive(&commit, &format!("{folder}/"))?, folder))
    });
    let (bytes, folder) = made.await.ok_or_else(|| Refusal::not_found("File"))?;
    let disposition = format!("attachment; filename=\"{folder}.tar.gz\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}
