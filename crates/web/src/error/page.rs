//! Errors for people who came by the address bar: a plain page in place of a problem document.

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::{ApiError, SaysWhy, chain};

/// An error whose answer is a page that says what went wrong and what to do about it.
#[derive(Debug)]
pub(crate) struct PageError(ApiError);

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let refusal = self.0.0;
        if refusal.status.is_server_error() {
            let source = refusal.source.as_deref().map(chain).unwrap_or_default();
            tracing::error!(code = %refusal.code, source, "{}", refusal.detail);
        }
        let title = refusal.status.canonical_reason().unwrap_or("Error");
        let (detail, mend) = (sentence(&refusal.detail), sentence(&refusal.mend));
        let text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <h1>{title}</h1>\n<p>{detail}</p>\n<p>{mend}</p>\n</html>\n"
        );
        let mut response = (refusal.status, Extension(SaysWhy), text).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Words as a sentence, with everything escaped that could be markup.
fn sentence(words: &str) -> String {
    let mut text = String::with_capacity(words.len() + 1);
    for (index, c) in words.chars().enumerate() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            c if index == 0 => text.extend(c.to_uppercase()),
            c => text.push(c),
        }
    }
    if !text.is_empty() {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sentence;

    #[test]
    fn words_become_a_sentence_and_never_markup() {
        assert_eq!(sentence("there is no team `a`"), "There is no team `a`.");
        assert_eq!(sentence("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#39;.");
        assert_eq!(sentence(""), "");
    }

    proptest! {
        #[test]
        fn no_words_open_a_tag_or_end_an_attribute(words in any::<String>()) {
            let text = sentence(&words);
            prop_assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        }
    }
}
