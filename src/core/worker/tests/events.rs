//! Events in any order, with failures anywhere: what must hold always.

use super::*;
use crate::portable;

/// Numbers of xorshift64, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0.wrapping_shl(13);
        self.0 ^= self.0.wrapping_shr(7);
        self.0 ^= self.0.wrapping_shl(17);
        self.0.checked_rem(sides).unwrap()
    }
}

/// The proxy checks each stream after each event: at most one ending call, and the guard's filter state exactly for the
/// requests that pass.
#[portable]
fn in_any_order_of_events_each_stream_ends_once_and_only_whole_requests_pass() {
    let requests = [order(), order_signed_under("made-up"), health()];
    for round in 1..=20 {
        let mut dice = Dice(round);
        let mut proxy = proxy(&configuration());
        let mut next = 0;
        for _ in 0..60 {
            proxy.fails_at = (dice.roll(4) == 0).then(|| usize::try_from(dice.roll(10)).unwrap());
            proxy.headers_fail = dice.roll(8) == 0;
            proxy.fetch_fails = dice.roll(8) == 0;
            proxy.switch_fails =
                (dice.roll(4) == 0).then(|| u32::try_from(dice.roll(20)).unwrap()).into_iter().collect();
            match dice.roll(7) {
                0..=2 => {
                    proxy.headers(next, requests[usize::try_from(dice.roll(3)).unwrap()].clone());
                    next += 1;
                }
                3 => proxy.gone(u32::try_from(dice.roll(u64::from(next) + 1)).unwrap()),
                4 => proxy.tick(),
                5 => proxy.advance(i64::try_from(dice.roll(20)).unwrap() - 5),
                _ => {
                    let asked = proxy.fetches.values().next().map(|request| request.id.provider.to_string());
                    match asked.as_deref() {
                        Some(provider) if dice.roll(4) == 0 => proxy.fail_fetch(provider),
                        Some("corp") => proxy.answer("corp", &corp_set()),
                        Some(_) => proxy.answer("mdm", &mdm_set()),
                        None => {}
                    }
                }
            }
            assert!(proxy.waiting() >= 0);
        }
        for stream in 0..next {
            proxy.gone(stream);
        }
        assert_eq!(proxy.waiting(), 0, "round {round}: nobody is left behind");
        assert!(format!("{:?}", proxy.worker).contains("streams: {}"), "{:?}", proxy.worker);
    }
}
