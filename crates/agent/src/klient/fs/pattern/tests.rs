use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, name: &str) -> bool {
    match parse(pattern).unwrap().as_slice() {
        [Segment::Name(wanted)] => wanted == name,
        [Segment::Fits(tokens)] => fits(tokens, name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn patterns_fit_what_a_shell_would_say() {
    for (pattern, fit, unfit) in [
        ("a.txt", "a.txt", "b.txt"),
        ("*.rs", "main.rs", "main.rc"),
        ("*", ".hidden", "\0"),
        ("a*b*c", "aXbXbc", "acb"),
        ("?", "é", "ab"),
        ("[a-c]x", "bx", "dx"),
        ("[^a-c]x", "dx", "ax"),
        ("[!a-c]x", "dx", "ax"),
        ("[]a]", "]", "b"),
        ("[a-]", "-", "b"),
        (r"\*", "*", "x"),
        (r"[\]]", "]", "a"),
        ("*😀*", "a😀", "a"),
        ("***", "x", "\0"),
    ] {
        assert!(matches(pattern, fit), "{pattern} {fit}");
        assert!(unfit == "\0" || !matches(pattern, unfit), "{pattern} {unfit}");
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for pattern in ["[", "[a", "[]", "[a-", r"a\", "[^]", r"[\", "a\0"] {
        assert!(parse(pattern).is_err(), "{pattern}");
    }
    assert!(parse(&"a".repeat(5000)).is_err());
}

#[test]
fn double_stars_stand_for_folders_once() {
    assert_eq!(
        parse("/a//**/**/./b*").unwrap(),
        [
            Segment::Name("a".into()),
            Segment::AnyFolders,
            Segment::Fits(vec![Token::Exactly('b'), Token::Many])
        ]
    );
}

#[test]
fn many_stars_take_no_exponential_time() {
    let pattern = "*a".repeat(200);
    let Segment::Fits(tokens) = segment(&pattern).unwrap() else { panic!() };

    assert!(!fits(&tokens, &"a".repeat(199)));
    assert!(!fits(&tokens, &("a".repeat(4000) + "b")));
}

proptest! {
    #[test]
    fn no_pattern_breaks_it(pattern in any::<String>(), name in any::<String>()) {
        for segment in parse(&pattern).unwrap_or_default() {
            if let Segment::Fits(tokens) = segment {
                fits(&tokens, &name);
            }
        }
    }

    #[test]
    fn every_name_fits_itself_escaped_and_a_star_around_its_parts(name in "[^/\0]{1,20}", cut in 0_usize..20) {
        let escaped: String = name.chars().flat_map(|letter| ['\\', letter]).collect();
        prop_assert!(name == "." || matches(&escaped, &name));
        let kept: String = name.chars().take(cut).flat_map(|letter| ['\\', letter]).collect();
        let pattern = format!("{kept}*");
        prop_assert!(pattern == "**" || matches(&pattern, &name));
    }
}
