//! Frames, batches and paths, with known forms and with nonsense.

use proptest::prelude::*;

use super::*;

const MANY: usize = 1000;

#[test]
fn every_frame_of_the_protocol_is_read() {
    let messages =
        |texts: &[&str]| Some(Frame::Messages(texts.iter().map(|&text| text.to_owned()).collect()));

    assert_eq!(Frame::parse("o", MANY), Some(Frame::Open));
    assert_eq!(Frame::parse("h", MANY), Some(Frame::Heartbeat));
    assert_eq!(Frame::parse(r#"a["x","\u00e9"]"#, MANY), messages(&["x", "é"]));
    assert_eq!(Frame::parse("a[]", MANY), messages(&[]));
    assert_eq!(Frame::parse(r#"m"{\"a\":1}""#, MANY), messages(&[r#"{"a":1}"#]));
    assert_eq!(Frame::parse(r#"c[3000,"Go away!"]"#, MANY), Some(Frame::Close(Close::GO_AWAY)));
}

#[test]
fn what_is_no_frame_is_none() {
    for text in
        ["", "x", "oo", "hello", "a", "a{}", "a[1]", "m", "m[]", "c", "c[]", "c[1]", "c[-1,\"\"]", "é"]
    {
        assert_eq!(Frame::parse(text, MANY), None, "{text}");
    }
}

#[test]
fn a_batch_is_refused_in_the_words_of_the_protocol() {
    assert_eq!(read_batch("", MANY), Err(BatchError::Missing));
    assert_eq!(read_batch(r#""x""#, MANY), Err(BatchError::Missing));
    assert_eq!(read_batch("{}", MANY), Err(BatchError::Missing));
    assert_eq!(read_batch("[1]", MANY), Err(BatchError::Missing));
    assert_eq!(read_batch(r#"["x"#, MANY), Err(BatchError::Broken));
    assert_eq!(read_batch(r#"["x"] y"#, MANY), Err(BatchError::Broken));
    assert_eq!(read_batch(r#"["a","b"]"#, 1), Err(BatchError::TooMany));
    assert_eq!(read_batch(r#"["a","b"]"#, 2), Ok(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn a_deeply_nested_body_is_refused_without_recursion() {
    let deep = "[".repeat(200_000);

    assert_eq!(read_batch(&deep, MANY), Err(BatchError::Missing));
}

#[test]
fn characters_that_browsers_mangle_are_escaped() {
    assert_eq!(quote("a\"\\\n\u{1}\u{2028}\u{fff0}é"), r#""a\"\\\n\u0001\u2028\ufff0é""#);
}

#[test]
fn paths_are_told_apart() {
    let session = |session, route| Some(Place::Session { session, route });

    assert_eq!(locate(""), Some(Place::Root));
    assert_eq!(locate("/"), Some(Place::Root));
    assert_eq!(locate("/info"), Some(Place::Info));
    assert_eq!(locate("/000/abc/websocket"), session("abc", Route::WebSocket));
    assert_eq!(locate("/_/_/xhr"), session("_", Route::Xhr));
    assert_eq!(locate("/1/a%20b/xhr_send"), session("a%20b", Route::XhrSend));
    assert_eq!(locate("/1/1/xhr_streaming"), session("1", Route::XhrStreaming));
    assert_eq!(locate("/1/1/eventsource"), session("1", Route::EventSource));
}

#[test]
fn paths_of_other_shapes_are_nothing() {
    let long = format!("/1/{}/xhr", "x".repeat(SEGMENT_LONG));
    for path in [
        "//",
        "///xhr",
        "/a./a/xhr",
        "/a/a./xhr",
        "/./../xhr",
        "/a//xhr",
        "//a/xhr",
        "/a/a/xhr/",
        "/a/a/b/xhr",
        "/websocket",
        "/info/",
        "/a/a",
        "/a/a/",
        "/a/a/jsonp",
        "/a/a/htmlfile",
        "/iframe.html",
        &long,
    ] {
        assert_eq!(locate(path), None, "{path}");
    }
}

const SEGMENT_LONG: usize = 129;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_without_panic(text in ".{0,200}", letter in "[oamhc]") {
        drop(Frame::parse(&text, 3));
        drop(Frame::parse(&format!("{letter}{text}"), 3));
        drop(read_batch(&text, 3));
        let _ = locate(&text);
    }

    #[test]
    fn near_misses_of_json_are_parsed_without_panic(text in r#"[\[\]\{\}",:\\u0-9a-f ]{0,64}"#) {
        drop(Frame::parse(&format!("a{text}"), 3));
        drop(Frame::parse(&format!("c{text}"), 3));
        drop(read_batch(&text, 3));
    }

    #[test]
    fn messages_come_out_as_they_went_in(messages in proptest::collection::vec(any::<String>(), 0..8)) {
        let quoted: Vec<String> = messages.iter().map(|message| quote(message)).collect();
        let mut text = String::new();
        write_messages(quoted.iter().map(String::as_str), &mut text);

        prop_assert_eq!(Frame::parse(&text, MANY), Some(Frame::Messages(messages.clone())));
        prop_assert_eq!(read_batch(&write_batch(messages.iter().map(String::as_str)), MANY), Ok(messages));
    }

    #[test]
    fn a_located_session_has_the_name_in_the_path(server in "[^/.]{1,9}", session in "[^/.]{1,9}") {
        let path = format!("/{server}/{session}/xhr");

        prop_assert_eq!(locate(&path), Some(Place::Session { session: &session, route: Route::Xhr }));
    }
}
