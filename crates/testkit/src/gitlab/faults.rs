//! Answers gone wrong on purpose.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;

/// Which requests a fault meets.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    method: Option<Method>,
    path: String,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection is cut before anything is done.
    Drop,
    /// The work is done, then the connection is cut before the answer.
    DropAfterApply,
    /// The answer comes this much later, and the work is done just before it.
    Delay(Duration),
    /// The work is done at once, and the answer comes this much later.
    DelayAfterApply(Duration),
    /// Another status, with a page a proxy or an operator would write.
    Status(u16, String),
    /// 429; `plain` is GitLab's text body, else JSON as the application limits answer.
    RateLimited {
        /// Seconds for `Retry-After`; none leaves the header out, as application limits do.
        retry_after: Option<u64>,
        /// Whether the body is the plain text "Retry later".
        plain: bool,
    },
    /// 200 with a sign-in page, as after a redirect that was followed.
    NotJson,
    /// 200 with this many bytes of JSON string.
    Huge(usize),
}

/// What goes wrong with deliveries of hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookFault {
    /// Never sent, and not in the log, as behind a firewall or above a rate limit.
    Drop,
    /// Sent this much later.
    Delay(Duration),
    /// Sent twice, with the same key.
    Duplicate,
    /// Held back until the next delivery has been sent.
    Reorder,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests whose path contains this text, in the form it has on the wire.
    pub fn path(part: &str) -> Self {
        Self { method: None, path: part.to_owned() }
    }

    /// As [`Self::path`], with this method only.
    pub fn method(method: Method, part: &str) -> Self {
        Self { method: Some(method), path: part.to_owned() }
    }

    fn meets(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && path.contains(&self.path)
    }
}

#[derive(Default)]
pub(crate) struct Faults {
    plans: Mutex<Vec<(Matcher, Fault, u32)>>,
    hooks: Mutex<Vec<(HookFault, u32)>>,
}

impl Faults {
    pub(crate) fn add(&self, matcher: Matcher, fault: Fault, times: u32) {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).push((matcher, fault, times));
    }

    pub(crate) fn add_hook(&self, fault: HookFault, times: u32) {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push((fault, times));
    }

    pub(crate) fn clear(&self) {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault for this request, used up once.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, fault, left) =
            plans.iter_mut().find(|(matcher, _, left)| *left > 0 && matcher.meets(method, path))?;
        *left -= 1;
        Some(fault.clone())
    }

    /// The fault for the next delivery, used up once.
    pub(crate) fn take_hook(&self) -> Option<HookFault> {
        let mut plans = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        let (fault, left) = plans.iter_mut().find(|(_, left)| *left > 0)?;
        *left -= 1;
        Some(*fault)
    }
}
