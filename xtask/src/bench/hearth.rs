//! A release build of Hearth in a folder of its own, driven through its public API.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::docker::Docker;
use super::events::Events;
use super::http::{Address, Connection};
use crate::project::Profile;
use crate::service::Service;

/// The name of the image that both sides start from.
pub(super) const IMAGE: &str = "hearth-bench:1";

/// A running server and two connections to it: one for calls, one for events.
pub(super) struct Hearth {
    service: Service,
    folder: tempfile::TempDir,
    address: Address,
    token: String,
    calls: RefCell<Connection>,
    events: RefCell<Events>,
}

impl Hearth {
    /// Starts `hearth up` and makes an API token.
    pub(super) fn start() -> Result<Self> {
        // A short path: a Unix socket's has at most 108 bytes.
        let folder = tempfile::Builder::new().prefix("hearth-bench-").tempdir_in("/tmp")?;
        let data = folder.path().join("data");
        let mut service = Service::start("hearth", &mut up(&data))?;
        let host = service.wait_for(Duration::from_secs(30), host_of)?;
        let address = Address::Tcp(host);
        let mut local = Connection::open(&Address::Unix(data.join("hearth.sock")), None)?;
        let request = json!({"name": "bench", "scopes": ["all"]});
        let answer = local.call("POST", "/api/v1/me/tokens", Some(&request))?;
        let token = answer["token"].as_str().context("the answer has no token")?.to_owned();
        let calls = RefCell::new(Connection::open(&address, Some(&token))?);
        let events = RefCell::new(Events::open(&address, &token)?);
        Ok(Self { service, folder, address, token, calls, events })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// Its folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `host:port` of the API.
    pub(super) fn host(&self) -> &str {
        match &self.address {
            Address::Tcp(host) => host,
            Address::Unix(_) => "localhost",
        }
    }

    /// The API token.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// The token of the address for the first visit, which the server says right after it is ready.
    pub(super) fn setup_token(&self) -> Result<String> {
        let begun = Instant::now();
        loop {
            if let Some(token) = setup_token_of(&self.service.output()) {
                return Ok(token);
            }
            anyhow::ensure!(
                begun.elapsed() < Duration::from_secs(10),
                "the server says no address to set up"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// One call of the API.
    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        self.calls.borrow_mut().call(method, &format!("/api/v1{path}"), body)
    }

    /// `hearth …` on the same machine.
    pub(super) fn cli(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Profile::Release.hearth());
        command.args(arguments).env("HEARTH_DATA_DIR", self.data()).env_remove("HEARTH_SERVER");
        command
    }

    /// Asks for a workspace and waits until it runs.
    pub(super) fn create(&self, body: &Value) -> Result<String> {
        let created = self.call("POST", "/workspaces", Some(body))?;
        self.wait_until_running(&created)
    }

    /// Forks a stopped workspace and waits until the fork runs.
    pub(super) fn fork(&self, id: &str) -> Result<String> {
        let created = self.call("POST", &format!("/workspaces/{id}/fork"), None)?;
        self.wait_until_running(&created)
    }

    fn wait_until_running(&self, created: &Value) -> Result<String> {
        let id = created["id"].as_str().context("the answer has no id")?.to_owned();
        if created["phase"] != "running" {
            self.events.borrow_mut().wait_for_phase(&id, "running")?;
        }
        Ok(id)
    }

    /// Runs a command to its end and checks that it succeeded.
    pub(super) fn exec(&self, id: &str, command: &[&str]) -> Result<()> {
        let answer =
            self.call("POST", &format!("/workspaces/{id}/exec"), Some(&json!({ "command": command })))?;
        anyhow::ensure!(answer["exit_code"] == 0, "the command failed in the workspace: {answer}");
        Ok(())
    }

    /// Stops a workspace and waits until it has stopped.
    pub(super) fn stop(&self, id: &str) -> Result<()> {
        self.call("POST", &format!("/workspaces/{id}/stop"), None)?;
        self.events.borrow_mut().wait_for_phase(id, "stopped")
    }

    /// Deletes a workspace and waits until nothing is left of it.
    pub(super) fn delete(&self, id: &str) -> Result<()> {
        self.call("DELETE", &format!("/workspaces/{id}"), None)?;
        self.events.borrow_mut().wait_until_gone(id)
    }

    /// Imports the very image that Docker has, from `docker save`.
    pub(super) fn import_image(&self, docker: &Docker) -> Result<()> {
        let archive = self.folder.path().join("image.tar");
        docker.save(IMAGE, &archive)?;
        let begun = Instant::now();
        let mut file = std::fs::File::open(&archive)?;
        let length = file.metadata()?.len();
        let path = format!("/api/v1/images?name={IMAGE}");
        self.calls.borrow_mut().send("POST", &path, "application/x-tar", &mut file, length)?;
        println!("imported {} MB into Hearth in {:.1?}", length >> 20, begun.elapsed());
        Ok(())
    }
}

impl Drop for Hearth {
    /// Workspaces outlive the server; ours must not outlive the measurement.
    fn drop(&mut self) {
        let all = self.call("GET", "/workspaces?limit=100", None).unwrap_or_default();
        for workspace in all["items"].as_array().into_iter().flatten() {
            if let Some(id) = workspace["id"].as_str()
                && let Err(error) = self.delete(id)
            {
                eprintln!("cannot delete `{id}`: {error:#}");
            }
        }
    }
}

/// `hearth up` on a free port.
pub(super) fn up(data: &Path) -> Command {
    let mut command = Command::new(Profile::Release.hearth());
    command.args(["up", "--listen", "127.0.0.1:0"]).env("HEARTH_DATA_DIR", data).env_remove("HEARTH_CONFIG");
    command
}

/// `host:port` from the ready line.
pub(super) fn host_of(said: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("Hearth is ready at http://"))?;
    Some(line.trim_end_matches('/').to_owned())
}

/// The token from the line for the first visit.
fn setup_token_of(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.starts_with("First visit: "))?;
    line.split_once("token=").map(|(_, token)| token.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let said = "warming up\nHearth is ready at http://127.0.0.1:4321\n\
                    First visit: http://127.0.0.1:4321/setup?token=abc\n";

        assert_eq!(host_of(said).as_deref(), Some("127.0.0.1:4321"));
        assert_eq!(setup_token_of(said).as_deref(), Some("abc"));
        assert_eq!(host_of("not yet"), None);
        assert_eq!(setup_token_of("not yet"), None);
    }
}
