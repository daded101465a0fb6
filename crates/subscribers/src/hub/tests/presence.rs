//! Presence: who shows no activity, and what somebody has chosen.

use super::*;

#[tokio::test]
async fn whoever_shows_no_activity_on_any_device_is_away_until_the_next_sign() {
    let mut hub = Small::new();
    let laptop = hub.has(BOB, belongs(BOB, 5)).await;
    let (phone, _attached) = hub.attaches(BOB);
    let after = Duration::from_secs(60 * 10);
    let is = |hub: &Small, presence| assert_eq!(hub.state.book.look_up(BOB).presence, presence);
    let passes = |hub: &mut Small, by: Duration| {
        hub.state.on_tick_of_activity(Instant::now() + by);
    };
    // Who has never shown any activity is there as long as they are connected.
    passes(&mut hub, after * 2);
    is(&hub, Presence::Online);
    hub.state.show_activity(BOB, laptop.id);
    passes(&mut hub, after * 3);
    is(&hub, Presence::Online);
    hub.state.show_activity(BOB, phone.id);
    hub.state.show_activity(BOB, laptop.id);
    is(&hub, Presence::Online);
    passes(&mut hub, after * 3 - Duration::from_millis(1));
    is(&hub, Presence::Online);
    passes(&mut hub, after * 5);
    is(&hub, Presence::Away);
    hub.state.show_activity(BOB, ConnectionId(99));
    is(&hub, Presence::Away);
    hub.state.show_activity(BOB, phone.id);
    is(&hub, Presence::Online);
    // The device that was in use has gone: the other one has been silent for long.
    hub.state.detach(BOB, phone.id);
    is(&hub, Presence::Away);
    hub.state.show_activity(BOB, laptop.id);
    is(&hub, Presence::Online);
    // A chosen presence counts for more.
    hub.state.set_presence(BOB, Presence::Busy, crate::presence::Whose::Person(None));
    passes(&mut hub, after * 9);
    is(&hub, Presence::Busy);
}

#[tokio::test]
async fn what_somebody_has_chosen_on_one_node_holds_on_the_others_until_they_choose_again() {
    let mut hub = Small::new();
    let word = |version, chosen: &[(Presence, i64)]| stream::People {
        version,
        all: version == 1,
        people: vec![(BOB, Presence::Online)],
        chosen: chosen.iter().map(|(presence, at)| (BOB, *presence, Millis(*at))).collect(),
        ..stream::People::default()
    };
    let is = |hub: &Small, presence| {
        let person = hub.state.people.get(&BOB).expect("bob is here");
        assert_eq!(
            (person.chosen, hub.state.choices().first().map(|(_, chosen, _)| *chosen)),
            (presence, Some(presence))
        );
    };
    hub.state.hear_people(7, word(1, &[(Presence::Busy, 50)]));
    // Who comes here later is as they have chosen there.
    let laptop = hub.has(BOB, belongs(BOB, 5)).await;
    is(&hub, Presence::Busy);
    hub.state.hear_people(7, word(2, &[(Presence::Invisible, 60)]));
    is(&hub, Presence::Invisible);
    hub.state.hear_people(7, word(3, &[(Presence::Busy, 55)]));
    is(&hub, Presence::Invisible);
    hub.state.set_presence(BOB, Presence::Online, crate::presence::Whose::Person(Some(laptop.id)));
    is(&hub, Presence::Online);
    hub.state.hear_people(7, word(4, &[(Presence::Invisible, 60)]));
    is(&hub, Presence::Online);
}
