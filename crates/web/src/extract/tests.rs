use futures_util::StreamExt;
use http::HeaderValue;

use super::*;

/// An upload of two chunks of four bytes, with a limit.
fn upload(most: u64) -> Upload {
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("abcd"), Ok("efgh")]);
    Upload::new(&HeaderMap::new(), Body::from_stream(chunks), most).unwrap()
}

async fn take(upload: Upload) -> Vec<std::io::Result<Bytes>> {
    upload.into_stream().collect().await
}

#[tokio::test]
async fn what_fits_the_limit_exactly_goes_through() {
    let upload = upload(8);

    let chunks = take(upload).await;

    assert_eq!(chunks.len(), 2);
    assert!(chunks.iter().all(Result::is_ok));
}

#[tokio::test]
async fn one_byte_more_ends_the_stream_and_is_the_reason_given() {
    let upload = upload(7);
    let verdict = upload.verdict();

    let chunks = take(upload).await;
    let error = verdict.on(ApiError::malformed("something else"));

    assert!(chunks[0].is_ok() && chunks[1].is_err());
    assert_eq!(error.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn an_upload_that_failed_for_another_reason_says_that_one() {
    let verdict = upload(8).verdict();

    let error = verdict.on(ApiError::malformed("something else"));

    assert_eq!(error.into_response().status(), StatusCode::BAD_REQUEST);
}

#[test]
fn an_announced_length_above_the_limit_is_not_even_begun() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("9"));

    assert!(Upload::new(&headers, Body::empty(), 8).is_err());
    assert!(Upload::new(&headers, Body::empty(), 9).is_ok());
}

#[test]
fn json_is_known_by_its_type_however_it_is_written() {
    let announced = |text: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(text));
        is_json(&headers)
    };

    assert!(announced("application/json") && announced("Application/JSON ; charset=utf-8"));
    assert!(
        !announced("text/plain") && !announced("application/jsonp") && !announced("x/y; application/json")
    );
    assert!(!is_json(&HeaderMap::new()));
}
