//! Programs we start beside us and stop again, whatever happens in between.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::shell;

/// How long a service may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(20);

/// A running program. Dropping it stops it and waits until it has ended.
pub(crate) struct Service {
    name: String,
    child: Child,
    output: Arc<Mutex<String>>,
}

impl Service {
    /// Starts the command and collects all it says.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name} with `{}`", shell::shown(command)))?;
        let output = Arc::new(Mutex::new(String::new()));
        if let Some(out) = child.stdout.take() {
            collect(out, Arc::clone(&output));
        }
        if let Some(err) = child.stderr.take() {
            collect(err, Arc::clone(&output));
        }
        Ok(Self { name: name.to_owned(), child, output })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All it has said so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `ready` answers something; gives up when the program ends or the time is up.
    pub(crate) fn wait_for<T>(&mut self, limit: Duration, ready: impl Fn(&str) -> Option<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ready(&self.output()) {
                return Ok(answer);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before it was ready:\n{}", self.name, self.output());
            }
            if begun.elapsed() > limit {
                bail!("{} was not ready within {}s:\n{}", self.name, limit.as_secs(), self.output());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may have ended in between, which is what we want.
            let _ended = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let begun = Instant::now();
        while begun.elapsed() < GRACE {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{} did not end within {}s and is killed", self.name, GRACE.as_secs());
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = vec![];
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            into.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_waited_for_and_stopped() {
        let mut service =
            Service::start("echo", Command::new("sh").args(["-c", "echo ready at 12; exec sleep 60"]))
                .unwrap();

        let line =
            service.wait_for(Duration::from_secs(10), |said| said.contains("ready").then(|| said.to_owned()));
        let pid = Pid::from_raw(i32::try_from(service.pid()).unwrap());
        drop(service);

        assert_eq!(line.unwrap().trim(), "ready at 12");
        assert!(kill(pid, None).is_err(), "still there");
    }

    #[test]
    fn a_service_that_ends_too_early_is_an_error_with_what_it_said() {
        let mut service =
            Service::start("broken", Command::new("sh").args(["-c", "echo because; exit 3"])).unwrap();

        let error = service.wait_for(Duration::from_secs(10), |_| None::<()>).unwrap_err();

        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
