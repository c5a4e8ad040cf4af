//! Cursor pagination: what a list route takes, and how a page is cut.

use serde::Deserialize;
use utoipa::IntoParams;
use wire::api::Page;

use crate::error::ApiError;

/// Items of a page when nothing else is asked for.
const USUAL: u32 = 50;
/// Most items of a page.
const MOST: u32 = 200;

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next` of the page before; the first page where absent.
    after: Option<String>,
    /// How many, 1 to 200; 50 where absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl PageQuery {
    /// Where the page begins.
    pub(crate) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        self.after
            .as_deref()
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::malformed("`after` is not the `next` of a page of this list").field("after")
                })
            })
            .transpose()
    }

    /// How many items the page has at most.
    pub(crate) fn limit(&self) -> Result<u32, ApiError> {
        let limit = self.limit.unwrap_or(USUAL);
        if (1..=MOST).contains(&limit) {
            Ok(limit)
        } else {
            Err(ApiError::malformed(format!("`limit` must be between 1 and {MOST}, not {limit}"))
                .field("limit"))
        }
    }
}

/// Cuts a page off a list that was asked for one item more than the page has.
pub(crate) fn cut<T>(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Page<T> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > most;
    items.truncate(most);
    let next = if has_more { items.last().map(cursor) } else { None };
    Page { items, next }
}
