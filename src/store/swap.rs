//! Compare-and-swap of the record that says which server has the turn at a name.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use super::{Name, RedisStore, StoreError, StoreTime, redis_store::LONGEST_VALUE};
use crate::secret::Secret;

/// Redis deletes a record that has not been changed for this long.
const RECORD_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Margin on the duration of a call: the clocks of two machines do not run at exactly the
/// same speed, and the result must still be stored.
const CALL_MARGIN: Duration = Duration::from_secs(2);

/// Limit of a record that Redis returns. Those of all versions are far shorter.
const LONGEST_RECORD: usize = 1024;

/// Replaces the expected record by another whose end is computed on Redis's clock, or
/// deletes it and stores a value, if there is one. Returns whether the record was the
/// expected one, the record that is there now, the time, and the value.
static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value, record = KEYS[1], KEYS[2]
        local expected, next, next_ms, keep_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
        local new_value, value_ms = ARGV[5], ARGV[6]
        local longest_record, longest_value = ARGV[7], ARGV[8]
        local time = redis.call('TIME')
        local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
        local current = redis.call('GET', record) or ''
        if current ~= expected then
            return {'no', string.sub(current, 1, longest_record), now}
        end
        if next == '' then
            if new_value ~= '' then redis.call('SET', value, new_value, 'PX', value_ms) end
            redis.call('DEL', record)
            return {'yes', '', now}
        end
        current = next .. ' ' .. string.format('%.0f', now + next_ms)
        redis.call('SET', record, current, 'PX', keep_ms)
        local text = redis.call('GET', value)
        return {'yes', current, now, text and string.sub(text, 1, longest_value)}",
    )
});

/// The record that replaces the expected one.
#[derive(Clone, Copy)]
pub(super) enum NextRecord<'a> {
    Held,
    /// With the time that the call may still take.
    Sent(Duration),
    /// No record, and perhaps a new value with its lifetime.
    Settled(Option<(&'a Secret, Duration)>),
}

/// Redis's answer to a swap.
pub(super) struct Swapped {
    /// True if the record was the expected one.
    pub(super) is_done: bool,
    /// The record that is there now; empty if there is none.
    pub(super) record: String,
    pub(super) now: StoreTime,
    pub(super) value: Option<Secret>,
}

impl RedisStore {
    pub(super) async fn swap(
        &self,
        name: &Name,
        owner: &str,
        expected: &str,
        next: NextRecord<'_>,
    ) -> Result<Swapped, StoreError> {
        let value_key = self.key(name);
        let record_key = format!("{value_key}:turn");
        let (next, duration, value) = match next {
            NextRecord::Held => (format!("held {owner}"), self.times().held, None),
            NextRecord::Sent(call) => (format!("sent {owner}"), call + CALL_MARGIN, None),
            NextRecord::Settled(value) => (String::new(), Duration::ZERO, value),
        };
        let (new_value, lifetime) = match value {
            Some((secret, lifetime)) => (secret.expose(), lifetime),
            None => ("", Duration::ZERO),
        };
        let answer: Vec<Option<String>> = self
            .run(|mut connection| async move {
                SWAP.key(value_key)
                    .key(record_key)
                    .arg(expected)
                    .arg(next)
                    .arg(milliseconds(duration))
                    .arg(milliseconds(RECORD_LIFETIME))
                    .arg(new_value)
                    .arg(milliseconds(lifetime))
                    .arg(LONGEST_RECORD)
                    .arg(LONGEST_VALUE)
                    .invoke_async(&mut connection)
                    .await
            })
            .await?;
        let mut answer = answer.into_iter();
        let mut next = || answer.next().flatten();
        Ok(Swapped {
            is_done: next().as_deref() == Some("yes"),
            record: next().unwrap_or_default(),
            now: StoreTime(next().and_then(|now| now.parse().ok()).unwrap_or(0)),
            value: next().map(Secret::new),
        })
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
