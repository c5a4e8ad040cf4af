//! Which release the double plays, and what that release can do.

/// A GitLab release, such as `18.1.1-ee`.
///
/// Read leniently, as GitLab's own strings vary: `15.11.13`, `17.1.0-pre`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: String,
    number: (u32, u32),
}

/// Something that came with a release; before it the double answers as if it did not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// The scope `read_api`.
    ReadApi,
    /// Access tokens may end; since 15.0 they always do.
    TokenExpiry,
    /// `X-Gitlab-Event-UUID`.
    EventUuid,
    /// `GET /metadata`.
    Metadata,
    /// `X-Gitlab-Instance`, and `GET /personal_access_tokens/self`.
    InstanceHeader,
    /// The field `enterprise` in `/metadata`.
    EnterpriseField,
    /// Hooks that keep failing are paused.
    AutoDisable,
    /// `X-Gitlab-Webhook-UUID`.
    WebhookUuid,
    /// 301 for projects that have moved.
    MovedProjects,
    /// Custom templates for a hook's body.
    HookTemplates,
    /// Custom headers of a hook; `action` in note payloads.
    HookHeaders,
    /// The log of a hook's deliveries.
    DeliveryLog,
    /// Sending a delivery again, and the header `Idempotency-Key`.
    Resend,
    /// Keyset pages of a project's issues.
    KeysetIssues,
    /// Deliveries signed as in Standard Webhooks.
    Signature,
}

impl Version {
    /// The release with this name; missing or odd parts count as 0.
    pub fn new(text: &str) -> Self {
        let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self { text: text.to_owned(), number }
    }

    /// As GitLab writes it in `/version` and in `User-Agent`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this release has the feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.number >= feature.since()
    }

    /// Whether this release is at least `major.minor`.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.number >= (major, minor)
    }

    /// Whether this is the Enterprise Edition.
    pub fn is_enterprise(&self) -> bool {
        self.text.ends_with("-ee")
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::new("18.1.1-ee")
    }
}

impl Feature {
    /// The first release with it, as GitLab's documentation says.
    pub fn since(self) -> (u32, u32) {
        match self {
            Self::ReadApi => (12, 10),
            Self::TokenExpiry => (14, 3),
            Self::EventUuid => (14, 8),
            Self::Metadata => (15, 2),
            Self::InstanceHeader => (15, 5),
            Self::EnterpriseField => (15, 6),
            Self::AutoDisable => (15, 7),
            Self::WebhookUuid => (16, 2),
            Self::MovedProjects => (16, 7),
            Self::HookTemplates => (16, 10),
            Self::HookHeaders => (16, 11),
            Self::DeliveryLog => (17, 3),
            Self::Resend => (17, 4),
            Self::KeysetIssues => (18, 3),
            Self::Signature => (19, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_is_a_version(text in ".{0,20}") {
            prop_assert!(super::Version::new(&text).at_least(0, 0));
        }
    }
}
