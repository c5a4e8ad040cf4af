//! SockJS polling, request by request.

use std::time::Duration;

use http::{Method, StatusCode};
use kite::server::Settings;
use testkit::wait_until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::http::{Browser, get, post};
use super::stand::{LIMIT, Stand};

#[tokio::test]
async fn polls_and_sends_answer_as_the_protocol_says() {
    let stand = Stand::start(Settings::default()).await;

    let opened = post(stand.address, "/kite/000/one/xhr", "").await;
    assert_eq!((opened.status, opened.body.as_str()), (StatusCode::OK, "o\n"));
    assert_eq!(opened.header("content-type"), Some("application/javascript; charset=UTF-8"));
    assert!(opened.header("cache-control").is_some_and(|value| value.contains("no-store")));
    assert_eq!(opened.header("set-cookie"), None);

    let sent = post(stand.address, "/kite/000/one/xhr_send", r#"["a"]"#).await;
    assert_eq!((sent.status, sent.body.as_str()), (StatusCode::NO_CONTENT, ""));
    // The server's part of the path is for load balancers; the session is the same.
    assert_eq!(post(stand.address, "/kite/999/one/xhr", "").await.body, "a[\"a\"]\n");

    assert_eq!(
        post(stand.address, "/kite/000/one/xhr_send", r#"["close"]"#).await.status,
        StatusCode::NO_CONTENT
    );
    for _ in 0..2 {
        assert_eq!(post(stand.address, "/kite/000/one/xhr", "").await.body, "c[3000,\"Go away!\"]\n");
    }
}

#[tokio::test]
async fn bodies_are_refused_in_the_words_of_the_protocol_and_the_session_goes_on() {
    let stand = Stand::start(Settings::default()).await;
    post(stand.address, "/kite/000/one/xhr", "").await;

    let deep = "[".repeat(1_000_000);
    let many = format!("[{}\"\"]", "\"\",".repeat(20_000));
    for (body, words) in [
        ("", "Payload expected."),
        ("{}", "Payload expected."),
        ("[1]", "Payload expected."),
        ("[\"x", "Broken JSON encoding."),
        (deep.as_str(), "Payload expected."),
        (many.as_str(), "Too many messages."),
    ] {
        let answer = post(stand.address, "/kite/000/one/xhr_send", body).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, words));
    }
    let long = format!("[\"{}\"]", "x".repeat(2 << 20));
    assert_eq!(
        post(stand.address, "/kite/000/one/xhr_send", &long).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );

    assert_eq!(post(stand.address, "/kite/000/one/xhr_send", "[\"x\"]").await.status, StatusCode::NO_CONTENT);
    assert_eq!(post(stand.address, "/kite/000/one/xhr", "").await.body, "a[\"x\"]\n");
}

#[tokio::test]
async fn any_content_type_is_taken() {
    let stand = Stand::start(Settings::default()).await;
    let mut browser = Browser::open(stand.address, None).await;
    browser.request(Method::POST, "/kite/0/one/xhr", &[], "").await;

    for kind in ["text/plain;charset=UTF-8", "T", "application/json", "application/xml", "nonsense"] {
        let answer =
            browser.request(Method::POST, "/kite/0/one/xhr_send", &[("content-type", kind)], "[\"x\"]").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{kind}");
    }
}

#[tokio::test]
async fn a_session_that_nobody_opened_does_not_exist() {
    let stand = Stand::start(Settings::default()).await;

    assert_eq!(post(stand.address, "/kite/0/one/xhr_send", "[\"x\"]").await.status, StatusCode::NOT_FOUND);
    assert_eq!(stand.echo.accepted(), 0);
}

#[tokio::test]
async fn a_session_belongs_to_the_address_and_credential_of_its_first_request() {
    let stand = Stand::start(Settings::default()).await;
    let bearer = |token| [("authorization", token)];
    let mut owner = Browser::open(stand.address, None).await;
    let opened = owner.request(Method::POST, "/kite/0/one/xhr", &bearer("Bearer a"), "").await;
    assert_eq!(opened.body, "o\n");

    let mut elsewhere = Browser::open(stand.address, "127.0.0.2".parse().ok()).await;
    for (path, body) in
        [("/kite/0/one/xhr", ""), ("/kite/0/one/xhr_send", "[\"x\"]"), ("/kite/0/one/xhr_streaming", "")]
    {
        for stranger in [
            owner.request(Method::POST, path, &[], body).await,
            owner.request(Method::POST, path, &bearer("Bearer b"), body).await,
            elsewhere.request(Method::POST, path, &bearer("Bearer a"), body).await,
        ] {
            assert_eq!((stranger.status, stranger.body.as_str()), (StatusCode::NOT_FOUND, ""), "{path}");
        }
    }

    owner.request(Method::POST, "/kite/0/one/xhr_send", &bearer("Bearer a"), "[\"x\"]").await;
    assert_eq!(
        owner.request(Method::POST, "/kite/0/one/xhr", &bearer("Bearer a"), "").await.body,
        "a[\"x\"]\n"
    );
    assert_eq!(stand.echo.accepted(), 1);
}

#[tokio::test]
async fn a_second_poll_is_turned_away_and_the_first_is_answered() {
    let stand = Stand::start(Settings::default()).await;
    post(stand.address, "/kite/0/one/xhr", "").await;
    let address = stand.address;
    let poll = || Box::pin(post(address, "/kite/0/one/xhr", ""));

    // Whichever of the two came second.
    let (turned_away, waiting) = match futures_util::future::select(poll(), poll()).await {
        futures_util::future::Either::Left(answered) => answered,
        futures_util::future::Either::Right(answered) => answered,
    };
    assert_eq!(turned_away.body, "c[2010,\"Another connection still open\"]\n");
    post(address, "/kite/0/one/xhr_send", "[\"x\"]").await;

    assert_eq!(waiting.await.body, "a[\"x\"]\n");
}

