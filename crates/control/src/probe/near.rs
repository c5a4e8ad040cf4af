//! Names like the one that was not found, for "did you mean".

/// How many are shown.
const SHOWN: usize = 3;
/// Names longer than this are compared by their beginning: the distance costs length × length.
const COMPARED: usize = 100;

/// The names most like `wanted`, best first; none where nothing is near.
pub(crate) fn near_names<'a>(wanted: &str, names: &'a [String]) -> Vec<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().take(COMPARED).collect();
    let text: String = wanted.iter().collect();
    let mut found: Vec<(usize, &str)> = names
        .iter()
        .filter_map(|name| {
            let lower: String = name.to_lowercase().chars().take(COMPARED).collect();
            // A piece of the other counts as near: `login` for `feature/login`.
            let contains = text.len() >= 3 && (lower.contains(&text) || text.contains(&lower));
            let distance = if contains { 1 } else { edits(&wanted, &lower) };
            (distance <= wanted.len().div_ceil(3)).then_some((distance, name.as_str()))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

/// Levenshtein's distance, with one row in memory.
fn edits(left: &[char], right: &str) -> usize {
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (index, b) in right.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (a, slot) in left.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(*a != b);
            diagonal = *slot;
            *slot = substituted.min(before + 1).min(diagonal + 1);
            before = *slot;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::near_names;

    fn near(wanted: &str, names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        near_names(wanted, &names).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_name_that_was_meant() {
        assert_eq!(near("mian", &["main", "develop"]), ["main"]);
        assert_eq!(near("Main", &["main"]), ["main"]);
        assert_eq!(near("login", &["feature/login", "main"]), ["feature/login"]);
        assert_eq!(near("v1.0.0", &["v1.0.1", "v2.9.9", "main"]), ["v1.0.1"]);
    }

    #[test]
    fn nothing_near_suggests_nothing() {
        assert!(near("release", &["main", "x"]).is_empty());
        assert!(near("anything", &[]).is_empty());
    }

    #[test]
    fn at_most_three_are_shown() {
        assert_eq!(near("v1", &["v2", "v3", "v4", "v5"]).len(), 3);
    }
}
