use proptest::prelude::*;

use super::*;

fn matches(constraint: &str, version: &str) -> bool {
    constraint.parse::<Constraint>().unwrap().matches(version)
}

#[test]
fn constraints_admit_what_they_say() {
    for (constraint, inside, outside) in [
        (
            ">= 1.0, < 2.0",
            &["1.0", "1", "v1.0.0", "1.9.9", "1.2.3.4"][..],
            &["0.9", "2.0", "2", "2.0.0-rc1"][..],
        ),
        ("> 2", &["2.0.1", "3"], &["1.2.3", "2", "2.0.0"]),
        ("<= 1.2", &["1.2", "1.2.0", "0.1"], &["1.2.1"]),
        ("~> 1.2", &["1.2", "1.2.9", "1.9"], &["1.1", "2.0", "2"]),
        ("~> 1.2.3", &["1.2.3", "1.2.10"], &["1.2.2", "1.3.0"]),
        ("~> 1", &["1", "1.9.9"], &["0.9", "2"]),
        ("~1.2", &["1.2", "1.2.7"], &["1.3"]),
        ("~1", &["1.0", "1.9"], &["2.0"]),
        ("^1.2", &["1.2", "1.9.9"], &["1.1", "2.0"]),
        ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0", "0.2.2"]),
        ("^0.0.3", &["0.0.3"], &["0.0.4", "0.1"]),
        ("^0", &["0.0.1", "0.9"], &["1.0"]),
        ("^0.0", &["0.0.9"], &["0.1"]),
        ("1.x", &["1.0", "1.99"], &["2.0", "0.9"]),
        ("1.2.*", &["1.2.0", "1.2.7"], &["1.3"]),
        ("v1.X", &["1.0"], &["2"]),
        ("!= 1.x", &["2.0", "0.9"], &["1.5"]),
        ("= 1.2.3", &["1.2.3", "v1.2.3", "1.2.3+linux"], &["1.2.4", "1.2.3-rc1"]),
        ("== 1.2", &["1.2.0"], &["1.2.1"]),
        ("!= 1.2.3", &["1.2.4"], &["1.2.3"]),
        ("*", &["1.0", "0.0.1-rc1", "dev", ""], &[]),
        (">= 0.0.1-rc1", &["0.0.1-rc1", "0.0.1-rc2", "0.0.1", "1.0"], &["0.0.1-beta", "0.0.2-rc1"]),
        ("< 2.0.0-rc2", &["2.0.0-rc1", "1.9"], &["2.0.0", "2.0.0-rc2", "1.9.0-rc1"]),
        (">=1.0,<2.0", &["1.5"], &["2.5"]),
    ] {
        for version in inside {
            assert!(matches(constraint, version), "`{constraint}` refuses `{version}`");
        }
        for version in outside {
            assert!(!matches(constraint, version), "`{constraint}` takes `{version}`");
        }
    }
}

#[test]
fn what_is_no_version_matches_nothing_but_a_star() {
    for version in ["dev", "", "1.", ".1", "1..2", "1.2.3.4.5", "-1", "1.2-", "99999999999999999999", "١.٢"]
    {
        assert!(!matches(">= 0", version), "`{version}`");
        assert!(matches("*", version), "`{version}`");
    }
}

#[test]
fn what_is_no_constraint_is_refused_by_name() {
    for text in
        ["", ",", ">= 1.0,", ">=", "> x", "~> *", "1.0 || 2.0", "1.x.2", ">= one", "=> 1", "1 - 2", "<>1"]
    {
        let refused = text.parse::<Constraint>().unwrap_err();

        assert!(refused.to_string().starts_with(&format!("`{text}` is no version")), "{refused}");
    }
    assert!(">= 1,".repeat(100).parse::<Constraint>().is_err());
    assert!([">=1"; 9].join(",").parse::<Constraint>().is_err());
}

#[test]
fn a_plain_version_is_not_taken_for_a_constraint() {
    for version in ["1.2.3", "v2", "0.0.1-rc1", "1", "dev", "xenial", "1.0.0-x"] {
        assert!(!Constraint::is_meant_by(version), "`{version}`");
    }
    for constraint in ["1.x", "*", "x", "= 1.2", ">1", "~1", "^1", "1, 2", "1 || 2", "!1"] {
        assert!(Constraint::is_meant_by(constraint), "`{constraint}`");
    }
}

#[test]
fn versions_are_in_their_order() {
    let ordered = [
        "0.0.1",
        "0.1",
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-11",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta",
        "1.0.0",
        "1.0.0.1",
        "1.0.1",
        "1.10",
        "2",
    ];

    let versions: Vec<_> = ordered.iter().map(|text| Version::parse(text).unwrap()).collect();

    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fall_over(constraint in ".{0,40}", version in ".{0,40}") {
        if let Ok(constraint) = constraint.parse::<Constraint>() {
            let _matches = constraint.matches(&version);
        }
        let _meant = Constraint::is_meant_by(&constraint);
    }

    #[test]
    fn no_likely_text_makes_the_reader_fall_over(
        constraint in "([<>=!~^]{0,2} ?v?[0-9x*]{0,20}(\\.[0-9x*]{1,3}){0,5}(-[a-z0-9.]{0,4})?,?){0,4}",
        version in "v?[0-9]{1,3}(\\.[0-9]{1,3}){0,4}(-[a-z0-9.]{1,4})?",
    ) {
        if let Ok(constraint) = constraint.parse::<Constraint>() {
            let _matches = constraint.matches(&version);
        }
    }

    #[test]
    fn what_is_written_is_read_again(parts in prop::array::uniform3(0u64..50), pre in prop::option::of("[a-z]{1,4}[0-9]")) {
        let [major, minor, patch] = parts;
        let text = format!("{major}.{minor}.{patch}{}", pre.map(|pre| format!("-{pre}")).unwrap_or_default());

        let version = Version::parse(&text).unwrap();

        prop_assert_eq!(version.to_string(), text);
    }

    #[test]
    fn below_and_from_on_share_all_releases_between_them(a in 0u64..20, b in 0u64..20, c in 0u64..20, d in 0u64..20) {
        let (bound, version) = (format!("{a}.{b}"), format!("{c}.{d}"));

        let (below, from) = (matches(&format!("< {bound}"), &version), matches(&format!(">= {bound}"), &version));

        prop_assert_ne!(below, from);
    }
}
