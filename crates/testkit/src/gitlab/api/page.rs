//! Pages of lists: by offset with totals, or by keyset with nothing but the next link.

use axum::response::IntoResponse;
use http::{HeaderValue, header};
use serde_json::Value;
use url::Url;

use super::answer::{Answer, Refusal};
use super::call::Call;

/// GitLab's default and largest page.
const DEFAULT: usize = 20;
const LARGEST: usize = 100;
/// Past this many records totals and the last page are left out.
const COUNTED: usize = 10_000;
/// Past this many records a list with keyset pages has no offset pages.
const FARTHEST: usize = 50_000;

/// Whether a list can be paged by keyset, and what its records are called in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyset {
    No,
    ById(&'static str),
}

/// One page of already sorted and filtered records; only those shown are shaped.
pub(crate) fn paged<T>(
    call: &Call,
    keyset: Keyset,
    records: &[T],
    id: impl Fn(&T) -> u64,
    shape: impl Fn(&T) -> Value,
) -> Answer {
    let size = call.params.number("per_page").and_then(|size| usize::try_from(size).ok()).unwrap_or(DEFAULT);
    let size = size.clamp(1, LARGEST);
    let by_key = call.params.text("pagination").as_deref() == Some("keyset") && keyset != Keyset::No;
    if by_key && call.params.text("order_by").is_none_or(|order| order == "id") {
        let shown = &records[..records.len().min(size)];
        let ascending = call.params.text("sort").as_deref() == Some("asc");
        let name = if ascending { "id_after" } else { "id_before" };
        let last = shown.last().map(|record| id(record).to_string());
        let next = last.filter(|_| records.len() > size).map(|last| link(call, "next", &[(name, &last)]));
        let mut response = axum::Json(shown.iter().map(shape).collect::<Vec<_>>()).into_response();
        if let Some(Ok(next)) = next.map(|next| HeaderValue::from_str(&next)) {
            response.headers_mut().insert(header::LINK, next);
        }
        return Ok(response);
    }
    let page = call.params.number("page").and_then(|page| usize::try_from(page).ok()).unwrap_or(1).max(1);
    let start = (page - 1).saturating_mul(size);
    if let Keyset::ById(what) = keyset
        && start > FARTHEST
    {
        return Err(Refusal::offset_too_far(what));
    }
    let end = start.saturating_add(size).min(records.len());
    let shown = records.get(start..end).unwrap_or_default();
    let last = records.len().div_ceil(size).max(1);
    let number = |page: usize| page.to_string();
    let counted = records.len() <= COUNTED;
    let next = (end < records.len()).then_some(page + 1);
    let previous = (page > 1).then_some(page - 1);
    let mut links = vec![];
    for (name, page) in
        [("prev", previous), ("next", next), ("first", Some(1)), ("last", counted.then_some(last))]
    {
        if let Some(page) = page {
            links.push(link(call, name, &[("page", &number(page)), ("per_page", &number(size))]));
        }
    }
    let mut response = axum::Json(shown.iter().map(shape).collect::<Vec<_>>()).into_response();
    let mut headers = vec![
        ("link", links.join(", ")),
        ("x-page", number(page)),
        ("x-per-page", number(size)),
        ("x-next-page", next.map(number).unwrap_or_default()),
        ("x-prev-page", previous.map(number).unwrap_or_default()),
    ];
    if counted {
        headers.extend([("x-total", number(records.len())), ("x-total-pages", number(last))]);
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// `<url>; rel="name"`: this request's address with some parameters set.
pub(crate) fn link(call: &Call, name: &str, set: &[(&str, &str)]) -> String {
    let Ok(base) = Url::parse(&call.instance.url) else { return String::new() };
    let Ok(mut url) = base.join(&call.uri) else { return String::new() };
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(known, _)| set.iter().all(|(name, _)| known != name))
        // A token in the address does not belong into links.
        .filter(|(known, _)| known != "access_token" && known != "private_token")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(set);
    format!("<{url}>; rel=\"{name}\"")
}
