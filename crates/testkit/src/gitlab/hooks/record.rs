//! A hook, what it wants to hear of, and the log of its deliveries.

use std::collections::BTreeMap;

use domain::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What a hook belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Project(u64),
    Group(u64),
    System,
}

pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) scope: Scope,
    pub(crate) url: String,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) signing_token: Option<String>,
    /// The `…_events` fields that are on.
    pub(crate) events: BTreeMap<&'static str, bool>,
    pub(crate) branch_filter: String,
    pub(crate) filter_strategy: String,
    pub(crate) verify_tls: bool,
    pub(crate) template: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) failures: u32,
    pub(crate) disabled: Disabled,
    pub(crate) created_at: Timestamp,
    pub(crate) deliveries: Vec<Delivery>,
}

/// Whether failures have switched a hook off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disabled {
    No,
    Until(Timestamp),
    ForGood,
}

/// One delivery as the log shows it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) trigger: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) key: String,
    /// A number as text, or "internal error".
    pub(crate) status: String,
    pub(crate) response_headers: Vec<(String, String)>,
    pub(crate) response_body: String,
    pub(crate) seconds: f64,
    pub(crate) created_at: Timestamp,
}

/// Fields of project hooks; a group hook has [`GROUP_EVENTS`] too.
pub(crate) const PROJECT_EVENTS: [&str; 18] = [
    "push_events",
    "tag_push_events",
    "issues_events",
    "confidential_issues_events",
    "merge_requests_events",
    "note_events",
    "confidential_note_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "feature_flag_events",
    "releases_events",
    "milestone_events",
    "emoji_events",
    "resource_access_token_events",
    "vulnerability_events",
    "repository_update_events",
];
pub(crate) const GROUP_EVENTS: [&str; 3] = ["member_events", "subgroup_events", "project_events"];
pub(crate) const SYSTEM_EVENTS: [&str; 4] =
    ["push_events", "tag_push_events", "merge_requests_events", "repository_update_events"];

impl Hook {
    /// The fields this hook can have.
    pub(crate) fn fields(scope: Scope) -> Vec<&'static str> {
        match scope {
            Scope::Project(_) => PROJECT_EVENTS.to_vec(),
            Scope::Group(_) => PROJECT_EVENTS.into_iter().chain(GROUP_EVENTS).collect(),
            Scope::System => SYSTEM_EVENTS.to_vec(),
        }
    }

    pub(crate) fn wants(&self, field: &str) -> bool {
        self.events.get(field).copied().unwrap_or(false)
    }

    /// Whether the branch filter lets a push to this branch through.
    pub(crate) fn lets_through(&self, branch: &str) -> bool {
        match (self.filter_strategy.as_str(), self.branch_filter.as_str()) {
            ("all_branches", _) | (_, "") => true,
            ("regex", pattern) => super::delivery::matches_regex(pattern, branch),
            (_, pattern) => wildcard(pattern, branch),
        }
    }

    /// How the API calls the state.
    pub(crate) fn alert_status(&self, now: Timestamp) -> &'static str {
        match self.disabled {
            Disabled::ForGood => "disabled",
            Disabled::Until(time) if time > now => "temporarily_disabled",
            Disabled::Until(_) | Disabled::No => "executable",
        }
    }

    /// Counts a result: one success resets; from the 4th failure on the hook rests, past the 39th for good.
    pub(crate) fn count(&mut self, outcome: Outcome, rule: Rule, now: Timestamp) {
        if outcome == Outcome::Delivered {
            (self.failures, self.disabled) = (0, Disabled::No);
            return;
        }
        self.failures += 1;
        let refused_for_good = rule == Rule::Former && outcome == Outcome::Refused;
        self.disabled = match self.failures {
            0..=3 => Disabled::No,
            _ if refused_for_good => Disabled::ForGood,
            4..=39 => {
                let minutes = 1_i64.checked_shl(self.failures - 4).unwrap_or(i64::MAX).clamp(1, 24 * 60);
                Disabled::Until(now + SignedDuration::from_mins(minutes))
            }
            _ => Disabled::ForGood,
        };
    }

    /// As REST shows it: secrets only as "there is one".
    pub(crate) fn shape(&self, now: Timestamp, signatures: bool) -> Value {
        let mut shape = json!({
            "id": self.id,
            "url": self.url,
            "name": self.name,
            "description": self.description,
            "created_at": crate::gitlab::instance::iso(self.created_at),
            "enable_ssl_verification": self.verify_tls,
            "alert_status": self.alert_status(now),
            "disabled_until": match self.disabled {
                Disabled::Until(time) => Value::from(crate::gitlab::instance::iso(time)),
                Disabled::No | Disabled::ForGood => Value::Null,
            },
            "url_variables": [],
        });
        for field in Self::fields(self.scope) {
            shape[field] = json!(self.wants(field));
        }
        match self.scope {
            Scope::Project(project) => shape["project_id"] = json!(project),
            Scope::Group(group) => shape["group_id"] = json!(group),
            Scope::System => {}
        }
        if self.scope != Scope::System {
            shape["push_events_branch_filter"] = json!(self.branch_filter);
            shape["branch_filter_strategy"] = json!(self.filter_strategy);
            shape["custom_webhook_template"] = json!(self.template);
            let names: Vec<Value> = self.headers.iter().map(|(name, _)| json!({ "key": name })).collect();
            shape["custom_headers"] = json!(names);
        }
        if signatures {
            shape["token_present"] = json!(self.token.is_some());
            shape["signing_token_present"] = json!(self.signing_token.is_some());
        }
        shape
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 2xx or 3xx.
    Delivered,
    /// 4xx.
    Refused,
    /// Everything else, time-outs included.
    Failed,
}

/// Which rule switches hooks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Until about 17.7: four refusals in a row switch off for good.
    Former,
    /// All failures alike.
    Present,
}

/// GitLab's wildcards: `*` is any text.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    true
}

impl Delivery {
    /// As the log's API shows it.
    pub(crate) fn shape(&self) -> Value {
        let object = |pairs: &[(String, String)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.clone())));
            Value::Object(pairs.collect())
        };
        let data =
            serde_json::from_str::<Value>(&self.body).unwrap_or_else(|_| Value::from(self.body.clone()));
        json!({
            "id": self.id,
            "url": self.url,
            "trigger": self.trigger,
            "request_headers": object(&self.headers),
            "request_data": data,
            "response_headers": object(&self.response_headers),
            "response_body": self.response_body,
            "execution_duration": self.seconds,
            "response_status": self.status,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::wildcard;

    #[test]
    fn wildcards_stand_for_any_text() {
        for (pattern, branch, fits) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("feature/*", "feature/one", true),
            ("feature/*", "fix/one", false),
            ("*-stable", "18-1-stable", true),
            ("*-stable", "stable", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
        ] {
            assert_eq!(wildcard(pattern, branch), fits, "{pattern} {branch}");
        }
    }

    proptest! {
        #[test]
        fn a_star_alone_meets_everything_and_no_pattern_panics(pattern in ".{0,12}", branch in ".{0,12}") {
            wildcard(&pattern, &branch);
            prop_assert!(wildcard("*", &branch));
            prop_assert!(wildcard(&(branch.clone() + "*"), &branch) || branch.contains('*'));
        }
    }
}
