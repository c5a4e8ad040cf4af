//! Versions of kites and constraints on them: `>= 1.0, < 2.0`, `~> 1.2`, `1.x`, `^1.2`, `!= 1.3`, `*`.
//!
//! The versions of kites are whatever their authors wrote: `1`, `1.2`, `v2.0.1`, `0.0.1-rc1`, `1.2.3.4`. What
//! begins with a number has up to [`MAX_PARTS`] of them; missing ones count as 0. Everything else is no version,
//! which only `*` matches.
//!
//! A pre-release comes before its release. It matches a constraint only if that names a pre-release of the same
//! numbers (`>= 1.0.0-rc1` takes `1.0.0-rc2`, `>= 0.9` does not): who asks for `< 2.0` does not mean `2.0-rc1`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Most numbers in one version; the widest scheme in use (Windows and Chromium) has four.
const MAX_PARTS: usize = 4;
/// Longest constraint, in bytes: a version field has at most 128, and a range has two.
const MAX_BYTES: usize = 256;
/// Most comparisons in one constraint.
const MAX_COMPARISONS: usize = 8;

/// The numbers of a version.
type Parts = [u64; MAX_PARTS];

/// A version that can be compared. Build metadata (`+…`) is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    parts: Parts,
    pre: Vec<Identifier>,
}

/// One part of a pre-release, as Semantic Versioning 2.0.0 (section 11.4) compares them: numbers first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Text(String),
}

impl Version {
    /// Reads a version; `None` for what does not begin with a number, after a `v`.
    pub fn parse(text: &str) -> Option<Self> {
        let partial = Partial::parse(text)?;
        (!partial.is_wild).then(|| partial.version())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts.cmp(&other.parts).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.pre.cmp(&other.pre),
        })
    }
}

/// A version with how much of it was written.
struct Partial {
    parts: Parts,
    /// How many numbers were written, wildcards not counted.
    written: usize,
    is_wild: bool,
    pre: Vec<Identifier>,
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (text, None),
        };
        let mut partial = Self { parts: [0; MAX_PARTS], written: 0, is_wild: false, pre: Vec::new() };
        for number in numbers.split('.') {
            if matches!(number, "x" | "X" | "*") {
                partial.is_wild = true;
            } else if partial.is_wild {
                return None;
            } else {
                *partial.parts.get_mut(partial.written)? = parse_number(number)?;
                partial.written = partial.written.saturating_add(1);
            }
        }
        if let Some(pre) = pre {
            if partial.is_wild {
                return None;
            }
            partial.pre = pre.split('.').map(Identifier::parse).collect::<Option<_>>()?;
        }
        Some(partial)
    }

    fn version(self) -> Version {
        Version { parts: self.parts, pre: self.pre }
    }

    /// The first version whose `count`-th number is one higher: where a range of that width ends. `None` where
    /// there is no higher number.
    fn above(&self, count: usize) -> Option<Version> {
        let mut parts = [0; MAX_PARTS];
        for (to, from) in parts.iter_mut().zip(self.parts).take(count) {
            *to = from;
        }
        let last = parts.get_mut(count.checked_sub(1)?)?;
        *last = last.checked_add(1)?;
        Some(Version { parts, pre: Vec::new() })
    }
}

impl Identifier {
    fn parse(text: &str) -> Option<Self> {
        let is_sound =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_sound.then(|| parse_number(text).map_or_else(|| Self::Text(text.to_owned()), Self::Number))
    }
}

fn parse_number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// What a version must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// All of them must hold; none: everything matches, whether it is a version or not.
    comparisons: Vec<Comparison>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    test: Test,
    /// Lets pre-releases of these numbers through.
    pre_of: Option<Parts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// From the first on, and below the second where there is one.
    In(Version, Option<Version>),
    /// Not in that range.
    NotIn(Version, Option<Version>),
    Equal(Version),
    NotEqual(Version),
    Above(Version),
    Below(Version),
    AtMost(Version),
}

/// The text is no constraint on versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no version and no constraint on versions; these are: 1.2.3, >= 1.0, < 2.0, ~> 1.2, ^1.2, 1.x, != 1.3, *"
)]
pub struct InvalidConstraint(String);

