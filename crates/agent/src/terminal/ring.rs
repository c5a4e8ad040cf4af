//! The last bytes of a terminal's output, by sequence number.

use std::collections::VecDeque;

/// Bytes kept. Holds several screens of the widest output, and a build's log of a few thousand lines.
pub(super) const KEPT: usize = 2 << 20;

/// The last [`KEPT`] bytes. Invariant: `bytes` are those numbered `start..start + bytes.len()`.
#[derive(Default)]
pub(super) struct Ring {
    bytes: VecDeque<u8>,
    start: u64,
}

impl Ring {
    /// Appends, and lets go of the oldest.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = match bytes.len().checked_sub(KEPT) {
            Some(surplus) => {
                self.start = self.next() + to_u64(surplus);
                self.bytes.clear();
                bytes.get(surplus..).unwrap_or_default()
            }
            None => bytes,
        };
        let surplus = (self.bytes.len() + bytes.len()).saturating_sub(KEPT);
        self.bytes.drain(..surplus);
        self.start += to_u64(surplus);
        let needed = self.bytes.len() + bytes.len();
        if needed > self.bytes.capacity() {
            // Doubling by itself would end at almost twice what is kept.
            let wanted = needed.next_power_of_two().min(KEPT);
            self.bytes.reserve_exact(wanted.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend(bytes);
    }

    /// Number of the oldest byte kept.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Number of the byte that comes next.
    pub(super) fn next(&self) -> u64 {
        self.start + to_u64(self.bytes.len())
    }

    /// At most `most` bytes from number `from` on; `None` if that one is no longer, or not yet, there.
    pub(super) fn read(&self, from: u64, most: usize) -> Option<Vec<u8>> {
        if from > self.next() {
            return None;
        }
        let skipped = usize::try_from(from.checked_sub(self.start)?).ok()?;
        let end = self.bytes.len().min(skipped.saturating_add(most));
        let (first, second) = self.bytes.as_slices();
        let part = |slice: &[u8], from: usize, to: usize| -> Vec<u8> {
            slice.get(from.min(slice.len())..to.min(slice.len())).unwrap_or_default().to_vec()
        };
        let mut bytes = part(first, skipped, end);
        bytes.extend(part(second, skipped.saturating_sub(first.len()), end.saturating_sub(first.len())));
        Some(bytes)
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
