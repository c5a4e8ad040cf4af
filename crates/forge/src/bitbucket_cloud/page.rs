//! Lists: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::ForgeError;
use crate::rest::RestCall;

/// The longest page that every list has.
pub(super) const PER_PAGE: &str = "50";

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) values: Vec<T>,
    /// The next page's address, which is never followed.
    #[serde(default)]
    next: Option<IgnoredAny>,
}

impl<T> Page<T> {
    /// Whether the list goes on.
    pub(super) fn has_next(&self) -> bool {
        self.next.is_some()
    }
}

/// Every entry of a list, up to this many pages; `call` makes one request for it.
pub(super) async fn all<'a, T: DeserializeOwned>(
    most_pages: u32,
    call: impl Fn() -> RestCall<'a>,
) -> Result<Vec<T>, ForgeError> {
    let mut found = Vec::new();
    for number in 1..=most_pages {
        let page: Page<T> =
            call().query("pagelen", PER_PAGE).query("page", &number.to_string()).read().await?;
        let has_next = page.has_next();
        found.extend(page.values);
        if !has_next {
            break;
        }
    }
    Ok(found)
}
