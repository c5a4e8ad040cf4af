//! What a registry wants before it gives something: `WWW-Authenticate` (RFC 9110, section 11.6.1).

/// Where to get a token, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) service: Option<String>,
    pub(super) scope: Option<String>,
}

/// The `Bearer` challenge in a header, if there is one.
pub(super) fn bearer(header: &str) -> Option<Challenge> {
    let lower = header.to_ascii_lowercase();
    // The first challenge or, after a comma, a later one.
    let start = lower.match_indices("bearer ").map(|(at, _)| at).find(|at| {
        let before = header.get(..*at).unwrap_or_default().trim_end();
        before.is_empty() || before.ends_with(',')
    })?;
    let mut rest = header.get(start + "bearer ".len()..)?;
    let (mut realm, mut service, mut scope) = (None, None, None);
    while let Some((name, value, after)) = parameter(rest) {
        match name.to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value),
            "service" => service = Some(value),
            "scope" => scope = Some(value),
            _ => {}
        }
        rest = after;
    }
    Some(Challenge { realm: realm?, service, scope })
}

/// Splits `name="value"` or `name=value` off, with the comma after it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.trim_start_matches([' ', '\t', ',']).split_once('=')?;
    // A name with a blank in it is the next challenge's.
    if name.trim_end().contains([' ', ',']) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(',').unwrap_or(rest.len());
        let (value, rest) = rest.split_at(end);
        return Some((name.trim_end(), value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name.trim_end(), value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests;
