//! Lists: <https://developer.atlassian.com/server/bitbucket/reference/rest-api/>, "Paged APIs".

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::ForgeError;
use crate::rest::RestCall;

/// Entries of a page. Servers cut it at a thousand.
pub(super) const LIMIT: &str = "100";

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) values: Vec<T>,
    #[serde(default, rename = "isLastPage")]
    is_last: bool,
    #[serde(default, rename = "nextPageStart")]
    next: Option<u32>,
}

impl<T> Page<T> {
    /// Where the next page starts. Not what the length of this one suggests: what may not be seen is left out.
    pub(super) fn next(&self) -> Option<u32> {
        self.next.filter(|_| !self.is_last)
    }
}

/// Every entry of a list, up to this many pages; `call` makes one request for it.
pub(super) async fn all<'a, T: DeserializeOwned>(
    most_pages: u32,
    call: impl Fn() -> RestCall<'a>,
) -> Result<Vec<T>, ForgeError> {
    let mut found = Vec::new();
    let mut start = Some(0);
    let mut pages = 0;
    while let Some(at) = start.filter(|_| pages < most_pages) {
        let call = call().query("limit", LIMIT).query("start", &at.to_string());
        let page: Page<T> = call.read().await?;
        pages += 1;
        // A list that does not go on would be read for ever.
        start = page.next().filter(|next| *next > at);
        found.extend(page.values);
    }
    Ok(found)
}
