//! What a sandbox reaches and what it does not.

use runtime::Driver;

use super::escapes::{a_trap, was_sprung};
use super::lab::{Lab, is_root, skip};

/// Why sandboxes have no network here, if they have none.
pub(crate) fn missing(lab: &Lab) -> Option<String> {
    let lacks = &lab.driver.support().lacks;
    lacks.iter().find(|lack| lack.what.starts_with("no network")).map(|lack| lack.what.clone())
}

/// Tries every way to a service on the machine's loopback.
pub(crate) async fn is_closed_to_the_machine(lab: &Lab) {
    let (trap, port) = a_trap();
    let script = format!(
        "gateway=$(ip route 2>/dev/null | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'); \
         for host in 127.0.0.1 localhost ::1 $gateway 10.0.2.2 198.18.0.2 198.18.0.3 169.254.1.1 0.0.0.0 $(hostname -I); do \
           timeout 2 bash -c \"exec 9<>/dev/tcp/$host/{port}\" 2>/dev/null && echo reached $host; \
         done; true"
    );

    let output = lab.output_of(&script).await;

    assert!(!output.contains("reached"), "{output}");
    assert!(!was_sprung(&trap), "somebody came: {output}");
}

/// Asks the sandbox's name server, which answers something, if only that there is no such name. On a machine
/// that is busy enough a start returns before its network is up, so there are some tries.
pub(crate) async fn names_are_asked_for(lab: &Lab) {
    let script = "perl -MIO::Socket::INET -e '\
        my ($server) = map { /^nameserver (\\S+)/ ? $1 : () } do { open F, \"/etc/resolv.conf\"; <F> }; \
        my $s; for (1..100) { \
            $s = IO::Socket::INET->new(PeerAddr => $server, PeerPort => 53, Proto => \"udp\") and last; \
            select(undef, undef, undef, 0.1); \
        } \
        die unless $s; \
        my $q = pack(\"n6\", 4660, 256, 1, 0, 0, 0) . join(\"\", map { chr(length) . $_ } qw(hearth invalid)) . pack(\"xnn\", 1, 1); \
        $SIG{ALRM} = sub { print \"silence\"; exit }; alarm 10; $s->send($q); $s->recv(my $a, 512); \
        print unpack(\"n\", $a) == 4660 ? \"answered\" : \"strange\"'";

    assert_eq!(lab.output_of(script).await, "answered");
}

#[tokio::test]
async fn the_network_is_up_when_a_start_returns() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    if let Some(why) = missing(&lab) {
        return skip(&why);
    }

    let routes = lab.output_of("cat /proc/net/route; sleep 0.5; cat /proc/net/route").await;

    assert!(routes.lines().any(|line| line.split_whitespace().nth(1) == Some("00000000")), "{routes}");
}

#[tokio::test]
async fn names_are_resolved_by_the_machines_own_resolver() {
    if !is_root() {
        return skip("this test needs root");
    }
    let lab = Lab::open().await;
    match missing(&lab) {
        Some(why) => skip(&why),
        None => names_are_asked_for(&lab).await,
    }
}
