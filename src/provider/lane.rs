//! Each provider has its own lanes: a limit of concurrent calls, a short queue, and a
//! circuit breaker. A provider that is slow or fails does not delay calls to others, and
//! calls that strangers start do not delay those of clients with an AuthID.

use std::{collections::HashMap, future::Future, pin::pin, sync::Arc, time::Duration};

use ahash::RandomState;

use super::{
    Catalog, Provider, ProviderError,
    breaker::{Breaker, LoginTag, Pass},
};
use crate::{
    clock::{Stopwatch, within},
    limit::{ClientNetwork, FairQueue, Place},
    telemetry::{LaneMetrics, Metrics},
};

/// Limit of concurrent refreshes: enough for 400 a second of a provider that takes 300 ms.
/// With TLS, the connections take about 10 MB.
const CALLS: usize = 128;
/// Limit of waiting refreshes; each takes a few KB.
const QUEUE: usize = 1024;
/// Limit of concurrent logins, and of revocations: about 50 a second of such a provider.
const FEW_CALLS: usize = 16;
/// Limit of waiting logins, and of waiting revocations.
const SHORT_QUEUE: usize = 256;
/// Timeout in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(5);

/// The kind of client for which a provider is called, and its network. Each kind has its
/// own lane, in which networks take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The holder of an AuthID, for an access token.
    Holder(ClientNetwork, LoginTag),
    /// The holder of an AuthID, to revoke it.
    Revoker(ClientNetwork, LoginTag),
    /// Anybody with a code, a login token, or an AuthID that may be made up.
    Stranger(ClientNetwork),
}

impl Caller {
    fn network(self) -> ClientNetwork {
        match self {
            Self::Holder(network, _) | Self::Revoker(network, _) | Self::Stranger(network) => {
                network
            }
        }
    }

    fn login(self) -> Option<LoginTag> {
        match self {
            Self::Holder(_, login) | Self::Revoker(_, login) => Some(login),
            Self::Stranger(_) => None,
        }
    }
}

/// The lanes of all providers, by id and region: each region has servers of its own, and
/// some of them may be away.
#[derive(Clone, Debug)]
pub(super) struct Lanes(Arc<HashMap<String, ByRegion, RandomState>>);

type ByRegion = HashMap<Option<String>, ProviderLanes, RandomState>;

#[derive(Debug)]
struct ProviderLanes {
    holders: Lane,
    revokers: Lane,
    strangers: Lane,
}

#[derive(Debug)]
struct Lane {
    turns: FairQueue,
    /// Places of calls that are tried again, so that they take none from first tries.
    retries: FairQueue,
    breaker: Breaker,
    /// Time of a refresh after which it no longer waits for the breaker to close.
    trial_wait: Duration,
    metrics: LaneMetrics,
}

/// The number of times that a refresh has called the provider before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// Never.
    First,
    /// Once or more.
    Again {
        /// Time since the refresh began.
        after: Duration,
    },
}

impl Try {
    /// Returns the time since the refresh began.
    pub(super) fn after(self) -> Duration {
        match self {
            Self::First => Duration::ZERO,
            Self::Again { after } => after,
        }
    }
}

impl Lanes {
    /// Makes three lanes for each provider with an offered service, and for each of its
    /// regions. A provider that fails is left alone for `breaker_rest`, and refreshes wait
    /// for it to answer again until they have taken `trial_wait`.
    pub(super) fn of(
        catalog: &Catalog,
        breaker_rest: Duration,
        trial_wait: Duration,
        metrics: &Metrics,
    ) -> Self {
        let lanes = |provider: &Provider| {
            let lane = |calls, queue| Lane {
                turns: FairQueue::new(calls, queue, QUEUE_WAIT),
                retries: FairQueue::new(FEW_CALLS, queue, QUEUE_WAIT),
                breaker: Breaker::new(breaker_rest),
                trial_wait,
                metrics: metrics.lane(&provider.id),
            };
            ProviderLanes {
                holders: lane(CALLS, QUEUE),
                revokers: lane(FEW_CALLS, SHORT_QUEUE),
                strangers: lane(FEW_CALLS, SHORT_QUEUE),
            }
        };
        let providers = catalog.iter().map(|service| &service.provider);
        Self(Arc::new(
            providers
                .map(|provider| {
                    let regions = provider
                        .region
                        .iter()
                        .flat_map(|region| region.values.keys());
                    let all = regions.cloned().map(Some).chain([None]);
                    let by_region = all.map(|region| (region, lanes(provider))).collect();
                    (provider.id.clone(), by_region)
                })
                .collect(),
        ))
    }

