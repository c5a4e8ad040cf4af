//! Shell patterns: `*`, `?`, `[a-z]`, `[^a-z]` or `[!a-z]`, `\` before what is meant literally, and `**`
//! for any number of folders. A `*` also finds names that begin with a dot, as Klient's always did.

/// Longest pattern, like a path.
const PATTERN_MAX: usize = 4096;

/// One part of a pattern, between slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Exactly this name.
    Name(String),
    /// Every name that fits.
    Fits(Vec<Token>),
    /// `**`.
    AnyFolders,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Exactly(char),
    One,
    Many,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// Takes a pattern apart.
pub(super) fn parse(pattern: &str) -> Result<Vec<Segment>, &'static str> {
    if pattern.len() >= PATTERN_MAX {
        return Err("a pattern is at most 4095 bytes long");
    }
    if pattern.contains('\0') {
        return Err("a pattern cannot have a zero byte in it");
    }
    let mut segments = Vec::new();
    // A slash is in no name, so that a backslash before one changes nothing.
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let segment = segment(part)?;
        // Two of them in a row mean what one means.
        if segment != Segment::AnyFolders || segments.last() != Some(&Segment::AnyFolders) {
            segments.push(segment);
        }
    }
    Ok(segments)
}

fn segment(part: &str) -> Result<Segment, &'static str> {
    if part == "**" {
        return Ok(Segment::AnyFolders);
    }
    let tokens = tokens(part)?;
    let literal: Option<String> = tokens
        .iter()
        .map(|token| match token {
            Token::Exactly(letter) => Some(*letter),
            Token::One | Token::Many | Token::Class { .. } => None,
        })
        .collect();
    Ok(literal.map_or(Segment::Fits(tokens), Segment::Name))
}

fn tokens(part: &str) -> Result<Vec<Token>, &'static str> {
    let mut letters = part.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => Token::Exactly(letters.next().ok_or("nothing follows the last `\\` of the pattern")?),
            '[' => {
                let negated = letters.next_if(|next| matches!(next, '^' | '!')).is_some();
                Token::Class { negated, ranges: ranges(&mut letters)? }
            }
            other => Token::Exactly(other),
        });
    }
    Ok(tokens)
}

fn ranges(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Vec<(char, char)>, &'static str> {
    const OPEN: &str = "a `[` of the pattern is not closed";
    let mut ranges = Vec::new();
    loop {
        let from = match letters.next().ok_or(OPEN)? {
            ']' if !ranges.is_empty() => return Ok(ranges),
            '\\' => letters.next().ok_or(OPEN)?,
            letter => letter,
        };
        let mut to = from;
        if letters.next_if_eq(&'-').is_some() {
            to = match letters.next().ok_or(OPEN)? {
                // A hyphen right before the end means itself.
                ']' => {
                    ranges.extend([(from, from), ('-', '-')]);
                    return Ok(ranges);
                }
                '\\' => letters.next().ok_or(OPEN)?,
                letter => letter,
            };
        }
        ranges.push((from, to));
    }
}

/// Whether a name fits. Takes at most the product of both lengths.
pub(super) fn fits(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut at_token, mut at_letter) = (0, 0);
    // Where to go on when what followed the last `*` did not fit: one letter further.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(at_token), name.get(at_letter)) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                star = Some((at_token, at_letter));
                at_token += 1;
            }
            (Some(token), Some(letter)) if fits_one(token, *letter) => {
                at_token += 1;
                at_letter += 1;
            }
            _ => match star {
                Some((token, letter)) if letter < name.len() => {
                    star = Some((token, letter + 1));
                    at_token = token + 1;
                    at_letter = letter + 1;
                }
                _ => return false,
            },
        }
    }
}

fn fits_one(token: &Token, letter: char) -> bool {
    match token {
        Token::Exactly(wanted) => *wanted == letter,
        Token::One | Token::Many => true,
        Token::Class { negated, ranges } => {
            ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *negated
        }
    }
}

#[cfg(test)]
mod tests;
