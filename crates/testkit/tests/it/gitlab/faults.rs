//! Faults do what their names say, and the double writes down what was asked of it.

use std::sync::Arc;
use std::time::Duration;

use domain::SignedDuration;
use serde_json::json;
use testkit::FakeClock;
use testkit::browser::Browser;
use testkit::gitlab::{Authorization, Fault, GitlabDouble, Matcher, NewApplication, Options};

async fn ask(gitlab: &GitlabDouble, path: &str) -> Result<reqwest::Response, reqwest::Error> {
    Browser::new(None).http().get(format!("{}/{path}", gitlab.url())).send().await
}

#[tokio::test]
async fn faults_meet_the_requests_they_are_for_and_are_used_up() {
    let gitlab = GitlabDouble::start(Options::default()).await;
    gitlab.fault(Matcher::path("/-/health"), Fault::Drop, 1);
    gitlab.fault(Matcher::path("/-/health"), Fault::Status(502, "<html>Bad gateway</html>".to_owned()), 1);
    gitlab.fault(Matcher::any(), Fault::RateLimited { retry_after: Some(7), plain: true }, 1);
    gitlab.fault(Matcher::any(), Fault::RateLimited { retry_after: None, plain: false }, 1);
    gitlab.fault(Matcher::any(), Fault::NotJson, 1);
    gitlab.fault(Matcher::any(), Fault::Huge(1000), 1);
    gitlab.fault(Matcher::method(http::Method::POST, "/"), Fault::Drop, 1);

    assert!(ask(&gitlab, "-/health").await.is_err());
    let answer = ask(&gitlab, "-/health").await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (502, &"text/html; charset=utf-8".parse().unwrap())
    );
    let answer = ask(&gitlab, "-/health").await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(answer.text().await.unwrap(), "Retry later\n");
    assert!(ask(&gitlab, "-/health").await.unwrap().headers().get("retry-after").is_none());
    assert!(ask(&gitlab, "-/health").await.unwrap().text().await.unwrap().contains("Sign in"));
    assert_eq!(ask(&gitlab, "-/health").await.unwrap().bytes().await.unwrap().len(), 1002);
    assert_eq!(ask(&gitlab, "-/health").await.unwrap().text().await.unwrap(), "GitLab OK");
}

#[tokio::test]
async fn an_answer_can_get_lost_after_the_work_is_done() {
    let gitlab = GitlabDouble::start(Options::default()).await;
    let dev = gitlab.add_user("dev");
    let application = gitlab.add_application(NewApplication::new("http://localhost/", &["api"]));
    let pair = gitlab.issue_tokens(&dev, &application, &["api"]);
    gitlab.fault(Matcher::path("/oauth/token"), Fault::DropAfterApply, 1);
    let body = json!({
        "grant_type": "refresh_token", "refresh_token": pair["refresh_token"],
        "client_id": application.client_id, "client_secret": application.secret,
    });
    let refresh = async || {
        let url = format!("{}/oauth/token", gitlab.url());
        Browser::new(None).http().post(url).json(&body).send().await
    };

    assert!(refresh().await.is_err());

    assert_eq!(gitlab.refreshes(), 1);
    assert_eq!(refresh().await.unwrap().status().as_u16(), 400);
    let answered: Vec<_> = gitlab.requests().iter().map(|request| request.status).collect();
    assert_eq!(answered, [None, Some(400)]);
}

#[tokio::test]
async fn a_skewed_clock_shows_in_dates_and_tokens() {
    let clock = FakeClock::default();
    let options = Options { clock: Arc::new(clock), ..Options::default() };
    let gitlab = GitlabDouble::start(options).await;
    assert_eq!(ask(&gitlab, "-/health").await.unwrap().headers()["date"], "Thu, 01 Jan 2026 00:00:00 GMT");

    gitlab.set_clock_skew(SignedDuration::from_hours(-1));

    assert_eq!(ask(&gitlab, "-/health").await.unwrap().headers()["date"], "Wed, 31 Dec 2025 23:00:00 GMT");
}

#[tokio::test]
async fn requests_are_recorded_without_their_secrets() {
    let gitlab = GitlabDouble::start(Options::default()).await;
    let dev = gitlab.add_user("dev");
    let token = gitlab.add_personal_token(&dev, &["api"]);
    let url = |rest: &str| format!("{}/api/v4/user{rest}", gitlab.url());
    let browser = Browser::new(None);
    browser.http().get(url("")).bearer_auth(&token).send().await.unwrap();
    browser.http().get(url("")).header("private-token", &token).send().await.unwrap();
    browser.http().get(url(&format!("?access_token={token}"))).send().await.unwrap();
    browser.http().get(url("")).send().await.unwrap();

    let seen: Vec<_> =
        gitlab.requests().into_iter().map(|request| (request.authorization, request.status)).collect();

    assert_eq!(
        seen,
        [
            (Authorization::Bearer, Some(200)),
            (Authorization::PrivateToken, Some(200)),
            (Authorization::Query, Some(200)),
            (Authorization::Anonymous, Some(401)),
        ]
    );
    gitlab.fault(Matcher::any(), Fault::Delay(Duration::from_millis(1)), 1);
    assert_eq!(ask(&gitlab, "-/health").await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn the_demonstration_has_something_of_everything() {
    let gitlab = GitlabDouble::start(Options::default()).await;
    let demo = gitlab.add_demo("http://localhost/callback");

    let (status, user) = super::get(&gitlab, &demo.token, "api/v4/user").await;
    assert_eq!((status, &user["username"]), (200, &json!("dev")));
    let (_, requests) = super::get(&gitlab, &demo.token, "api/v4/merge_requests?scope=all").await;
    assert_eq!(requests.as_array().unwrap().len(), 2);
    assert_eq!(demo.projects.len(), 3);
}