    /// Makes a call in the caller's lane, when there is room. The deadline starts with the
    /// call, after the wait in the queue; for another try it includes that wait, because the
    /// client waits no longer than for its first call.
    ///
    /// The future may be dropped at any time: its place, its room in the queue and its trial
    /// go to the next call.
    pub(super) async fn call<T>(
        &self,
        (provider, region): (&Provider, Option<&str>),
        (caller, number): (Caller, Try),
        deadline: Duration,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let by_region = &self.0[&provider.id];
        let known = by_region.get(&region.map(str::to_owned));
        // A region that the table does not list has no URL, so no call will be made.
        let lanes = known.unwrap_or(&by_region[&None]);
        let lane = match caller {
            Caller::Holder(..) => &lanes.holders,
            Caller::Revoker(..) => &lanes.revokers,
            Caller::Stranger(_) => &lanes.strangers,
        };
        let entering = Stopwatch::start();
        let (_room, pass) = lane.enter(caller, number, entering).await?;
        let deadline = match number {
            Try::First => deadline,
            Try::Again { .. } => deadline.saturating_sub(entering.elapsed()),
        };
        if deadline.is_zero() {
            // Nothing was sent.
            return Err(lane.crowded());
        }
        let _under_way = lane.metrics.under_way();
        let answer = within(deadline, pin!(call))
            .await
            .unwrap_or(Err(ProviderError::TooSlow));
        let error = answer.as_ref().err();
        // If nothing was sent, the provider is not to blame.
        if error != Some(&ProviderError::Withheld) {
            let failure = error.filter(|error| says_that_it_is_ill(caller, error));
            lane.note(provider, caller, pass, failure);
        }
        answer
    }
}

/// True if the error shows that the provider fails. A refusal does not: the provider
/// answered. An error or a timeout of a stranger's call may be caused by the stranger's
/// input, so only a failed connection counts.
fn says_that_it_is_ill(caller: Caller, error: &ProviderError) -> bool {
    match caller {
        Caller::Holder(..) => matches!(
            error,
            ProviderError::Busy { .. }
                | ProviderError::Failing { .. }
                | ProviderError::Unreachable { .. }
                | ProviderError::BrokenOff { .. }
                | ProviderError::TooSlow
        ),
        Caller::Revoker(..) | Caller::Stranger(_) => {
            matches!(error, ProviderError::Unreachable { .. })
        }
    }
}

impl Lane {
    /// Waits for a place and for the breaker. While the breaker is open, holders wait for
    /// a trial that succeeds; others are turned away.
    async fn enter(
        &self,
        caller: Caller,
        number: Try,
        began: Stopwatch,
    ) -> Result<(Place, Pass<'_>), ProviderError> {
        loop {
            if self.breaker.open_for().is_some() {
                let spent = number.after() + began.elapsed();
                let limit = self.trial_wait.saturating_sub(spent);
                // Boxed: few calls wait for one, and each would have room for it.
                Box::pin(self.wait_for_trial(caller, limit)).await?;
            }
            let turns = match number {
                Try::First => &self.turns,
                // Many wait for the same trial, and come back together when it succeeds.
                Try::Again { .. } => &self.retries,
            };
            let room = {
                let _waiting = self.metrics.waits();
                turns.enter(caller.network()).await
            };
            let room = room.ok_or_else(|| self.crowded())?;
            match self.breaker.pass() {
                Ok(pass) => {
                    if number != Try::First {
                        self.metrics.retried.inc();
                    }
                    return Ok((room, pass));
                }
                // Another call is the trial: wait for its end, without a place.
                Err(_) => drop(room),
            }
        }
    }

    async fn wait_for_trial(&self, caller: Caller, limit: Duration) -> Result<(), ProviderError> {
        let open = match caller {
            Caller::Holder(..) => self.breaker.closes(limit).await.err(),
            Caller::Revoker(..) | Caller::Stranger(_) => self.breaker.open_for(),
        };
        match open {
            Some(rest) => Err(self.resting(rest)),
            None => Ok(()),
        }
    }

    fn note(
        &self,
        provider: &Provider,
        caller: Caller,
        pass: Pass<'_>,
        failure: Option<&ProviderError>,
    ) {
        let Some(error) = failure else {
            return pass.answered();
        };
        if pass.failed(caller.login()) {
            self.metrics.opened.inc();
            tracing::warn!(
                provider = %provider.id,
                "it failed for several logins in a row, and is asked less often until it \
                 answers: {error}"
            );
        }
    }

    fn resting(&self, retry_after: Duration) -> ProviderError {
        self.metrics.resting.inc();
        ProviderError::Resting { retry_after }
    }

    fn crowded(&self) -> ProviderError {
        self.metrics.crowded.inc();
        ProviderError::Crowded
    }
}
