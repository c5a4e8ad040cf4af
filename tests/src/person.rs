//! Somebody with a browser, or a program with a token: what they ask over the public API, and where a visit
//! at a forge leads them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use crate::server::Server;

/// What everybody's password begins with; the name follows.
pub const PASSWORD: &str = "a long password of ";

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where there is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.json()
    }

    /// The problem document of a refusal with this status and code, which names a mend.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert!(problem["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{problem}");
        problem
    }
}

/// Where a browser is sent after a visit at a forge.
#[derive(Debug)]
pub struct Landing(Url);

impl Landing {
    /// Path, query and fragment.
    pub fn place(&self) -> &str {
        &self.0[url::Position::BeforePath..]
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// A value of the query.
    pub fn value(&self, name: &str) -> Option<String> {
        self.0.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Expects that it did not work, for this reason, and answers the explanation and what to do.
    #[track_caller]
    pub fn failed(&self, code: &str) -> (String, String) {
        assert_eq!(self.value("link_error").as_deref(), Some(code), "{}", self.0);
        let said = |name: &str| self.value(name).filter(|text| !text.is_empty());
        (said("detail").expect("an explanation"), said("mend").expect("what to do"))
    }

    /// Expects that it worked.
    #[track_caller]
    pub fn succeeded(&self) {
        assert_eq!(self.value("link_error"), None, "{}", self.0);
    }
}

/// Somebody who asks a server.
pub struct Person {
    http: Client,
    url: String,
    token: Option<String>,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Person {
    /// A browser that nobody is signed in at.
    pub fn stranger(server: &Server) -> Self {
        Self::new(server, None, Client::builder())
    }

    /// A program with an API token, which asks over the server's own socket.
    pub fn with_token(server: &Server, token: &str) -> Self {
        Self::new(server, Some(token.to_owned()), Client::builder().unix_socket(server.socket()))
    }

    fn new(server: &Server, token: Option<String>, builder: ClientBuilder) -> Self {
        // Only plain HTTP to this machine is spoken here, but a client wants a provider to be there.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = builder.no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, url: server.url.clone(), token, cookies: Mutex::default() }
    }

    /// The first administrator, who came by the one-time link.
    pub async fn first(server: &Server, name: &str) -> Self {
        let person = Self::stranger(server);
        let link = server.setup_url.as_deref().expect("the link of a fresh server");
        let token = link.split_once("token=").expect("a token").1;
        let wish = json!({"token": token, "name": name, "password": format!("{PASSWORD}{name}")});
        person.post("/setup", wish).await.ok();
        person
    }

    /// Somebody whom an administrator makes an account for, signed in.
    pub async fn made_by(admin: &Self, server: &Server, name: &str) -> Self {
        let wish = json!({"name": name, "password": format!("{PASSWORD}{name}")});
        admin.post("/users", wish).await.ok();
        let person = Self::stranger(server);
        person.sign_in(name).await.ok();
        person
    }

    /// Signs in with the password.
    pub async fn sign_in(&self, name: &str) -> Answer {
        self.post("/session", json!({"name": name, "password": format!("{PASSWORD}{name}")})).await
    }

    /// Makes an API token that may do this, and answers it.
    pub async fn token(&self, scopes: &[&str]) -> String {
        let made = self.post("/me/tokens", json!({"name": "a test", "scopes": scopes})).await.ok();
        made["token"].as_str().expect("a token").to_owned()
    }

    /// The id and name of whoever this is.
    pub async fn who(&self) -> (String, String) {
        let me = self.get("/me").await.ok();
        let text = |key: &str| me[key].as_str().expect("a text").to_owned();
        (text("id"), text("name"))
    }

    /// Asks for a document below `/api/v1`.
    pub async fn get(&self, path: &str) -> Answer {
        self.api(Method::GET, path, None).await
    }

    /// Sends a document below `/api/v1`.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.api(Method::POST, path, Some(body)).await
    }

    /// Changes something below `/api/v1`.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.api(Method::PATCH, path, Some(body)).await
    }

    /// Puts something in a place below `/api/v1`.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.api(Method::PUT, path, Some(body)).await
    }

    /// Removes something below `/api/v1`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.api(Method::DELETE, path, None).await
    }

    async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        self.read(request.send().await.expect("the server answers")).await
    }

    /// Opens a stream of events; it is read by its chunks.
    pub async fn stream(&self, path: &str) -> Response {
        let response = self.open(path).await;
        assert!(response.status().is_success(), "{}", response.status());
        response
    }

    /// Asks for what is below `/api/v1`, whatever it is; it is read by its chunks.
    pub async fn open(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("the server answers")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.url));
        self.dress(request).header(ORIGIN, &self.url)
    }

    /// Goes to an address of the server, as a browser that is sent there does.
    pub async fn visit(&self, address: &str) -> Answer {
        let request = self.dress(self.http.get(address));
        self.read(request.send().await.expect("the server answers")).await
    }

    /// Comes back from a forge, and is sent on to a page.
    pub async fn come_back(&self, address: &Url) -> Landing {
        let answer = self.visit(address.as_str()).await;
        let location = answer.location.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
        Landing(Url::parse(&self.url).and_then(|base| base.join(&location)).expect("an address"))
    }

    fn dress(&self, request: RequestBuilder) -> RequestBuilder {
        if let Some(token) = &self.token {
            return request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let cookies = self.cookies.lock().expect("no panic while it is held");
        if cookies.is_empty() {
            return request;
        }
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header(COOKIE, pairs.join("; "))
    }

    async fn read(&self, response: Response) -> Answer {
        for header in response.headers().get_all(SET_COOKIE) {
            let text = header.to_str().expect("a cookie");
            let (name, value) =
                text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let mut cookies = self.cookies.lock().expect("no panic while it is held");
            if value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        Answer { status, location, text: response.text().await.expect("an answer in full") }
    }

    /// The cookies this browser has.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().expect("no panic while it is held").clone()
    }
}
