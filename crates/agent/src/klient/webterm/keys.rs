//! What a client types: text, control sequences, sizes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::SIDE_MAX;
use super::text::control_bytes;
use crate::activity::Activity;
use crate::terminal::Terminal;

/// How much is handed to the terminal at once. With its queue of 64 this bounds what waits for a program that
/// does not read.
const PIECE: usize = 16 << 10;
/// How long a program may read nothing before what is typed is dropped. Until then typing waits, and with it the
/// client's connection; it must not do so for ever, because the way to end the program is behind it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where one client types. Clones share it.
#[derive(Clone)]
pub(super) struct Keys {
    terminal: Arc<Terminal>,
    activity: Activity,
    /// Whether the program was waited for in vain and has read nothing since.
    is_stuck: Arc<AtomicBool>,
}

impl Keys {
    pub(super) fn new(terminal: Arc<Terminal>, activity: Activity) -> Self {
        Self { terminal, activity, is_stuck: Arc::default() }
    }

    /// Text, as UTF-8.
    pub(super) async fn input(&self, arguments: &[Value]) {
        if let Some(text) = arguments.first().and_then(Value::as_str) {
            self.send(text.as_bytes().to_vec()).await;
        }
    }

    /// A control sequence, whose characters are bytes.
    pub(super) async fn control(&self, arguments: &[Value]) {
        if let Some(text) = arguments.first().and_then(Value::as_str) {
            self.send(control_bytes(text)).await;
        }
    }

    async fn send(&self, bytes: Vec<u8>) {
        self.activity.touch();
        let mut rest = Bytes::from(bytes);
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE));
            if !self.send_piece(piece).await {
                return;
            }
        }
    }

    /// Answers whether there is a use in sending more.
    async fn send_piece(&self, piece: Bytes) -> bool {
        let patience = if self.is_stuck.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        let sending = self.terminal.input().send(piece);
        match tokio::time::timeout(patience, sending).await {
            Ok(Ok(())) => {
                self.is_stuck.store(false, Ordering::Relaxed);
                true
            }
            // The process has ended: there is nobody to type to.
            Ok(Err(_)) => false,
            Err(_) => {
                if !self.is_stuck.swap(true, Ordering::Relaxed) {
                    tracing::debug!(
                        "what is typed into terminal {} is dropped: nothing reads it",
                        self.terminal.id()
                    );
                }
                false
            }
        }
    }
}

/// Columns and rows out of the arguments of `setSize`.
pub(super) fn size(arguments: &[Value]) -> Option<(u16, u16)> {
    let number = |at: usize| arguments.get(at).and_then(Value::as_f64).and_then(side);
    Some((number(0)?, number(1)?))
}

/// Columns or rows, if they can be; a browser may compute halves.
pub(super) fn side(count: f64) -> Option<u16> {
    let whole = (1..=SIDE_MAX).rev().find(|side| f64::from(*side) <= count)?;
    (count < f64::from(SIDE_MAX) + 1.0).then_some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_whole_and_sensible() {
        let sized = |arguments: Value| size(arguments.as_array().unwrap());

        assert_eq!(sized(json!([80, 24])), Some((80, 24)));
        assert_eq!(sized(json!([80.7, 24.0, "more"])), Some((80, 24)));
        assert_eq!(sized(json!([2000, 1])), Some((2000, 1)));
        for refused in [
            json!([]),
            json!([80]),
            json!([0, 24]),
            json!([80, -1]),
            json!([80, 2001]),
            json!(["80", "24"]),
            json!([1e300, 1]),
        ] {
            assert_eq!(sized(refused.clone()), None, "{refused}");
        }
    }
}
