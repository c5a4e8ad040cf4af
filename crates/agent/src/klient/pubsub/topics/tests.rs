use super::*;

fn event(number: usize) -> Event {
    RawValue::from_string(number.to_string()).unwrap().into()
}

async fn next(events: &mut Events) -> Option<usize> {
    Some(events.next().await?.get().parse().unwrap())
}

#[tokio::test]
async fn events_come_in_order_to_everybody_who_subscribed() {
    let topics = Topics::default();
    let (_, mut first) = topics.subscribe("open").unwrap();
    let (_, mut second) = topics.subscribe("open").unwrap();
    let (_, mut other) = topics.subscribe("close").unwrap();

    for number in 0..3 {
        assert_eq!(topics.publish("open", &event(number)), Ok(2));
    }

    for events in [&mut first, &mut second] {
        for expected in 0..3 {
            assert_eq!(next(events).await, Some(expected));
        }
    }
    assert!(other.queue.try_recv().is_err());
}

#[test]
fn nobody_and_nothing_are_told_apart() {
    let topics = Topics::default();
    let (id, events) = topics.subscribe("open").unwrap();

    assert_eq!(topics.publish("close", &event(0)), Err(Refused::NoSubscribers));
    assert_eq!(topics.unsubscribe("close", id), Err(Refused::Unknown));
    assert_eq!(topics.unsubscribe("open", id + 1), Err(Refused::Unknown));
    assert_eq!(topics.unsubscribe("open", id), Ok(()));
    assert_eq!(topics.unsubscribe("open", id), Err(Refused::Unknown));
    assert_eq!(topics.publish("open", &event(0)), Err(Refused::NoSubscribers));
    drop(events);
}

#[tokio::test]
async fn one_that_does_not_keep_up_is_ended_and_the_others_are_not() {
    let topics = Topics::default();
    let (slow, mut ended) = topics.subscribe("open").unwrap();
    let (_, mut quick) = topics.subscribe("open").unwrap();

    for number in 0..=QUEUE {
        topics.publish("open", &event(number)).unwrap();
        assert_eq!(next(&mut quick).await, Some(number));
    }

    assert_eq!(topics.publish("open", &event(0)), Ok(1));
    assert_eq!(topics.unsubscribe("open", slow), Err(Refused::Unknown));
    let mut got = 0;
    while ended.next().await.is_some() {
        got += 1;
    }
    assert_eq!(got, QUEUE);
    assert!(ended.was_too_slow() && !quick.was_too_slow());
}

#[tokio::test]
async fn large_events_are_counted_by_their_bytes() {
    let topics = Topics::default();
    let (_, mut events) = topics.subscribe("open").unwrap();
    let large: Event = RawValue::from_string(format!("\"{}\"", "x".repeat(BEHIND_MAX / 4))).unwrap().into();

    for _ in 0..3 {
        topics.publish("open", &large).unwrap();
    }
    events.next().await.unwrap();
    assert_eq!(topics.publish("open", &large), Ok(1));

    assert_eq!(topics.publish("open", &large), Err(Refused::NoSubscribers));
    assert_eq!(topics.unsubscribe("open", 1), Err(Refused::Unknown));
}

#[test]
fn names_and_numbers_are_bounded() {
    let topics = Topics::default();
    assert_eq!(topics.subscribe("").err(), Some(Refused::Name));
    assert_eq!(topics.subscribe(&"x".repeat(NAME_MAX + 1)).err(), Some(Refused::Name));

    let all: Vec<_> = (0..SUBSCRIPTIONS_MAX).map(|at| topics.subscribe(&format!("{at}")).unwrap()).collect();

    assert_eq!(topics.subscribe("one more").err(), Some(Refused::TooMany));
    topics.unsubscribe("5", all[5].0).unwrap();
    assert!(topics.subscribe("one more").is_ok());
}
