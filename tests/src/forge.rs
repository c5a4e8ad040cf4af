//! A forge as an administrator registers it, and the ways people go through it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::person::Person;

/// A registered forge.
#[derive(Debug, Clone)]
pub struct Forge {
    /// Its id.
    pub id: String,
    /// What its application is registered with.
    pub redirect_uri: String,
    /// What it will be asked for, separated by spaces.
    pub scopes: String,
}

impl Forge {
    /// The first step: only its address is known, and the answer says what to register there.
    pub async fn register(admin: &Person, kind: &str, url: &str, more: Value) -> Self {
        let mut wish = json!({"kind": kind, "web_url": url, "name": "The forge"});
        for (key, value) in more.as_object().into_iter().flatten() {
            wish[key] = value.clone();
        }
        Self::of(&admin.post("/forges", wish).await.ok())
    }

    /// From its document.
    pub fn of(document: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let scopes = document["scopes"].as_array().expect("a list");
        Self {
            id: text(&document["id"]),
            redirect_uri: text(&document["redirect_uri"]),
            scopes: scopes.iter().map(text).collect::<Vec<_>>().join(" "),
        }
    }

    fn path(&self) -> String {
        format!("/forges/{}", self.id)
    }

    /// The second step: the application that was registered there.
    pub async fn give(&self, admin: &Person, id: &str, secret: &str) -> Value {
        self.change(admin, json!({"client_id": id, "client_secret": secret})).await
    }

    /// Changes it.
    pub async fn change(&self, admin: &Person, change: Value) -> Value {
        admin.patch(&self.path(), change).await.ok()
    }

    /// Its document.
    pub async fn shown(&self, admin: &Person) -> Value {
        admin.get(&self.path()).await.ok()
    }

    /// What a check says, by the names of its steps.
    pub async fn check(&self, admin: &Person) -> Steps {
        let check = admin.post(&format!("{}/check", self.path()), Value::Null).await.ok();
        let steps = check["steps"].as_array().expect("a list").iter();
        let named = steps.map(|step| (step["name"].as_str().expect("a name").to_owned(), step.clone()));
        Steps { ok: check["ok"] == true, steps: named.collect() }
    }

    /// Begins to link an account, and answers where the browser has to go.
    pub async fn begin_link(&self, person: &Person) -> String {
        let wish = json!({"forge": self.id, "return_to": "/settings/integrations?from=test#top"});
        let begun = person.post("/me/links", wish).await.ok();
        begun["redirect"]["authorize_url"].as_str().expect("an address").to_owned()
    }

    /// Begins to sign in, and answers where the browser has to go.
    pub async fn begin_sign_in(&self, browser: &Person) -> String {
        let wish = json!({"forge": self.id, "return_to": "/new#x"});
        let begun = browser.post("/session/forge", wish).await.ok();
        begun["authorize_url"].as_str().expect("an address").to_owned()
    }

    /// The forge as the person sees it; null where it is none for them.
    pub async fn seen_by(&self, person: &Person) -> Value {
        let seen = person.get("/me/integrations").await.ok();
        let items = seen["items"].as_array().expect("a list");
        items.iter().find(|item| item["forge"] == *self.id).cloned().unwrap_or_default()
    }

    /// The person's link there; null where there is none.
    pub async fn link_of(&self, person: &Person) -> Value {
        self.seen_by(person).await["link"].clone()
    }

    /// Takes the person's link back.
    pub async fn disconnect(&self, person: &Person) -> crate::person::Answer {
        let link = self.link_of(person).await;
        person.delete(&format!("/me/links/{}", link["id"].as_str().expect("a link"))).await
    }
}

/// What a check said.
#[derive(Debug)]
pub struct Steps {
    /// Whether none failed.
    pub ok: bool,
    steps: BTreeMap<String, Value>,
}

impl Steps {
    /// Expects this outcome of a step and answers what was found and what to do.
    #[track_caller]
    pub fn expect(&self, name: &str, outcome: &str) -> (String, String) {
        let step = &self.steps[name];
        assert_eq!(step["outcome"], outcome, "{step}");
        let text = |key: &str| step[key].as_str().expect("a text").to_owned();
        let mend = text("mend");
        assert!(outcome != "failed" || !mend.is_empty(), "{step}");
        (text("detail"), mend)
    }

    /// The names of the steps.
    pub fn names(&self) -> Vec<&str> {
        self.steps.keys().map(String::as_str).collect()
    }
}