impl Constraint {
    /// Whether the text can only be meant as a constraint, and not as the version of a kite itself.
    pub fn is_meant_by(text: &str) -> bool {
        text.contains(['<', '>', '=', '!', '~', '^', ',', '*', '|', ' '])
            || Partial::parse(text).is_some_and(|partial| partial.is_wild)
    }

    /// Whether the version that a kite says matches.
    pub fn matches(&self, version: &str) -> bool {
        if self.comparisons.is_empty() {
            return true;
        }
        let Some(version) = Version::parse(version) else { return false };
        let is_admitted = version.pre.is_empty()
            || self.comparisons.iter().any(|comparison| comparison.pre_of == Some(version.parts));
        is_admitted && self.comparisons.iter().all(|comparison| comparison.test.holds(&version))
    }
}

impl Test {
    fn holds(&self, version: &Version) -> bool {
        let is_below = |end: &Option<Version>| end.as_ref().is_none_or(|end| version < end);
        match self {
            Self::In(first, end) => version >= first && is_below(end),
            Self::NotIn(first, end) => !(version >= first && is_below(end)),
            Self::Equal(it) => version == it,
            Self::NotEqual(it) => version != it,
            Self::Above(it) => version > it,
            Self::Below(it) => version < it,
            Self::AtMost(it) => version <= it,
        }
    }
}

impl FromStr for Constraint {
    type Err = InvalidConstraint;

    fn from_str(text: &str) -> Result<Self, InvalidConstraint> {
        let refuse = || InvalidConstraint(text.chars().take(64).collect());
        if text.len() > MAX_BYTES {
            return Err(refuse());
        }
        if matches!(text.trim(), "*" | "x" | "X") {
            return Ok(Self { comparisons: Vec::new() });
        }
        let comparisons =
            text.split(',').map(|part| Comparison::parse(part.trim())).collect::<Option<Vec<_>>>();
        comparisons
            .filter(|comparisons| comparisons.len() <= MAX_COMPARISONS)
            .map(|comparisons| Self { comparisons })
            .ok_or_else(refuse)
    }
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        const OPERATORS: [&str; 10] = ["~>", ">=", "<=", "!=", "==", "=", ">", "<", "^", "~"];
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|operator| Some((*operator, text.strip_prefix(operator)?)))
            .unwrap_or(("=", text));
        let partial = Partial::parse(rest.trim_start())?;
        // `>= 1.x` says nothing that `>= 1` does not; of what is left, `1.x` is a range, and `x` alone everything.
        if partial.is_wild && (partial.written == 0 || !matches!(operator, "=" | "==" | "!=")) {
            return None;
        }
        let pre_of = (!partial.pre.is_empty()).then_some(partial.parts);
        Some(Self { test: Test::of(operator, partial)?, pre_of })
    }
}

impl Test {
    fn of(operator: &str, partial: Partial) -> Option<Self> {
        let written = partial.written;
        Some(match operator {
            "=" | "==" if partial.is_wild => {
                let end = partial.above(written);
                Self::In(partial.version(), end)
            }
            "!=" if partial.is_wild => {
                let end = partial.above(written);
                Self::NotIn(partial.version(), end)
            }
            "=" | "==" => Self::Equal(partial.version()),
            "!=" => Self::NotEqual(partial.version()),
            ">" => Self::Above(partial.version()),
            ">=" => Self::In(partial.version(), None),
            "<" => Self::Below(partial.version()),
            "<=" => Self::AtMost(partial.version()),
            // The last number written may rise: `~> 1.2` is below 2, `~> 1.2.3` below 1.3.
            "~>" => {
                let end = partial.above(written.saturating_sub(1).max(1));
                Self::In(partial.version(), end)
            }
            // As npm has it: `~1.2.3` and `~1.2` are below 1.3, `~1` below 2.
            "~" => {
                let end = partial.above(written.min(2));
                Self::In(partial.version(), end)
            }
            // The first number that is not 0 stays: `^1.2` is below 2, `^0.2.3` below 0.3.
            "^" => {
                let first = partial.parts.iter().position(|part| *part != 0).unwrap_or(written);
                let end = partial.above(first.saturating_add(1).min(written));
                Self::In(partial.version(), end)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.parts;
        write!(f, "{major}.{minor}.{patch}")?;
        if build != 0 {
            write!(f, ".{build}")?;
        }
        for (place, identifier) in self.pre.iter().enumerate() {
            f.write_str(if place == 0 { "-" } else { "." })?;
            match identifier {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Text(text) => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
