use super::{Client, WaitingRoom};
use crate::keys::{MissingKey, Prospect};
use crate::limits::{LONGEST_WAIT, MAX_WAITING_FOR_UNKNOWN_KEY, MAX_WAITING_REQUESTS};
use crate::portable;
use crate::provider::ProviderName;
use crate::time::{Seconds, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

fn keys_of(provider: &str) -> MissingKey {
    MissingKey { provider: ProviderName::new(provider), sought: None, prospect: Prospect::Coming }
}

fn unknown(key_id: &str) -> MissingKey {
    MissingKey { sought: Some(key_id.to_owned()), ..keys_of("corp") }
}

fn later(seconds: i64) -> UnixSeconds {
    crate::testing::later(NOW, seconds)
}

/// Each number is another client.
fn client(number: usize) -> Client {
    Client::at(Some(&format!("[2001:db8:0:{number:x}::1]:1234")))
}

/// Parks so many requests, one after the other; returns how many found room. Streams are numbered from `first`.
fn park(room: &mut WaitingRoom, first: usize, requests: usize, missing: &MissingKey, whose: Client) -> usize {
    let streams = first..first.saturating_add(requests);
    streams.filter(|stream| room.park(u32::try_from(*stream).unwrap(), whose, missing, NOW)).count()
}

#[portable]
fn a_request_waits_for_one_provider_and_no_longer_than_the_bound() {
    let mut room = WaitingRoom::default();
    assert!(room.park(1, client(1), &keys_of("corp"), NOW));
    assert!(room.park(2, client(2), &keys_of("mdm"), later(2)));
    assert_eq!(room.waiting_for(&ProviderName::new("corp")), [1]);
    assert_eq!(room.overdue(later(4)), [] as [u32; 0]);
    assert_eq!(room.overdue(later(5)), [1]);
    assert_eq!(room.overdue(later(-60)), [1, 2], "the clock stepped back");
    assert!(!room.repark(1, &keys_of("corp"), later(-60)));
}

#[portable]
fn a_request_that_waits_on_for_another_key_keeps_the_first_bound() {
    let mut room = WaitingRoom::default();
    assert!(room.park(1, client(1), &keys_of("corp"), NOW));
    assert!(room.repark(1, &keys_of("mdm"), later(4)));
    assert_eq!(room.waiting_for(&ProviderName::new("mdm")), [1]);
    assert!(!room.repark(1, &keys_of("mdm"), later(5)));
    let later_than_that = MissingKey { prospect: Prospect::Later(Seconds::new(1)), ..keys_of("mdm") };
    assert!(!room.repark(1, &later_than_that, NOW));
    assert!(!room.repark(2, &keys_of("mdm"), NOW), "a request that was never parked");
}

#[portable]
fn a_request_that_leaves_leaves_nothing_behind() {
    let mut room = WaitingRoom::default();
    assert!(room.park(1, client(1), &keys_of("corp"), NOW));
    assert!(room.unpark(1));
    assert!(!room.unpark(1));
    assert!(room.waiting_for(&ProviderName::new("corp")).is_empty());
}

#[portable]
fn no_request_waits_for_a_key_that_will_not_come_in_time() {
    let mut room = WaitingRoom::default();
    let in_time = LONGEST_WAIT.get() - 1;
    for prospect in [Prospect::None, Prospect::Later(Seconds::new(1)), Prospect::Queued(LONGEST_WAIT)] {
        assert!(!room.park(1, client(1), &MissingKey { prospect, ..unknown("new") }, NOW), "{prospect:?}");
    }
    let queued = MissingKey { prospect: Prospect::Queued(Seconds::new(in_time)), ..unknown("new") };
    assert!(room.park(1, client(1), &queued, NOW));
    assert!(room.repark(1, &queued, NOW));
    assert!(!room.repark(1, &queued, later(1)), "it would be asked for when the time is up");
}

#[portable]
fn of_many_clients_all_places_are_taken_and_one_request_more_finds_none() {
    let mut room = WaitingRoom::default();
    let made_up =
        (0..=MAX_WAITING_FOR_UNKNOWN_KEY).map(|number| park(&mut room, number, 1, &unknown("made-up"), client(number)));
    assert_eq!(made_up.sum::<usize>(), MAX_WAITING_FOR_UNKNOWN_KEY);
    let rest = MAX_WAITING_FOR_UNKNOWN_KEY..=MAX_WAITING_REQUESTS;
    let others = rest.map(|number| park(&mut room, number, 1, &keys_of("corp"), client(number)));
    assert_eq!(others.sum::<usize>(), MAX_WAITING_REQUESTS - MAX_WAITING_FOR_UNKNOWN_KEY);
    assert!(room.unpark(0));
    assert_eq!(park(&mut room, 5_000, 1, &keys_of("corp"), client(5_000)), 1);
}

#[portable]
fn one_client_has_half_of_the_places_and_the_next_finds_half_of_the_rest() {
    for (missing, places) in
        [(unknown("made-up"), MAX_WAITING_FOR_UNKNOWN_KEY), (keys_of("corp"), MAX_WAITING_REQUESTS)]
    {
        let mut room = WaitingRoom::default();
        let half = places / 2;
        assert_eq!(park(&mut room, 0, half, &missing, client(1)), half, "at its share");
        assert_eq!(park(&mut room, half, 1, &missing, client(1)), 0, "one past it");
        assert_eq!(
            park(&mut room, 2_000, places, &missing, Client::default()),
            places / 4,
            "all unknown clients share one share"
        );
        // However many places the earlier clients took, the next one finds some: 6 clients do not fill the room.
        for number in 3..=6 {
            assert!(park(&mut room, 2_000 * number, places, &missing, client(number)) > 0, "client {number}");
        }
        assert_eq!(park(&mut room, 20_000, 1, &missing, client(9)), 1);
    }
}

#[portable]
fn unknown_key_ids_of_one_client_leave_room_for_what_has_no_keys_at_all() {
    let mut room = WaitingRoom::default();
    let share = MAX_WAITING_FOR_UNKNOWN_KEY / 2;
    assert_eq!(park(&mut room, 0, MAX_WAITING_REQUESTS, &unknown("made-up"), client(1)), share);
    let others = MAX_WAITING_REQUESTS / 2 - share;
    assert_eq!(park(&mut room, 2_000, MAX_WAITING_REQUESTS, &keys_of("corp"), client(1)), others);
}

/// The first set has come, and the requests that waited for it turn out to have a `kid` that it lacks.
#[portable]
fn a_request_that_turns_out_to_have_an_unknown_key_id_needs_a_place_among_those() {
    let mut room = WaitingRoom::default();
    let parked = park(&mut room, 0, 200, &keys_of("corp"), client(1));
    assert_eq!(parked, 200);
    let repark =
        |room: &mut WaitingRoom| (0..200).filter(|stream| room.repark(*stream, &unknown("made-up"), NOW)).count();
    assert_eq!(repark(&mut room), MAX_WAITING_FOR_UNKNOWN_KEY / 2);
    assert_eq!(repark(&mut room), MAX_WAITING_FOR_UNKNOWN_KEY / 2, "those stay");
    assert_eq!(park(&mut room, 1_000, 1, &unknown("new"), client(2)), 1);
}