#[tokio::test]
async fn a_poll_that_was_given_up_while_idle_loses_nothing() {
    let stand = Stand::start(Settings::default()).await;
    post(stand.address, "/kite/0/one/xhr", "").await;

    for number in 0..5 {
        let given_up =
            tokio::time::timeout(Duration::from_millis(30), post(stand.address, "/kite/0/one/xhr", "")).await;
        assert!(given_up.is_err());
        post(stand.address, "/kite/0/one/xhr_send", &format!("[\"{number}\"]")).await;
        // The server may notice the end of the first poll a little later.
        wait_until(LIMIT, async || {
            let answer = post(stand.address, "/kite/0/one/xhr", "").await.body;
            assert!(answer.starts_with("c[2010") || answer == format!("a[\"{number}\"]\n"), "{answer}");
            answer.starts_with('a')
        })
        .await;
    }
}

#[tokio::test]
async fn a_quiet_poll_is_answered_with_a_heartbeat() {
    let stand = Stand::start(Settings { heartbeat: Duration::from_millis(50), ..Settings::default() }).await;
    post(stand.address, "/kite/0/one/xhr", "").await;

    assert_eq!(post(stand.address, "/kite/0/one/xhr", "").await.body, "h\n");
}

#[tokio::test]
async fn a_session_that_nobody_polls_expires_and_its_id_begins_anew() {
    let stand =
        Stand::start(Settings { disconnect_delay: Duration::from_millis(100), ..Settings::default() }).await;
    assert_eq!(post(stand.address, "/kite/0/one/xhr", "").await.body, "o\n");

    wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;

    assert_eq!(post(stand.address, "/kite/0/one/xhr_send", "[\"x\"]").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post(stand.address, "/kite/0/one/xhr", "").await.body, "o\n");
    assert_eq!(stand.echo.accepted(), 2);
}

#[tokio::test]
async fn a_handler_that_panics_leaves_nothing_behind() {
    let stand = Stand::start(Settings::default()).await;
    assert_eq!(post(stand.address, "/kite/0/one/xhr", "").await.body, "o\n");

    post(stand.address, "/kite/0/one/xhr_send", "[\"flood nonsense\"]").await;

    wait_until(LIMIT, async || stand.endpoint.connections() == 0).await;
    assert_eq!(post(stand.address, "/kite/0/one/xhr", "").await.body, "o\n");
}

#[tokio::test]
async fn sends_to_a_service_that_does_not_read_are_bounded() {
    let settings =
        Settings { inbox_bytes: 1000, request_timeout: Duration::from_millis(200), ..Settings::default() };
    let stand = Stand::start(settings).await;
    post(stand.address, "/kite/0/one/xhr", "").await;
    post(stand.address, "/kite/0/one/xhr_send", "[\"deaf\"]").await;
    let body = format!("[\"{}\"]", "x".repeat(900));

    let mut taken = 0;
    while post(stand.address, "/kite/0/one/xhr_send", &body).await.status == StatusCode::NO_CONTENT {
        taken += 1;
    }
    assert!((1..=2).contains(&taken), "{taken}");

    let address = stand.address;
    let flood = (0..20).map(|_| {
        let body = body.clone();
        tokio::spawn(async move { post(address, "/kite/0/one/xhr_send", &body).await.status })
    });
    for status in futures_util::future::join_all(flood).await {
        assert_eq!(status.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(get(stand.address, "/kite").await.status, StatusCode::OK);
}

#[tokio::test]
async fn empty_messages_take_room_too() {
    let settings =
        Settings { inbox_bytes: 1000, request_timeout: Duration::from_millis(200), ..Settings::default() };
    let stand = Stand::start(settings).await;
    post(stand.address, "/kite/0/one/xhr", "").await;
    post(stand.address, "/kite/0/one/xhr_send", "[\"deaf\"]").await;
    let body = format!("[{}]", vec!["\"\""; 100].join(","));

    let answer = post(stand.address, "/kite/0/one/xhr_send", &body).await;

    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let stand =
        Stand::start(Settings { request_timeout: Duration::from_millis(200), ..Settings::default() }).await;
    post(stand.address, "/kite/0/one/xhr", "").await;
    let mut tcp = TcpStream::connect(stand.address).await.unwrap();

    let head =
        "POST /kite/0/one/xhr_send HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[\"\r\n";
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    tcp.read_exact(&mut answer).await.unwrap();

    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_poller_that_fetches_slowly_slows_the_service_down() {
    let stand = Stand::start(Settings { outbox_bytes: 50_000, ..Settings::default() }).await;
    let mut browser = Browser::open(stand.address, None).await;
    browser.request(Method::POST, "/kite/0/one/xhr", &[], "").await;
    browser.request(Method::POST, "/kite/0/one/xhr_send", &[], "[\"flood 200\"]").await;

    let (mut next, mut polls) = (0, 0);
    while next < 200 {
        let frame = browser.request(Method::POST, "/kite/0/one/xhr", &[], "").await.body;
        let messages: Vec<String> = serde_json::from_str(frame.strip_prefix('a').unwrap()).unwrap();
        for message in messages {
            assert!(message.starts_with(&format!("{next} ")));
            next += 1;
        }
        polls += 1;
    }

    // Six messages of 10 000 bytes are waiting at most.
    assert!(polls >= 200 / 6, "{polls}");
}
