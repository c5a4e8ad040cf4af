//! A ref that was perhaps meant: the slips that people make, each asked for by its exact name.

use domain::RefKind;

use super::super::ContextError;
use super::Asking;
use super::draft::Draft;

impl Asking<'_> {
    /// A name that exists and differs from `name` as people's slips do. At most six questions.
    pub(super) async fn near(
        &self,
        draft: &Draft,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<String>, ContextError> {
        for slip in slips(name) {
            // A tag may have been meant where a branch was named, and the other way round.
            let kind = kind.filter(|kind| *kind == RefKind::Revision);
            if let Some(found) = self.find(draft, &slip, kind).await? {
                return Ok(Some(found.name));
            }
        }
        Ok(None)
    }
}

/// What `name` may have been meant to be.
fn slips(name: &str) -> Vec<String> {
    let version = match name.strip_prefix(['v', 'V']) {
        Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => number.to_owned(),
        _ => format!("v{name}"),
    };
    let swapped = |from: char, to: char| name.replace(from, &to.to_string());
    let mut slips = vec![name.to_owned(), name.to_lowercase(), swapped('_', '-'), swapped('-', '_')];
    if name.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'v' | 'V')) {
        slips.push(version);
    }
    match name {
        "master" => slips.push("main".into()),
        "main" => slips.push("master".into()),
        _ => {}
    }
    let mut seen = Vec::new();
    slips.retain(|slip| {
        let fresh = !seen.contains(slip);
        seen.push(slip.clone());
        fresh
    });
    slips
}
