//! Events that come again and again, such as refusals of one backup job, or of an attacker.
//!
//! The first one is written at once. The same from the same network within an hour is counted,
//! and one line says how often it came. So the log grows by some 3,000 of these lines an hour at
//! most, whatever is sent.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::AuditEvent;
use crate::{clock::Moment, limit::ClientNetwork};

/// Time in which the same is counted.
const WINDOW: Duration = Duration::from_secs(60 * 60);
/// Number of occasions of known logins that are told apart.
const OF_LOGINS: usize = 1024;
/// The same for strangers, who could otherwise take the places of all others.
const OF_STRANGERS: usize = 256;

/// Facts that make two events the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Occasion {
    /// Name of the event.
    pub(crate) event: &'static str,
    /// Route of the request.
    pub(crate) route: &'static str,
    /// Code of the reason; empty for none.
    pub(crate) reason: &'static str,
    /// Name of the login in logs; `None` for a stranger.
    pub(crate) lineage: Option<[u8; 4]>,
    pub(crate) network: ClientNetwork,
}

impl Occasion {
    /// Returns the occasion for those that find no place of their own. There are no more of
    /// these than routes and reasons.
    fn without_client(self) -> Self {
        Self {
            lineage: None,
            network: ClientNetwork::default(),
            ..self
        }
    }
}

#[derive(Debug)]
struct Repeat {
    until: Moment,
    first: AuditEvent,
    again: u64,
}

/// The occasions of the last hour.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    // Held for moments only; nothing is written or awaited meanwhile.
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    logins: HashMap<Occasion, Repeat>,
    strangers: HashMap<Occasion, Repeat>,
    others: HashMap<Occasion, Repeat>,
}

impl Repeats {
    /// Returns the event if it must be written, and counts it otherwise.
    pub(super) fn first(
        &self,
        occasion: Occasion,
        now: Moment,
        make: impl FnOnce() -> AuditEvent,
    ) -> Option<AuditEvent> {
        let mut seen = self.seen();
        let Seen {
            logins,
            strangers,
            others,
        } = &mut *seen;
        let (own, most) = match occasion.lineage {
            Some(_) => (logins, OF_LOGINS),
            None => (strangers, OF_STRANGERS),
        };
        let is_of_others = own.len() >= most && !own.contains_key(&occasion);
        let (place, occasion) = match is_of_others {
            true => (others, occasion.without_client()),
            false => (own, occasion),
        };
        if let Some(repeat) = place.get_mut(&occasion) {
            repeat.again += 1;
            return None;
        }
        let event = match is_of_others {
            true => AuditEvent::now(occasion.event)
                .with("route", occasion.route)
                .with("reason", occasion.reason)
                .with("others", true),
            false => make(),
        };
        let repeat = Repeat {
            until: now.plus(WINDOW),
            first: event.clone(),
            again: 0,
        };
        place.insert(occasion, repeat);
        Some(event)
    }

    /// Takes out the occasions whose hour is over, and returns a line for each that came again.
    pub(super) fn due(&self, now: Moment) -> Vec<AuditEvent> {
        self.take(|repeat| repeat.until <= now)
    }

    /// The same for all, at the end.
    pub(super) fn all(&self) -> Vec<AuditEvent> {
        self.take(|_| true)
    }

    fn take(&self, is_due: impl Fn(&Repeat) -> bool) -> Vec<AuditEvent> {
        let mut seen = self.seen();
        let Seen {
            logins,
            strangers,
            others,
        } = &mut *seen;
        let mut told = Vec::new();
        for place in [logins, strangers, others] {
            let due = place.extract_if(|_, repeat| is_due(repeat));
            let again = due.filter(|(_, repeat)| repeat.again > 0);
            told.extend(again.map(|(_, repeat)| repeat.first.again(repeat.again)));
        }
        told
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn occasion(client: u32, lineage: Option<[u8; 4]>) -> Occasion {
        Occasion {
            event: "refused",
            route: "/refresh",
            reason: "tampered",
            lineage,
            network: ClientNetwork::of(Some(IpAddr::V4(Ipv4Addr::from_bits(client)))),
        }
    }

    fn lines(repeats: &Repeats, occasions: impl Iterator<Item = Occasion>, at: Moment) -> usize {
        let made = || AuditEvent::now("refused");
        let written = occasions.filter_map(|occasion| repeats.first(occasion, at, made));
        written.count()
    }

    #[test]
    fn the_same_is_written_once_and_counted_for_an_hour() {
        let (repeats, start) = (Repeats::default(), Moment::default());
        let again = |times| (0..times).map(|_| occasion(1, None));
        assert_eq!(lines(&repeats, again(100), start), 1);
        assert_eq!(lines(&repeats, [occasion(2, None)].into_iter(), start), 1);
        assert!(repeats.due(start.plus(WINDOW / 2)).is_empty());
        let [told] = repeats.due(start.plus(WINDOW)).try_into().unwrap();
        let mut text = String::new();
        told.append_to(&mut text, crate::audit::chain::Link::NONE);
        assert!(text.contains(r#""count":99"#), "{text}");
        assert_eq!(lines(&repeats, again(1), start.plus(WINDOW)), 1);
        assert!(repeats.all().is_empty());
    }

    #[test]
    fn a_flood_of_strangers_fills_neither_memory_nor_the_places_of_logins() {
        let (repeats, start) = (Repeats::default(), Moment::default());
        let strangers = |from: u32| (from..from + 100_000).map(|client| occasion(client, None));
        assert_eq!(lines(&repeats, strangers(0), start), OF_STRANGERS + 1);
        let login = occasion(1, Some([7; 4]));
        assert_eq!(lines(&repeats, [login].into_iter(), start), 1);
        assert_eq!(lines(&repeats, strangers(1 << 24), start), 0);
        let logins = (0..50_000_u32).map(|login| occasion(1, Some(login.to_ne_bytes())));
        assert_eq!(lines(&repeats, logins, start), OF_LOGINS - 1);
        // Both kinds share the places without a client.
        let [told] = repeats.all().try_into().unwrap();
        drop(told);
    }
}
