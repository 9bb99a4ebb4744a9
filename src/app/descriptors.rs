//! The budget of file descriptors: everything that the process opens is counted here, so
//! that a limit of the system is never reached, which would cut off clients.

use thiserror::Error;

/// Descriptors of the listening sockets, of the watch of the keys folder, and of the files
/// that a reload, a health check and a started thread have open at once.
const OWN: usize = 12;
/// Descriptors of a shared store: a cluster of three, and the connection for its news. A
/// folder needs fewer: its lock, its file and its socket.
const STORE: usize = 8;
/// Descriptors of one provider call: while it connects, a look-up and a second address.
const PER_CALL: usize = 2;
/// Limit of connections to providers, if the system allows as many: all lanes of ten
/// providers.
const MAX_PROVIDERS: usize = 2048;
/// Limit of displaced connections, and of those above the limit.
const MAX_SPARE: usize = 64;
/// Least number of clients, which makes a server useful.
const MIN_CLIENTS: usize = 4;
/// Descriptors that are open before anything is, where they cannot be counted.
const USUALLY_OPEN: usize = 16;

/// Numbers of connections that may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Clients.
    pub clients: usize,
    /// Clients that are being closed, and as many more that are told to come again.
    pub spare: usize,
    /// Health checks and scrapes of metrics. Their spare connections are a fourth of that.
    pub admin: usize,
    /// Connections to providers.
    pub providers: usize,
}

/// The system allows too few open files.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the system allows {allowed} open files, and authseal needs {needed} at least: raise ulimit -n \
     (LimitNOFILE of systemd, --ulimit nofile of Docker)"
)]
pub struct TooFewDescriptors {
    allowed: usize,
    needed: usize,
}

impl Default for Descriptors {
    /// As many as the other limits allow.
    fn default() -> Self {
        Self {
            clients: usize::MAX,
            spare: MAX_SPARE,
            admin: 64,
            providers: MAX_PROVIDERS,
        }
    }
}

impl Descriptors {
    /// Raises the limit of the system as far as it allows, and divides it.
    pub fn of_system(wanted_clients: usize, has_store: bool) -> Result<Self, TooFewDescriptors> {
        let open = open_now();
        let everything = Self::default();
        let wanted = wanted_clients.saturating_add(open + everything.others(has_store));
        let allowed = rlimit::increase_nofile_limit(wanted as u64);
        let allowed = allowed.map_or(wanted, |allowed| {
            usize::try_from(allowed).unwrap_or(usize::MAX)
        });
        Self::divide(allowed, open, wanted_clients, has_store)
    }

    /// Divides the `allowed` descriptors, of which some are `open` already. Health, keys and
    /// a provider call are served first.
    fn divide(
        allowed: usize,
        open: usize,
        wanted_clients: usize,
        has_store: bool,
    ) -> Result<Self, TooFewDescriptors> {
        let usual = Self::default();
        let least = Self {
            clients: MIN_CLIENTS,
            spare: 1,
            admin: 3,
            providers: 1,
        };
        let needed = open + least.others(has_store) + MIN_CLIENTS;
        let Some(left) = allowed.checked_sub(needed) else {
            return Err(TooFewDescriptors { allowed, needed });
        };
        let admin = least.admin + (left / 16).min(usual.admin - least.admin);
        let left = left - (with_spare(admin) - with_spare(least.admin));
        let providers = least.providers + (left / 3 / PER_CALL).min(usual.providers - 1);
        let left = left - (providers - least.providers) * PER_CALL;
        let spare = least.spare + (left / 8).min(usual.spare - 1);
        let clients = MIN_CLIENTS + left - (spare - least.spare) * 2;
        Ok(Self {
            clients: clients.min(wanted_clients),
            spare,
            admin,
            providers,
        })
    }

    /// Returns the number of descriptors of everything but the clients.
    fn others(&self, has_store: bool) -> usize {
        let store = if has_store { STORE } else { 0 };
        // One connection of each listener is accepted before it has a place.
        OWN + store + 2 + with_spare(self.admin) + self.spare * 2 + self.providers * PER_CALL
    }
}

/// Returns the spare connections of health checks.
pub(super) fn admin_spare(admin: usize) -> usize {
    (admin / 4).max(1)
}

fn with_spare(admin: usize) -> usize {
    admin + admin_spare(admin) * 2
}

fn open_now() -> usize {
    std::fs::read_dir("/dev/fd").map_or(USUALLY_OPEN, Iterator::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_never_exceed_what_the_system_allows() {
        for has_store in [false, true] {
            for allowed in 0..20_000 {
                let Ok(parts) = Descriptors::divide(allowed, 16, 2000, has_store) else {
                    assert!(allowed < 60, "{allowed}");
                    continue;
                };
                let sum = 16 + parts.others(has_store) + parts.clients;
                assert!(sum <= allowed, "{allowed}: {parts:?}");
                let smallest = parts.clients.min(parts.spare).min(parts.providers);
                assert!(smallest >= 1 && parts.clients <= 2000);
            }
        }
    }

    #[test]
    fn a_server_with_enough_has_all_its_limits() {
        let parts = Descriptors::divide(65_536, 16, 2000, true).unwrap();
        let all = Descriptors {
            clients: 2000,
            ..Descriptors::default()
        };
        assert_eq!(parts, all);
    }

    #[test]
    fn too_few_are_refused_with_the_number_that_is_needed() {
        let refused = Descriptors::divide(24, 16, 2000, false).unwrap_err();
        let TooFewDescriptors { needed, .. } = refused;
        assert!(Descriptors::divide(needed - 1, 16, 2000, false).is_err());
        assert!(Descriptors::divide(needed, 16, 2000, false).is_ok());
        let said = refused.to_string();
        assert!(
            said.contains("allows 24") && said.contains(&needed.to_string()),
            "{said}"
        );
    }
}
