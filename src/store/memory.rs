//! Kept in the memory of this process.

use std::{sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache};

use super::Name;
use crate::{
    clock::{Clock, UnixTime},
    secret::Secret,
};

/// The memory of this process: bounded, so that strangers who fill it only push
/// out each other's entries.
#[derive(Clone, Debug)]
pub struct Memory {
    entries: Arc<Cache<Name, Entry, Weight>>,
    clock: Clock,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Secret,
    expires_at: UnixTime,
}

const FIRST_CAPACITY: usize = 64;
const ENTRY_OVERHEAD_BYTES: u64 = 128;

impl Memory {
    /// An empty one, of at most about `bytes`.
    pub fn new(clock: Clock, bytes: u64) -> Self {
        Self {
            entries: Arc::new(Cache::with_weighter(FIRST_CAPACITY, bytes, Weight)),
            clock,
        }
    }

    /// True if older entries may have made room for newer ones.
    pub fn is_nearly_full(&self) -> bool {
        self.entries.weight() >= self.entries.capacity() / 10 * 9
    }

    /// Keeps a value for `lifetime`, in place of an older one.
    pub fn put(&self, name: Name, value: Secret, lifetime: Duration) {
        let expires_at = self.clock.now().plus(lifetime);
        self.entries.insert(name, Entry { value, expires_at });
    }

    /// The value, while it lives.
    pub fn get(&self, name: &Name) -> Option<Secret> {
        let entry = self.entries.get(name)?;
        (self.clock.now() < entry.expires_at).then_some(entry.value)
    }

    /// The value, which nobody else gets any more.
    pub fn take(&self, name: &Name) -> Option<Secret> {
        let (_, entry) = self.entries.remove(name)?;
        (self.clock.now() < entry.expires_at).then_some(entry.value)
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Name, Entry> for Weight {
    fn weight(&self, _: &Name, entry: &Entry) -> u64 {
        ENTRY_OVERHEAD_BYTES + entry.value.expose().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_there_until_it_expires_or_is_taken() {
        let clock = Clock::manual(UnixTime(0));
        let memory = Memory::new(clock.clone(), 1 << 20);
        let name = Name::new("kind", b"key");
        assert_ne!(name, Name::new("other", b"key"));
        memory.put(name, Secret::new("value"), Duration::from_secs(30));
        clock.advance(Duration::from_secs(29));
        assert!(memory.get(&name).is_some());
        assert!(memory.take(&name).is_some());
        assert!(memory.get(&name).is_none());

        memory.put(name, Secret::new("value"), Duration::from_secs(30));
        clock.advance(Duration::from_secs(30));
        assert!(memory.get(&name).is_none() && memory.take(&name).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::new(Clock::manual(UnixTime(0)), 1 << 20);
        for number in 0..20_000u32 {
            let name = Name::new("kind", &number.to_be_bytes());
            memory.put(
                name,
                Secret::new("x".repeat(1_000)),
                Duration::from_secs(30),
            );
        }
        assert!(memory.entries.weight() <= 1 << 20);
    }
}
