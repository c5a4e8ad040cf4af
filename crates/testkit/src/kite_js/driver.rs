//! The script that does with kite.js what a test tells it, one line of JSON each.

use std::collections::VecDeque;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Script;
use crate::peers::Skip;

const SCRIPT: &str = include_str!("driver.js");

/// What kite.js threw: an error's `type`, `message` and `code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// The error's kind; empty for an error of kite.js itself.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// The error's code.
    pub code: String,
}

/// A Node in which kites of kite.js live, known by the names that tests give them.
///
/// In arguments `{"$event": "name"}` is a function, whose calls are the events of that name. In results
/// and events a function is `{"$function": number}`, to be called with [`Driver::invoke`].
pub struct Driver {
    script: Script,
    last: u64,
    events: VecDeque<(String, Value)>,
    _folder: TempDir,
}

impl Driver {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When kite.js is not installed.
    ///
    /// # Panics
    ///
    /// When Node does not start.
    pub fn start() -> Result<Self, Skip> {
        let folder = TempDir::with_prefix("hearth-kite-js-").expect("a temporary folder");
        let path = folder.path().join("driver.js");
        fs::write(&path, SCRIPT).expect("own folder");
        let script = Script::start(&path, &[], &[])?;
        Ok(Self { script, last: 0, events: VecDeque::new(), _folder: folder })
    }

    /// Does one thing, which `wish` names as `do`, and waits for what comes of it; `driver.js` has the list.
    ///
    /// # Errors
    ///
    /// What kite.js throws.
    ///
    /// # Panics
    ///
    /// When the script ends, or nothing comes of it.
    pub async fn ask(&mut self, wish: Value) -> Result<Value, Thrown> {
        let asked = self.begin(wish).await;
        self.answer(asked).await
    }

    /// Begins to do one thing; [`Driver::answer`] has what comes of it.
    ///
    /// # Panics
    ///
    /// When the script has ended.
    pub async fn begin(&mut self, mut wish: Value) -> u64 {
        self.last += 1;
        wish["id"] = self.last.into();
        self.script.write(&wish.to_string()).await;
        self.last
    }

    /// What came of what was begun as this.
    ///
    /// # Errors
    ///
    /// What kite.js throws.
    ///
    /// # Panics
    ///
    /// When the script ends, or nothing comes of it.
    pub async fn answer(&mut self, asked: u64) -> Result<Value, Thrown> {
        loop {
            let mut said = self.hear().await;
            if said["id"] != asked {
                continue;
            }
            if let Some(error) = said.get("error") {
                let text = |key: &str| match &error[key] {
                    Value::String(text) => text.clone(),
                    Value::Null => String::new(),
                    other => other.to_string(),
                };
                return Err(Thrown { kind: text("type"), message: text("message"), code: text("code") });
            }
            return Ok(said["result"].take());
        }
    }

    /// Calls a method through a kite.
    ///
    /// # Errors
    ///
    /// What the other end answers.
    ///
    /// # Panics
    ///
    /// As [`Driver::ask`].
    pub async fn tell(&mut self, kite: &str, method: &str, arguments: Value) -> Result<Value, Thrown> {
        self.ask(json!({"do": "tell", "kite": kite, "method": method, "arguments": arguments})).await
    }

    /// Calls a function that came: its `{"$function": number}`.
    ///
    /// # Panics
    ///
    /// As [`Driver::ask`], and when it is no such function.
    pub async fn invoke(&mut self, function: &Value, arguments: Value) {
        assert!(function["$function"].is_u64(), "{function} is a function");
        let wish = json!({"do": "invoke", "function": function["$function"], "arguments": arguments});
        self.ask(wish).await.expect("kite.js sends it");
    }

    /// The arguments of the next event of this name.
    ///
    /// # Panics
    ///
    /// When the script ends, or there is none.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            if let Some(at) = self.events.iter().position(|(named, _)| named == name) {
                return self.events.remove(at).map(|(_, arguments)| arguments).unwrap_or_default();
            }
            self.hear().await;
        }
    }

    /// Events of this name that came and were not asked for yet, the oldest first.
    pub fn came(&mut self, name: &str) -> Vec<Value> {
        let (came, others): (VecDeque<_>, VecDeque<_>) =
            self.events.drain(..).partition(|(named, _)| named == name);
        self.events = others;
        came.into_iter().map(|(_, arguments)| arguments).collect()
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.script.pid()
    }

    /// Everything that was printed.
    pub fn log(&self) -> String {
        self.script.log()
    }

    /// The next line that is no event; events are kept.
    async fn hear(&mut self) -> Value {
        let line = self.script.line().await;
        let mut said: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Value::String(name) = said["event"].take() {
            self.events.push_back((name, said["arguments"].take()));
        }
        said
    }
}
