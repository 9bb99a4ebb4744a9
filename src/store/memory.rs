//! Storage in the memory of this process.

use std::{sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache};

use super::Name;
use crate::{
    clock::{Clock, Moment},
    secret::Secret,
};

/// A bounded map in the memory of this process: strangers who fill it only push out each
/// other's entries.
#[derive(Clone, Debug)]
pub struct Memory {
    entries: Arc<Cache<Name, MemoryEntry, EntryWeight>>,
    clock: Clock,
}

#[derive(Clone, Debug)]
struct MemoryEntry {
    value: Secret,
    expires_at: Moment,
}

/// Initial number of entries; the map grows as needed.
const FIRST_CAPACITY: usize = 64;
/// Memory of an entry besides its value, in bytes.
const ENTRY_OVERHEAD_BYTES: u64 = 128;

impl Memory {
    /// Makes an empty map of at most about `bytes`.
    pub fn new(clock: Clock, bytes: u64) -> Self {
        Self {
            entries: Arc::new(Cache::with_weighter(FIRST_CAPACITY, bytes, EntryWeight)),
            clock,
        }
    }

    /// True if entries may have been dropped to make room for newer ones.
    pub fn is_nearly_full(&self) -> bool {
        self.entries.weight() >= self.entries.capacity() / 10 * 9
    }

    /// Stores a value for `lifetime`. Replaces an older one.
    pub fn put(&self, name: Name, value: Secret, lifetime: Duration) {
        let expires_at = self.clock.moment().plus(lifetime);
        self.entries.insert(name, MemoryEntry { value, expires_at });
    }

    /// Returns the value, unless it has expired.
    pub fn get(&self, name: &Name) -> Option<Secret> {
        let entry = self.entries.get(name)?;
        (self.clock.moment() < entry.expires_at).then_some(entry.value)
    }

    /// Removes and returns the value, unless it has expired.
    pub fn take(&self, name: &Name) -> Option<Secret> {
        let (_, entry) = self.entries.remove(name)?;
        (self.clock.moment() < entry.expires_at).then_some(entry.value)
    }
}

#[derive(Clone, Debug)]
struct EntryWeight;

impl Weighter<Name, MemoryEntry> for EntryWeight {
    fn weight(&self, _: &Name, entry: &MemoryEntry) -> u64 {
        ENTRY_OVERHEAD_BYTES + entry.value.expose().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

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
    fn a_clock_that_is_set_neither_loses_nor_prolongs_a_value() {
        let clock = Clock::manual(UnixTime(1_800_000_000));
        let memory = Memory::new(clock.clone(), 1 << 20);
        let name = Name::new("kind", b"key");
        for start in [1_800_086_400, 1_700_000_000] {
            memory.put(name, Secret::new("value"), Duration::from_secs(30));
            clock.set(UnixTime(start));
            assert!(memory.get(&name).is_some());
            clock.advance(Duration::from_secs(30));
            assert!(memory.get(&name).is_none());
        }
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
