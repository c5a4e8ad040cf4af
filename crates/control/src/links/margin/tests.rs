use domain::{Account, ForgeId, Link, LinkId, LinkMethod, LinkState, SignedDuration, Timestamp, UserId};

use super::due;

fn living(life: SignedDuration, generation: u64, last: u8) -> Link {
    let at = Timestamp::UNIX_EPOCH;
    let account = Account {
        subject: "7".into(),
        login: "ada".into(),
        name: None,
        email: None,
        email_verified: false,
        web_url: None,
    };
    Link {
        id: LinkId::from_bytes([last; 16]),
        forge: ForgeId::NIL,
        user: UserId::NIL,
        account,
        method: LinkMethod::Oauth2,
        scopes: vec![],
        state: LinkState::Active,
        generation,
        issued_at: at,
        expires_at: Some(at.checked_add(life).unwrap()),
        created_at: at,
        updated_at: at,
    }
}

fn margin(life: SignedDuration, generation: u64, last: u8) -> SignedDuration {
    let link = living(life, generation, last);
    link.expires_at.unwrap().duration_since(due(&link).unwrap())
}

#[test]
fn a_token_of_two_hours_is_replaced_ten_to_thirty_minutes_early_and_not_all_at_once() {
    let margins: Vec<_> = (0..200).map(|n| margin(SignedDuration::from_hours(2), u64::from(n), n)).collect();

    assert!(
        margins.iter().all(|m| *m >= SignedDuration::from_mins(10) && *m <= SignedDuration::from_mins(30))
    );
    let late = margins.iter().filter(|m| **m < SignedDuration::from_mins(20)).count();
    assert!((60..140).contains(&late), "spread evenly: {late} of 200");
}

#[test]
fn a_short_lived_token_is_used_for_most_of_its_life() {
    for seconds in [5, 20, 300] {
        let life = SignedDuration::from_secs(seconds);
        for generation in 0..50 {
            let margin = margin(life, generation, 3);
            assert!(margin >= life / 12 && margin <= life / 4, "{margin:?} of {life:?}");
        }
    }
}

#[test]
fn a_token_without_an_end_is_never_replaced() {
    let link = Link { expires_at: None, ..living(SignedDuration::from_hours(2), 1, 1) };

    assert_eq!(due(&link), None);
}

#[test]
fn a_token_that_had_ended_when_it_was_got_is_due_at_once() {
    let link = living(SignedDuration::from_secs(-5), 1, 1);

    assert_eq!(due(&link), link.expires_at);
}
