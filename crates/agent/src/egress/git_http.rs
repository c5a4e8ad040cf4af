//! Which plain HTTP requests are git's own. Only those pass, so that the way out is no general proxy
//! into the network the server stands in.

use http::{Method, Uri};

/// Whether a request is one of git's smart HTTP protocol (gitprotocol-http(5)) or of Git LFS.
pub(super) fn is_git(method: &Method, uri: &Uri) -> bool {
    let path = uri.path();
    if !is_straight(path) {
        return false;
    }
    let is_read = *method == Method::GET || *method == Method::HEAD;
    if path.ends_with("/info/refs") {
        let is_service = matches!(uri.query(), Some("service=git-upload-pack" | "service=git-receive-pack"));
        return is_read && is_service;
    }
    if path.ends_with("/git-upload-pack") || path.ends_with("/git-receive-pack") {
        return *method == Method::POST;
    }
    // GitLab serves the objects of LFS beside the API that names them.
    let is_lfs = path.contains("/info/lfs/") || path.contains("/gitlab-lfs/objects/");
    is_lfs && (is_read || *method == Method::POST || *method == Method::PUT)
}

/// Whether the path means what it says: no part leads back up, openly or encoded.
fn is_straight(path: &str) -> bool {
    path.split('/').all(|part| {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(part).collect();
        // Some servers take what stands before a semicolon for the name.
        let name = decoded.split(|byte| *byte == b';').next().unwrap_or_default();
        !matches!(name, b"." | b"..") && !decoded.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'%' | 0))
    })
}

#[cfg(test)]
mod tests;
