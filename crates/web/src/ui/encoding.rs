//! Which form of a file a browser takes, and what a file is by its name.

use http::HeaderValue;
use http::header::GetAll;

/// The compressed forms that the build may have made, smallest first: name and file suffix.
const FORMS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The forms that `Accept-Encoding` allows (RFC 9110, 12.5.3).
pub(super) fn accepted(headers: &GetAll<'_, HeaderValue>) -> Vec<(&'static str, &'static str)> {
    let mut allowed = Vec::new();
    for item in headers.iter().filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(','))
    {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused =
            weight.trim().strip_prefix("q=").and_then(|text| text.trim().parse::<f32>().ok()) == Some(0.0);
        if !refused {
            allowed.push(name.trim().to_ascii_lowercase());
        }
    }
    FORMS.into_iter().filter(|(name, _)| allowed.iter().any(|allowed| allowed == name)).collect()
}

/// Content type by the name's end. What the build does not make is plain bytes.
pub(super) fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
