//! No sequence of requests and commands makes an AuthID that is good for more than the one that
//! it was made of.

use std::sync::Arc;

use authseal::seal::{Grant, Terms, UseLimits};
use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestCaseResult};

use super::{HOUR, limits, limits_of, post, token};
use crate::support::{Answer, TestApp};

/// A step, and the AuthID of an earlier one that it begins with.
#[derive(Clone, Debug)]
enum Step {
    Refresh,
    Token,
    Renew,
    /// Hours from now, networks and uses in an hour, as `authseal authid restrict` takes them.
    Restrict(Option<u64>, Vec<usize>, u16),
    NewKey,
    Wait,
}

/// Each is inside of the one before.
const NETWORKS: [&str; 4] = ["0.0.0.0/0", "127.0.0.0/8", "127.0.0.0/24", "127.0.0.1/32"];

fn steps() -> impl Strategy<Value = Vec<(Step, Index)>> {
    let hours = proptest::option::of(1_u64..40);
    let networks = vec(0..NETWORKS.len(), 0..3);
    let restrict = (hours, networks, 0_u16..40);
    let step = prop_oneof![
        3 => Just(Step::Refresh),
        1 => Just(Step::Token),
        1 => Just(Step::Renew),
        3 => restrict.prop_map(|(hours, networks, uses)| Step::Restrict(hours, networks, uses)),
        1 => Just(Step::NewKey),
        1 => Just(Step::Wait),
    ];
    vec((step, any::<Index>()), 1..25)
}

/// True if whatever the one allows, the other allows too.
fn is_within(narrow: &UseLimits, wide: &UseLimits) -> bool {
    let within = |narrow: Option<u64>, wide: Option<u64>| match (narrow, wide) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(narrow), Some(wide)) => narrow <= wide,
    };
    let seconds = |limits: &UseLimits| limits.until().map(|until| until.0);
    let uses = |limits: &UseLimits| limits.per_hour().map(|uses| uses.get().into());
    let networks = wide.networks().is_empty()
        || (!narrow.networks().is_empty()
            && narrow.networks().iter().all(|network| {
                let mut wide = wide.networks().iter();
                wide.any(|wide| wide.contains(network))
            }));
    within(seconds(narrow), seconds(wide)) && within(uses(narrow), uses(wide)) && networks
}

struct Run {
    app: TestApp,
    /// Each with the limits that it must keep to.
    authids: Vec<(String, UseLimits)>,
}

impl Run {
    async fn start(service: &str) -> Self {
        let app = TestApp::start().await;
        let login = app.authid(service).await;
        Self {
            app,
            authids: vec![(login, UseLimits::default())],
        }
    }

    async fn take(&mut self, step: Step, begin: Index) -> TestCaseResult {
        let (authid, bound) = begin.get(&self.authids).clone();
        let app = &self.app;
        let (answer, member) = match step {
            Step::Refresh => (app.refresh(&authid).await, "v2_authid"),
            Step::Token => (token(app, &authid).await, "refresh_token"),
            Step::Renew => (post(app, "/renewed", &authid).await, "authid"),
            Step::NewKey => {
                app.new_key();
                return Ok(());
            }
            Step::Wait => {
                app.clock.advance(HOUR);
                return Ok(());
            }
            Step::Restrict(hours, networks, uses) => {
                let until = hours.map(|hours| app.clock.now().plus(HOUR * hours as u32));
                let networks: Vec<&str> = networks.iter().map(|at| NETWORKS[*at]).collect();
                let wish = limits(until, &networks.join(","), uses);
                self.restrict(&authid, &bound, &wish)?;
                return Ok(());
            }
        };
        let is_over = bound
            .until()
            .is_some_and(|until| until <= self.app.clock.now());
        prop_assert!(!is_over || answer.status.as_u16() >= 400, "{answer:?}");
        self.receive(&answer, member, bound)
    }

    /// The result of a wish is within the AuthID's limits and the wish, or there is none.
    fn restrict(&mut self, authid: &str, bound: &UseLimits, wish: &UseLimits) -> TestCaseResult {
        let grant = self.app.open(authid);
        let has = limits_of(&self.app, authid);
        prop_assert!(is_within(&has, bound));
        let Ok(narrowed) = has.narrowed(wish) else {
            prop_assert!(!is_within(wish, &has));
            return Ok(());
        };
        prop_assert!(is_within(&narrowed, bound) && is_within(&narrowed, wish));
        let terms = Terms {
            limits: narrowed.clone(),
            ..Terms::default()
        };
        let authid = self.app.reseal(&Grant {
            terms: Some(Arc::new(terms)),
            ..grant
        });
        self.authids.push((authid, narrowed));
        Ok(())
    }

    fn receive(&mut self, answer: &Answer, member: &str, bound: UseLimits) -> TestCaseResult {
        if answer.status != 200 {
            return Ok(());
        }
        if let Some(newer) = answer.json()[member].as_str() {
            // Neither wider nor narrower than the one that was presented.
            prop_assert_eq!(&limits_of(&self.app, newer), &bound);
            self.authids.push((newer.to_owned(), bound));
        }
        Ok(())
    }
}

#[test]
fn no_sequence_of_steps_widens_a_limit() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ProptestConfig {
        cases: 24,
        ..ProptestConfig::default()
    };
    let services = prop_oneof![Just("stable"), Just("single-use")];
    proptest!(config, |(service in services, steps in steps())| {
        runtime.block_on(async {
            let mut run = Run::start(service).await;
            for (step, begin) in steps {
                run.take(step, begin).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    });
}
