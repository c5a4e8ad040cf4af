//! Where a browser comes back to after a visit at a forge: a path of this site and nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

/// A longer one does not fit into the request that follows it.
const LONGEST: usize = 4096;

/// A path of this site with its query and fragment, such as `/new#https://example.com/a/b`.
///
/// **Invariant:** a browser that is sent there stays on the site it came from, whether the text is a `Location`,
/// is given to `location.assign`, or has its path taken out and used again. What the URL standard makes of it is
/// the same text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ReturnPath(String);

/// The text is no path of this site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no path of this site to come back to: {0}")]
pub struct InvalidReturnPath(&'static str);

impl ReturnPath {
    /// The front page.
    pub fn home() -> Self {
        Self("/".into())
    }

    /// The page where people's accounts on forges are.
    pub fn integrations() -> Self {
        Self("/settings/integrations".into())
    }

    /// The page where people sign in.
    pub fn sign_in() -> Self {
        Self("/sign-in".into())
    }

    /// The path with its query and fragment.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same place with `pairs` in its query, before the fragment, instead of any of these names there.
    #[must_use]
    pub fn with(&self, pairs: &[(&str, &str)]) -> Self {
        let (rest, fragment) = self.0.split_once('#').map_or((self.0.as_str(), None), |(a, b)| (a, Some(b)));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        // What stays is kept as it is written: another spelling may mean something else to its page.
        let is_ours = |pair: &str| {
            let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
            name.is_some_and(|name| pairs.iter().any(|(ours, _)| *ours == name))
        };
        let mut query: Vec<String> =
            query.split('&').filter(|pair| !pair.is_empty() && !is_ours(pair)).map(Into::into).collect();
        if !pairs.is_empty() {
            query.push(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish());
        }
        let mut text = path.to_owned();
        if !query.is_empty() {
            text.push('?');
            text.push_str(&query.join("&"));
        }
        if let Some(fragment) = fragment {
            text.push('#');
            text.push_str(fragment);
        }
        Self(text)
    }
}

impl FromStr for ReturnPath {
    type Err = InvalidReturnPath;

    fn from_str(text: &str) -> Result<Self, InvalidReturnPath> {
        let refuse = |why| Err(InvalidReturnPath(why));
        if text.len() > LONGEST {
            return refuse("it is too long");
        }
        if !text.starts_with('/') {
            return refuse("it does not begin with `/`");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("it has spaces, control characters or letters that must be encoded");
        }
        if text.contains('\\') {
            return refuse("it has a backslash");
        }
        let end = text.find(['?', '#']).unwrap_or(text.len());
        let path = text.get(..end).unwrap_or_default();
        if path.contains("//") {
            return refuse("it has an empty segment");
        }
        if !path.split('/').all(is_plain) {
            return refuse("a segment of it hides a slash, a backslash, a dot or a control character");
        }
        // The last word is that of the standard that browsers follow.
        let site = Url::parse("https://hearth.invalid/").ok();
        let joined = site.as_ref().and_then(|site| site.join(text).ok());
        let stays =
            joined.is_some_and(|url| url.as_str().strip_prefix("https://hearth.invalid") == Some(text));
        if stays { Ok(Self(text.to_owned())) } else { refuse("browsers read it as something else") }
    }
}

/// Whether a segment is what it looks like, however often it is decoded.
fn is_plain(segment: &str) -> bool {
    let mut text = segment.to_owned();
    loop {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
        let hides = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'/' | b'\\');
        if decoded.iter().any(hides) || matches!(decoded.as_slice(), b"." | b"..") {
            return false;
        }
        // What is no text any more cannot be decoded further by anybody.
        match String::from_utf8(decoded) {
            Ok(decoded) if decoded != text => text = decoded,
            Ok(_) | Err(_) => return true,
        }
    }
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ReturnPath> for String {
    fn from(path: ReturnPath) -> Self {
        path.0
    }
}

impl TryFrom<String> for ReturnPath {
    type Error = InvalidReturnPath;

    fn try_from(text: String) -> Result<Self, InvalidReturnPath> {
        text.parse()
    }
}

#[cfg(test)]
mod tests;
