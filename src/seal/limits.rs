//! Limits of the use of an AuthID.

use std::{borrow::Cow, fmt, net::IpAddr, num::NonZeroU16, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

use super::{Terms, base64url, limit_fields};
use crate::clock::UnixTime;

/// Maximum number of networks in one AuthID, which would get long with more.
pub const MAX_NETWORKS: usize = 16;

/// Maximum length in bytes: more than a time, [`MAX_NETWORKS`] of IPv6 and a number need.
const MAX_BYTES: usize = 320;

/// Maximum number of uses in an hour that can be wished for. More is no limit in practice.
pub const MAX_PER_HOUR: u16 = 60_000;

/// Limits of the use of an AuthID. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UseLimits {
    pub(super) until: Option<u32>,
    /// Networks from which it may be used; none means from anywhere.
    pub(super) networks: Vec<IpNet>,
    pub(super) per_hour: Option<NonZeroU16>,
}

impl UseLimits {
    /// Makes limits: a time from which the AuthID is refused, the networks from which it may
    /// be used (none means from anywhere), and its uses in an hour. Returns `None` for more
    /// than [`MAX_NETWORKS`].
    ///
    /// A time that four bytes cannot hold (after 2106) becomes the latest that they can.
    pub fn new(
        until: Option<UnixTime>,
        networks: impl IntoIterator<Item = IpNet>,
        per_hour: Option<NonZeroU16>,
    ) -> Option<Self> {
        let limits = Self::clamped(until, networks, per_hour);
        (limits.networks.len() <= MAX_NETWORKS).then_some(limits)
    }

    fn clamped(
        until: Option<UnixTime>,
        networks: impl IntoIterator<Item = IpNet>,
        per_hour: Option<NonZeroU16>,
    ) -> Self {
        let networks: Vec<IpNet> = networks.into_iter().map(unmapped).collect();
        Self {
            until: until.map(|until| u32::try_from(until.0).unwrap_or(u32::MAX)),
            networks: IpNet::aggregate(&networks),
            per_hour,
        }
    }

    /// Returns the terms of an AuthID with these limits and no names; `None` without limits.
    pub fn into_terms(self) -> Option<Arc<Terms>> {
        let terms = Terms {
            limits: self,
            ..Terms::default()
        };
        (!terms.are_none()).then(|| Arc::new(terms))
    }

    /// True if nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the time from which the AuthID is refused.
    pub fn until(&self) -> Option<UnixTime> {
        self.until.map(|until| UnixTime(until.into()))
    }

    /// Returns the networks from which it may be used; none means from anywhere.
    pub fn networks(&self) -> &[IpNet] {
        &self.networks
    }

    /// Returns how often it may be used in an hour.
    pub fn per_hour(&self) -> Option<NonZeroU16> {
        self.per_hour
    }

    /// True if the AuthID may be used from this address. One that is not known is inside no
    /// network.
    pub fn allow(&self, address: Option<IpAddr>) -> bool {
        let is_inside = |address: IpAddr| {
            let address = address.to_canonical();
            self.networks
                .iter()
                .any(|network| network.contains(&address))
        };
        self.networks.is_empty() || address.is_some_and(is_inside)
    }

    /// Returns these limits made narrower by others, where they have any.
    pub fn narrowed(&self, wish: &Self) -> Result<Self, Wider> {
        let is_inside =
            |wished: &IpNet| self.networks.iter().any(|network| network.contains(wished));
        if !self.networks.is_empty() && !wish.networks.iter().all(is_inside) {
            return Err(Wider::Networks(list(&self.networks)));
        }
        Ok(Self {
            until: narrower(self.until, wish.until, |until| {
                Wider::Until(UnixTime(until.into()))
            })?,
            networks: match wish.networks.is_empty() {
                true => self.networks.clone(),
                false => wish.networks.clone(),
            },
            per_hour: narrower(self.per_hour, wish.per_hour, Wider::PerHour)?,
        })
    }

    /// Reads the bytes that [`UseLimits::to_bytes`] makes. `None` for a field that is not known,
    /// a malformed one, or no field: an AuthID whose limits are not understood is refused.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        limit_fields::read(bytes).filter(|limits| !limits.is_none())
    }

    /// Returns the limits in bytes, as an AuthID holds them.
    pub fn to_bytes(&self) -> Vec<u8> {
        limit_fields::write(self)
    }
}

/// Writes the limits as a person reads them, commas between.
impl fmt::Display for UseLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until().map(|until| format!("until {until}"));
        let networks =
            (!self.networks.is_empty()).then(|| format!("from {}", list(&self.networks)));
        let per_hour = self.per_hour.map(|times| format!("{times} times an hour"));
        let limits: Vec<String> = [until, networks, per_hour].into_iter().flatten().collect();
        match limits.is_empty() {
            true => f.write_str("none"),
            false => f.write_str(&limits.join(", ")),
        }
    }
}

fn list(networks: &[IpNet]) -> String {
    let names: Vec<String> = networks.iter().map(ToString::to_string).collect();
    names.join(" and ")
}

fn narrower<T: Copy + Ord>(
    present: Option<T>,
    wish: Option<T>,
    wider: impl Fn(T) -> Wider,
) -> Result<Option<T>, Wider> {
    match (present, wish) {
        (Some(present), Some(wish)) if wish > present => Err(wider(present)),
        (present, wish) => Ok(wish.or(present)),
    }
}

/// A limit that was wished for is wider than the present one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Wider {
    /// The end is later.
    #[error("it can be good until {0} at most")]
    Until(UnixTime),
    /// A network is not inside those that it may be used from.
    #[error("it can be good from {0} at most")]
    Networks(String),
    /// There are more uses in an hour.
    #[error("it can be good for {0} uses an hour at most")]
    PerHour(NonZeroU16),
}

/// Limits of every new AuthID, which the administrator sets. Nobody gets a wider one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitPolicy {
    /// Lifetime of a new AuthID; `None` if it has no end.
    pub lifetime: Option<Duration>,
    /// Networks from which it may be used; none means from anywhere.
    pub networks: Vec<IpNet>,
}

impl LimitPolicy {
    /// Returns the limits of an AuthID that is made now.
    pub fn at(&self, now: UnixTime) -> UseLimits {
        let until = self.lifetime.map(|lifetime| now.plus(lifetime));
        UseLimits::clamped(until, self.networks.clone(), None)
    }

    /// Returns the terms of an AuthID that is made now, without names.
    pub fn terms_at(&self, now: UnixTime) -> Option<Arc<Terms>> {
        self.at(now).into_terms()
    }
}

/// Writes the bytes in base64url.
impl Serialize for UseLimits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for UseLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let mut bytes = [0; MAX_BYTES];
        let length = base64url::decode(&text, &mut bytes);
        let limits = length.and_then(|length| Self::from_bytes(&bytes[..length]));
        limits.ok_or_else(|| D::Error::custom("malformed limits, or ones that are not known"))
    }
}

/// Returns an IPv4-mapped network of IPv6 (RFC 4291 section 2.5.5.2) as one of IPv4, without
/// bits behind its prefix.
fn unmapped(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(v6) => v6
            .addr()
            .to_ipv4_mapped()
            .zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let network = mapped
        .and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok())
        .map_or(network, IpNet::V4);
    network.trunc()
}
