//! Versions, constraints on them, and the queries that have them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use registry::{Constraint, Query, Version};

fuzz_target!(|text: &str| {
    let (constraint, version) = text.split_once('\n').unwrap_or((text, text));
    Constraint::is_meant_by(constraint);
    if let Ok(constraint) = constraint.parse::<Constraint>() {
        let matches = constraint.matches(version);
        assert_eq!(constraint.matches(version), matches);
    }
    if let (Some(one), Some(other)) = (Version::parse(constraint), Version::parse(version)) {
        assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
        assert_eq!(one == other, one.cmp(&other).is_eq());
    }
    if let Ok(value) = serde_json::from_str(text) {
        drop(Query::parse(&value));
    }
});
