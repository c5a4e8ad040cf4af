//! What one workspace may use of the machine.

use serde::{Deserialize, Serialize};

/// The limits of one workspace. The driver enforces them; what it cannot enforce it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time in thousandths of one core.
    pub cpu_millis: u32,
    /// Memory in bytes, page cache of its files included.
    pub memory_bytes: u64,
    /// Processes and threads at the same time.
    pub pids: u32,
}

/// A limit was outside what any driver can enforce.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be between {least} and {most}, not {given}")]
pub struct LimitOutOfRange {
    what: &'static str,
    least: u64,
    most: u64,
    given: u64,
}

impl Limits {
    /// A start with less does not get as far as a shell.
    const LEAST: Self = Self { cpu_millis: 50, memory_bytes: 32 << 20, pids: 16 };
    /// Bounds that catch a slip of the unit, not a policy.
    const MOST: Self = Self { cpu_millis: 1_024_000, memory_bytes: 16 << 40, pids: 1 << 22 };

    /// Checks every limit against what can be enforced at all.
    pub fn validate(self) -> Result<Self, LimitOutOfRange> {
        let check = |what, least: u64, given: u64, most: u64| {
            if (least..=most).contains(&given) {
                Ok(())
            } else {
                Err(LimitOutOfRange { what, least, most, given })
            }
        };
        let (least, most) = (Self::LEAST, Self::MOST);
        check("cpu_millis", least.cpu_millis.into(), self.cpu_millis.into(), most.cpu_millis.into())?;
        check("memory_bytes", least.memory_bytes, self.memory_bytes, most.memory_bytes)?;
        check("pids", least.pids.into(), self.pids.into(), most.pids.into())?;
        Ok(self)
    }
}

impl Default for Limits {
    /// Two cores, four gigabytes, 4096 processes: a comfortable build of a mid-sized project.
    fn default() -> Self {
        Self { cpu_millis: 2000, memory_bytes: 4 << 30, pids: 4096 }
    }
}
