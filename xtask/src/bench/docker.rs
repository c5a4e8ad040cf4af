//! A Docker Engine with the benchmark's image: the machine's own if it runs, else one we start, with
//! its data in a folder of ours.

use std::cell::RefCell;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::hearth::IMAGE;
use super::http::{Address, Connection, Stream};
use super::rootfs;
use crate::service::Service;
use crate::{project, shell};

/// The API version every engine since 20.10 speaks.
const API: &str = "/v1.41";

/// A reachable engine.
pub(super) struct Docker {
    socket: PathBuf,
    calls: RefCell<Connection>,
    service: Option<Service>,
    _folder: Option<tempfile::TempDir>,
    /// How long the daemon took to answer, where we started it.
    pub(super) start_up: Option<Duration>,
}

impl Docker {
    /// Finds or starts the engine, and makes sure that it has the image.
    pub(super) fn start() -> Result<Self> {
        let system = PathBuf::from("/var/run/docker.sock");
        let docker = match Connection::open(&Address::Unix(system.clone()), None) {
            Ok(calls) => Self {
                socket: system,
                calls: RefCell::new(calls),
                service: None,
                _folder: None,
                start_up: None,
            },
            Err(_) => Self::start_own()?,
        };
        if docker.call("GET", &format!("/images/{IMAGE}/json"), None).is_err() {
            let archive = rootfs::archive()?;
            shell::run(docker.cli(&["import"]).arg(archive).arg(IMAGE))?;
        }
        Ok(docker)
    }

    fn start_own() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("docker-bench-").tempdir_in("/tmp")?;
        let data = project::target().join("bench/docker");
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make `{}`", data.display()))?;
        let socket = folder.path().join("docker.sock");
        let dockerd = shell::find("dockerd").context("`dockerd` is not installed")?;
        let mut command = shell::command(dockerd);
        command.arg("--host").arg(format!("unix://{}", socket.display()));
        command.arg("--data-root").arg(&data).arg("--exec-root").arg(folder.path().join("exec"));
        command.arg("--pidfile").arg(folder.path().join("pid"));
        let begun = Instant::now();
        let mut service = Service::start("dockerd", &mut command)?;
        let address = Address::Unix(socket.clone());
        let calls = service.wait_for(Duration::from_secs(90), |_| {
            let mut calls = Connection::open(&address, None).ok()?;
            calls.send("GET", "/_ping", "", &mut std::io::empty(), 0).ok()?;
            Some(calls)
        })?;
        let start_up = Some(begun.elapsed());
        Ok(Self {
            socket,
            calls: RefCell::new(calls),
            service: Some(service),
            _folder: Some(folder),
            start_up,
        })
    }

    /// `docker …` against this engine.
    pub(super) fn cli(&self, arguments: &[&str]) -> Command {
        let mut command = shell::command("docker");
        command.env("DOCKER_HOST", format!("unix://{}", self.socket.display())).args(arguments);
        command
    }

    /// One call of the engine's API.
    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        self.calls.borrow_mut().call(method, &format!("{API}{path}"), body)
    }

    /// The engine's version.
    pub(super) fn version(&self) -> Result<String> {
        let version = self.call("GET", "/version", None)?;
        Ok(version["Version"].as_str().unwrap_or("unknown").to_owned())
    }

    /// The daemon's process, where we started it.
    pub(super) fn pid(&self) -> Option<u32> {
        self.service.as_ref().map(Service::pid)
    }

    /// Writes the image as `docker save` does.
    pub(super) fn save(&self, image: &str, archive: &Path) -> Result<()> {
        shell::run(self.cli(&["save", "--output"]).arg(archive).arg(image))
    }

    /// Starts a container that waits for ever, and answers its id.
    pub(super) fn resting_container(&self) -> Result<String> {
        let id = self
            .create(&json!({"Image": IMAGE, "Cmd": ["sleep", "infinity"], "HostConfig": {"Init": true}}))?;
        self.call("POST", &format!("/containers/{id}/start"), None)?;
        Ok(id)
    }

    /// Makes a container without starting it.
    pub(super) fn create(&self, body: &Value) -> Result<String> {
        let created = self.call("POST", "/containers/create", Some(body))?;
        Ok(created["Id"].as_str().context("the answer has no id")?.to_owned())
    }

    /// Removes a container with its processes.
    pub(super) fn remove(&self, id: &str) -> Result<()> {
        self.call("DELETE", &format!("/containers/{id}?force=true&v=true"), None).map(drop)
    }

    /// Starts a command in a container with a terminal or without, and answers its raw stream.
    pub(super) fn attach(
        &self,
        container: &str,
        command: &[&str],
        tty: Tty,
    ) -> Result<(String, BufReader<Stream>)> {
        let tty = tty == Tty::Yes;
        let body = json!({
            "Cmd": command, "Tty": tty, "AttachStdin": tty, "AttachStdout": true, "AttachStderr": true
        });
        let exec = self.call("POST", &format!("/containers/{container}/exec"), Some(&body))?;
        let exec = exec["Id"].as_str().context("the answer has no id")?.to_owned();
        let mut connection = Connection::open(&Address::Unix(self.socket.clone()), None)?;
        let body = json!({"Detach": false, "Tty": tty}).to_string();
        let headers = [("content-type", "application/json"), ("connection", "Upgrade"), ("upgrade", "tcp")];
        let path = format!("{API}/exec/{exec}/start");
        connection.begin("POST", &path, &headers, &mut body.as_bytes(), body.len() as u64)?;
        let mut stream = connection.into_stream();
        stream.get_mut().flush()?;
        Ok((exec, stream))
    }
}

/// Whether a command gets a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tty {
    /// It does.
    Yes,
    /// It does not.
    No,
}
