//! Storage of values that are taken once. The store decides itself who was first, so neither
//! two requests nor two servers get the same value.

use std::{
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    time::Duration,
};

use redis::Script;

use super::{Memory, Name, RedisStore, StoreError, redis_store::LONGEST_VALUE, swap::milliseconds};
use crate::{clock::Clock, secret::Secret};

/// Stores a value, unless one was taken under this name. Returns whether it is stored.
static OFFER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value, mark = KEYS[1], KEYS[2]
        local new_value, value_ms = ARGV[1], ARGV[2]
        if redis.call('GET', mark) then return false end
        redis.call('SET', value, new_value, 'PX', value_ms)
        return 'yes'",
    )
});

/// Returns the beginning of a value, and whether one was taken before. Takes it and leaves the
/// mark, if a lifetime of the mark is given.
static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value, mark = KEYS[1], KEYS[2]
        local longest_value, mark_ms = ARGV[1], ARGV[2]
        if redis.call('GET', mark) then return {'taken'} end
        local text = redis.call(mark_ms == '' and 'GET' or 'GETDEL', value)
        if not text then return {'nothing'} end
        if mark_ms ~= '' then redis.call('SET', mark, '', 'PX', mark_ms) end
        return {'there', string.sub(text, 1, longest_value)}",
    )
});

/// Values that are taken once.
#[derive(Clone, Debug)]
pub enum OneTimeStore {
    /// The memory of the only server.
    Memory(OneTimeMemory),
    /// A Redis that several servers share, or that survives a restart of one.
    Redis(RedisStore),
}

/// State of a name.
#[derive(Debug, PartialEq, Eq)]
pub enum OneTime {
    /// No value, or an expired one.
    Nothing,
    /// A value that nobody has taken.
    There(Secret),
    /// A value was taken, and that is still remembered.
    Taken,
}

impl OneTimeStore {
    /// Stores a value for `lifetime`, also in place of one that nobody has taken. Returns
    /// false, and stores nothing, if one was taken.
    pub async fn offer(
        &self,
        name: &Name,
        value: &Secret,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.offer(name, value, lifetime)),
            Self::Redis(redis) => redis.offer(name, value, lifetime).await,
        }
    }

    /// Takes the value: of all who ask, one gets it. That it was taken is remembered for
    /// `remembered`.
    pub async fn take(&self, name: &Name, remembered: Duration) -> Result<OneTime, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.take(name, remembered)),
            Self::Redis(redis) => redis.one_time(name, Some(remembered)).await,
        }
    }

    /// Returns the state, and takes nothing.
    pub async fn state(&self, name: &Name) -> Result<OneTime, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.state(name)),
            Self::Redis(redis) => redis.one_time(name, None).await,
        }
    }
}

/// Values in the memory of this process.
#[derive(Clone, Debug)]
pub struct OneTimeMemory {
    entries: Memory,
    // Locked for each look at the two entries of a name, never across an await.
    turn: Arc<Mutex<()>>,
}

impl OneTimeMemory {
    /// Makes an empty store of at most about `bytes`.
    pub fn new(clock: Clock, bytes: u64) -> Self {
        Self {
            entries: Memory::new(clock, bytes),
            turn: Arc::default(),
        }
    }

    fn offer(&self, name: &Name, value: &Secret, lifetime: Duration) -> bool {
        let _turn = self.turn();
        if self.entries.get(&mark(name)).is_some() {
            return false;
        }
        self.entries.put(*name, value.clone(), lifetime);
        true
    }

    fn take(&self, name: &Name, remembered: Duration) -> OneTime {
        let _turn = self.turn();
        if self.entries.get(&mark(name)).is_some() {
            return OneTime::Taken;
        }
        let Some(value) = self.entries.take(name) else {
            return OneTime::Nothing;
        };
        self.entries.put(mark(name), Secret::new(""), remembered);
        OneTime::There(value)
    }

    fn state(&self, name: &Name) -> OneTime {
        let _turn = self.turn();
        match (self.entries.get(&mark(name)), self.entries.get(name)) {
            (Some(_), _) => OneTime::Taken,
            (None, Some(value)) => OneTime::There(value),
            (None, None) => OneTime::Nothing,
        }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

fn mark(name: &Name) -> Name {
    name.about("taken")
}

impl RedisStore {
    async fn offer(
        &self,
        name: &Name,
        value: &Secret,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let mut offering = OFFER.key(self.key(name));
        offering
            .key(self.mark_key(name))
            .arg(value.expose())
            .arg(milliseconds(lifetime));
        let stored: Option<String> = self
            .run(|mut connection| async move { offering.invoke_async(&mut connection).await })
            .await?;
        Ok(stored.is_some())
    }

    async fn one_time(
        &self,
        name: &Name,
        remembered: Option<Duration>,
    ) -> Result<OneTime, StoreError> {
        let mark_lifetime = remembered.map(|time| milliseconds(time).to_string());
        let mut reading = READ.key(self.key(name));
        reading
            .key(self.mark_key(name))
            .arg(LONGEST_VALUE)
            .arg(mark_lifetime.unwrap_or_default());
        let answer: Vec<String> = self
            .run(|mut connection| async move { reading.invoke_async(&mut connection).await })
            .await?;
        let mut answer = answer.into_iter();
        Ok(match (answer.next().as_deref(), answer.next()) {
            (Some("there"), Some(value)) => OneTime::There(Secret::new(value)),
            (Some("taken"), _) => OneTime::Taken,
            _ => OneTime::Nothing,
        })
    }

    fn mark_key(&self, name: &Name) -> String {
        format!("{}:taken", self.key(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    const LIFETIME: Duration = Duration::from_secs(300);

    #[test]
    fn of_many_who_take_while_it_is_offered_again_and_again_one_gets_it() {
        let memory = OneTimeMemory::new(Clock::manual(UnixTime(0)), 1 << 20);
        for round in 0..200u32 {
            let name = Name::new("kind", &round.to_be_bytes());
            assert!(memory.offer(&name, &Secret::new("value"), LIFETIME));
            let takers = std::thread::scope(|scope| {
                let takers = [0; 4].map(|_| {
                    scope.spawn(|| {
                        memory.offer(&name, &Secret::new("value"), LIFETIME);
                        let taken = memory.take(&name, LIFETIME);
                        memory.offer(&name, &Secret::new("value"), LIFETIME);
                        taken
                    })
                });
                takers.map(|taker| taker.join().unwrap())
            });
            let got = takers.iter().filter(|one| **one != OneTime::Taken);
            assert_eq!(got.count(), 1, "{takers:?}");
            assert_eq!(memory.state(&name), OneTime::Taken);
        }
    }

    #[test]
    fn a_value_is_taken_once_and_that_is_forgotten_in_time() {
        let clock = Clock::manual(UnixTime(0));
        let memory = OneTimeMemory::new(clock.clone(), 1 << 20);
        let (name, value) = (Name::new("kind", b"key"), Secret::new("value"));
        assert_eq!(memory.take(&name, LIFETIME), OneTime::Nothing);
        assert!(memory.offer(&name, &value, LIFETIME));
        assert_eq!(memory.state(&name), OneTime::There(value.clone()));
        assert_eq!(memory.take(&name, LIFETIME), OneTime::There(value.clone()));
        assert_eq!(memory.take(&name, LIFETIME), OneTime::Taken);
        assert!(!memory.offer(&name, &value, LIFETIME));
        clock.advance(LIFETIME);
        assert_eq!(memory.state(&name), OneTime::Nothing);
        assert!(memory.offer(&name, &value, LIFETIME));
    }
}
