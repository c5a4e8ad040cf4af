//! Waiting for a workspace by Hearth's own stream of events, without asking again and again.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::http::{Address, Connection};

/// An open `GET /api/v1/events`.
pub(super) struct Events {
    connection: Connection,
    unread: Vec<u8>,
}

impl Events {
    /// Opens the stream. What happens from now on is seen.
    pub(super) fn open(address: &Address, token: &str) -> Result<Self> {
        let mut connection = Connection::open(address, Some(token))?;
        let headers = [("accept", "text/event-stream")];
        let status = connection.begin("GET", "/api/v1/events", &headers, &mut std::io::empty(), 0)?;
        if status != 200 {
            bail!("the event stream answered {status}");
        }
        Ok(Self { connection, unread: vec![] })
    }

    /// Waits until the workspace is in `phase`; an error when its start fails meanwhile.
    pub(super) fn wait_for_phase(&mut self, id: &str, phase: &str) -> Result<()> {
        loop {
            let event = self.next()?;
            if event["id"] != id {
                continue;
            }
            let workspace = &event["workspace"];
            if workspace["phase"] == phase {
                return Ok(());
            }
            if !workspace["failure"].is_null() {
                bail!("the start of `{id}` failed: {}", workspace["failure"]);
            }
        }
    }

    /// Waits until nothing is left of the workspace.
    pub(super) fn wait_until_gone(&mut self, id: &str) -> Result<()> {
        loop {
            let event = self.next()?;
            if event["id"] == id && event["workspace"].is_null() {
                return Ok(());
            }
        }
    }

    /// The next event's data.
    fn next(&mut self) -> Result<Value> {
        loop {
            if let Some(data) = take_event(&mut self.unread) {
                return serde_json::from_str(&data).with_context(|| format!("an event is not JSON: {data}"));
            }
            if !self.connection.read_some(&mut self.unread)? {
                bail!("the event stream ended");
            }
        }
    }
}

/// Takes the first whole event that carries data out of the buffer.
fn take_event(buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = buffer.split_off(end + 2);
        let event = std::mem::replace(buffer, rest);
        let text = String::from_utf8_lossy(&event).into_owned();
        let data: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim).collect();
        // Comments keep the connection alive and carry nothing.
        if !data.is_empty() {
            return Some(data.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_one_by_one_and_comments_passed_over() {
        let mut buffer = b": hello\n\nevent: workspace\ndata: {\"id\":1}\n\ndata: {\"id\"".to_vec();

        assert_eq!(take_event(&mut buffer).as_deref(), Some("{\"id\":1}"));
        assert_eq!(take_event(&mut buffer), None);
        buffer.extend(b":2}\n\n");
        assert_eq!(take_event(&mut buffer).as_deref(), Some("{\"id\":2}"));
    }
}
