//! `/user` and `/users`.

use super::answer::{Answer, Refusal, ok};
use super::call::Call;
use super::page::{Keyset, paged};
use super::shapes;

pub(crate) async fn own(call: Call) -> Answer {
    let account = call.account()?;
    let world = call.instance.world();
    let account = world.accounts.get(&account).ok_or_else(Refusal::unauthorized)?;
    ok(shapes::own_user(&call.instance, account))
}

pub(crate) async fn list(call: Call) -> Answer {
    call.account()?;
    let world = call.instance.world();
    let (username, search) = (call.params.filled("username"), call.params.filled("search"));
    let mut found: Vec<_> = world
        .accounts
        .values()
        .filter(|account| username.as_ref().is_none_or(|name| account.username.eq_ignore_ascii_case(name)))
        .filter(|account| search.as_ref().is_none_or(|text| account.username.contains(text.as_str())))
        .collect();
    found.sort_by_key(|account| std::cmp::Reverse(account.id));
    paged(&call, Keyset::No, &found, |account| account.id, |account| shapes::user(&call.instance, account))
}

pub(crate) async fn show(call: Call) -> Answer {
    call.account()?;
    let id = call.number("user")?;
    let world = call.instance.world();
    let account = world.accounts.get(&id).ok_or_else(|| Refusal::not_found("User"))?;
    ok(shapes::public_user(&call.instance, account))
}
